/** The way on for a node that has lost entries of its ledger for good: another epoch, which says so. */
import { readFile } from 'node:fs/promises';
import { systemClock, type Clock } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { exchangeKeys } from '../exchange/mod.ts';
import { Ledger, newestSignedHead, type SignedHead, type VerifierKey } from '../ledger/mod.ts';
import { openStore, type Store } from '../store/mod.ts';
import { ENTRY_VERSION, encodeLedgerEntry } from '../wire/mod.ts';
import { NodeError } from './error.ts';
import { ledgerKeyOf, ledgerSignersOf, readKeyring } from './keyring.ts';
import { stateOf } from './restore.ts';

/** How a ledger goes on. */
export interface BegunEpoch {
  readonly number: number;
  readonly origin: string;
  /** Number of entries that are kept. */
  readonly kept: number;
  /** Number of entries that are known to have been signed before; undefined where nobody could say. */
  readonly signed: number | undefined;
}

/**
 * Begins an epoch of a stopped node's ledger: keeps what its store has, and commits, in the first entry under the new origin, to what was
 * kept and to the largest head that is known.
 * @throws {NodeError} NODE_EPOCH_REFUSED when nothing is lost, or when the store is another history and not an old one
 */
export async function beginEpoch(
  config: NodeConfig,
  passphrase: string | undefined,
  clock: Clock = systemClock,
): Promise<BegunEpoch> {
  const state = await stateOf(config, passphrase);
  if (state.is === 'whole')
    throw new NodeError('NODE_EPOCH_REFUSED', 'Nothing is known to be lost: the store holds all up to the head.');
  if (state.is === 'forked')
    throw new NodeError(
      'NODE_EPOCH_REFUSED',
      'The store is another history of what this node has signed, not an older one. Put an older backup back, from before the two parted.',
    );
  const { dataKey, keys } = await readKeyring(config, passphrase);
  const signers = ledgerSignersOf(config, keys);
  const signed = await knownHead(
    config,
    keys.ledger.map((key) => ledgerKeyOf(config, key)),
  );
  const store = await openStore(config.paths.store, dataKey);
  try {
    const { head: headFile, ledger: folder } = config.paths;
    let kept = 0;
    const ledger = await Ledger.beginEpoch(
      { storage: store, ...signers, headFile, folder, onPublishError: () => undefined },
      signed,
      (number, checkpoint, lastTime) => {
        kept = checkpoint.size;
        const value = { number, kept: checkpoint.note, lost: signed?.head.note };
        const time = Math.max(lastTime, clock.nowMs());
        return encodeLedgerEntry({
          version: ENTRY_VERSION,
          kind: 'EPOCH',
          time,
          seq: 0,
          detail: { type: 'epoch', value },
        });
      },
      { puts: [], deletes: await bygone(store) },
    );
    await ledger.close();
    return { number: ledger.epoch, origin: ledger.key.name, kept, signed: signed?.head.size };
  } finally {
    await store.close();
  }
}

async function knownHead(config: NodeConfig, keys: readonly VerifierKey[]): Promise<SignedHead | undefined> {
  const bytes = await readFile(config.paths.head).catch(() => undefined);
  const newest = bytes === undefined ? undefined : newestSignedHead(bytes, keys);
  return newest?.ok === true ? newest.value : undefined;
}

/** What was about the former epoch only: witnesses have vouched for another log, and peers have to be met again. */
async function bygone(store: Store): Promise<string[]> {
  const found: string[] = [];
  for (const prefix of exchangeKeys.ofEpoch) for await (const [name] of store.scan(prefix)) found.push(name);
  return found;
}
