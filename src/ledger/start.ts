/** How a ledger comes into the memory of a process: made, opened, or gone on with after a loss. Nothing is signed that is not on disk. */
import { noFailpoint, systemFiles, systemTimers, utf8ToBytes } from '../base/mod.ts';
import { signCheckpoint, type Checkpoint } from './checkpoint.ts';
import { EntryLog } from './entry-log.ts';
import { epochKey } from './epoch.ts';
import { LedgerError } from './error.ts';
import { EMPTY_ROOT } from './hash.ts';
import { HeadFile, type SignedHead } from './head-file.ts';
import type { LedgerOptions, LedgerSigner } from './ledger-options.ts';
import type { MerkleTiles } from './merkle-tiles.ts';
import { FIRST_EPOCH, checkExternalHead, encodeHead, readStored, storedTree, type EpochRecord } from './stored.ts';
import { ledgerKeys } from './storage.ts';

/** What a ledger consists of while a process has it. */
export interface LedgerParts {
  readonly options: LedgerOptions;
  /** Whoever signs now, as the manifest lists the key. */
  readonly signer: LedgerSigner;
  readonly tree: MerkleTiles;
  readonly entries: EntryLog;
  readonly head: HeadFile;
  /** The last that was signed. */
  readonly checkpoint: Checkpoint;
  /** Unix milliseconds of the last entry; 0 without any. */
  readonly lastTime: number;
  readonly epoch: EpochRecord;
}

/** @throws {LedgerError} LEDGER_EXISTS */
export async function createParts(options: LedgerOptions): Promise<LedgerParts> {
  const { storage } = options;
  if ((await storage.get(ledgerKeys.head)) !== undefined) {
    throw new LedgerError('LEDGER_EXISTS', 'The store has a ledger already.');
  }
  const checkpoint = signCheckpoint({ size: 0, root: EMPTY_ROOT }, options.key, options.sign);
  await storage.commit({
    expect: { key: ledgerKeys.head, value: undefined },
    puts: [
      [ledgerKeys.head, encodeHead(0, EMPTY_ROOT)],
      [ledgerKeys.checkpoint, utf8ToBytes(checkpoint.note)],
    ],
  });
  const head = await startHeadFile(options, checkpoint);
  const entries = EntryLog.empty(storage);
  const tree = storedTree(storage, () => entries);
  return { options, signer: options, tree, entries, head, checkpoint, lastTime: 0, epoch: FIRST_EPOCH };
}

/** @throws {LedgerError} LEDGER_CORRUPT, LEDGER_HEAD_MISSING, LEDGER_HEAD_INVALID, LEDGER_ROLLED_BACK, LEDGER_FORKED, LEDGER_KEY_MISSING */
export async function openParts(
  options: LedgerOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<LedgerParts> {
  const { storage, failpoint = noFailpoint } = options;
  const { record, head: stored, tree, log, lastTime, epoch, signer } = await readStored(options, onProgress);
  await checkExternalHead(options, tree, epoch.number);
  failpoint('ledger.open.rehashed');
  // A process that was killed may have left entries that can be read and are not on disk yet. What is signed has to be.
  await storage.commit({ expect: { key: ledgerKeys.head, value: record }, puts: [[ledgerKeys.head, record]] });
  const { key, sign } = inEpoch(signer, epoch.number);
  const checkpoint = signCheckpoint(stored, key, sign);
  await storage.commit({ puts: [[ledgerKeys.checkpoint, utf8ToBytes(checkpoint.note)]], durable: false });
  failpoint('ledger.open.checkpoint-stored');
  const head = await startHeadFile(options, checkpoint);
  failpoint('ledger.open.head-replaced');
  return { options, signer, tree, entries: log, head, checkpoint, lastTime, epoch };
}

/**
 * What is kept, in the epoch that is to begin with the next entry. The checkpoint is the last of the epoch before.
 * @throws {LedgerError} LEDGER_CORRUPT, LEDGER_KEY_MISSING
 */
export async function partsAfterLoss(options: LedgerOptions, signed: SignedHead | undefined): Promise<LedgerParts> {
  const { head: stored, tree, log, lastTime, epoch: former, signer } = await readStored(options);
  const number = Math.max(signed?.epoch ?? 1, former.number) + 1;
  const { key, sign } = inEpoch(signer, former.number);
  const kept = signCheckpoint(stored, key, sign);
  await options.storage.commit({ puts: [[ledgerKeys.checkpoint, utf8ToBytes(kept.note)]], durable: false });
  const head = await startHeadFile(options, signed?.head ?? kept);
  const before = former.number === 1 ? [] : [...(former.before ?? []), former.start];
  const epoch: EpochRecord = { number, start: stored.size, before };
  return { options, signer, tree, entries: log, head, checkpoint: kept, lastTime, epoch };
}

/** The same key under the origin of an epoch. */
export function inEpoch({ key, sign }: LedgerSigner, epoch: number): LedgerSigner {
  return { key: epochKey(key, epoch), sign };
}

function startHeadFile(options: LedgerOptions, { note }: Checkpoint): Promise<HeadFile> {
  return HeadFile.start(options.headFile, note, options.files ?? systemFiles, options.timers ?? systemTimers);
}
