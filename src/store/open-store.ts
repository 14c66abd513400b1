import { createSecretKey } from 'node:crypto';
import { join } from 'node:path';
import { noFailpoint, type Failpoint } from '../base/mod.ts';
import { StoreError, diskReason } from './error.ts';
import { JournaledStore } from './journaled.ts';
import { openLevelStore } from './level.ts';
import { encodeNumbers, ownKeys } from './place.ts';
import { readUnsettled } from './recovery.ts';
import { Segments } from './segments.ts';
import { eraseDead } from './settling.ts';
import type { NodeStore, Store } from './store.ts';

/** What a test asks of a store beyond service. */
export interface StoreOptions {
  readonly failpoint?: Failpoint | undefined;
  /** Part of the usual sizes at which things are brought into the tables: 1 in service. */
  readonly share?: number | undefined;
}

/**
 * Opens a node's store: `folder` holds LevelDB's files, `folder/journal` the journal.
 * @param dataKey 32 bytes, under which every value rests
 * @throws {StoreError} STORE_CORRUPT, STORE_LOCKED, STORE_UNREADABLE
 */
export async function openStore(folder: string, dataKey: Uint8Array, options: StoreOptions = {}): Promise<NodeStore> {
  return openJournaled(await openLevelStore(folder), join(folder, 'journal'), dataKey, options);
}

/** Opens a journal in a folder over tables that are open, and takes them over: they are closed with it, or when it cannot be opened. */
export async function openJournaled(
  resting: Store,
  folder: string,
  dataKey: Uint8Array,
  { failpoint = noFailpoint, share = 1 }: StoreOptions = {},
): Promise<NodeStore> {
  try {
    const segments = new Segments(folder, dataKey, share);
    const unsettled = await readUnsettled(segments, resting);
    await eraseDead({ resting, segments, failpoint });
    const segment = await segments.create(unsettled.lastSegment + 1);
    const parts = { resting, segments, segment, failpoint, share, dataKey: createSecretKey(dataKey) };
    const store = new JournaledStore({ ...parts, lastCommit: unsettled.lastCommit });
    await store.rewrite(unsettled.outcome);
    failpoint('store.rewritten');
    if (unsettled.segments.length > 0) {
      const settled = encodeNumbers(unsettled.lastSegment, unsettled.lastCommit);
      await resting.commit({ puts: [[ownKeys.settled, settled]] });
      for (const number of unsettled.segments) segments.remove(number);
    }
    return store;
  } catch (error) {
    await resting.close();
    if (error instanceof StoreError) throw error;
    const reason = diskReason(error) || `: ${String(error)}`;
    throw new StoreError('STORE_UNREADABLE', `The journal ${folder} cannot be opened${reason}.`, { cause: error });
  }
}
