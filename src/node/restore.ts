/** What a restored node may do: serve, if nothing that it has signed is lost; otherwise nothing. */
import { readFile } from 'node:fs/promises';
import { codeOf, replaceFile } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { parseCheckpointNote, verifyCheckpoint, type Checkpoint } from '../ledger/mod.ts';
import { NodeError } from './error.ts';
import { ledgerKeyOf, readKeyring } from './keyring.ts';
import { openNodeStorage } from './node.ts';

/** How a node's store compares with the newest head that is known. */
export type RestoredState =
  | { readonly is: 'whole'; readonly size: number }
  /** Entries are lost: serving would sign a second history. */
  | { readonly is: 'behind'; readonly detail: string }
  /** Nobody has said which head is the newest. */
  | { readonly is: 'unknown' };

const HEAD_MODE = 0o644;

/** Compares a stopped node's store with its head. @throws {StoreError} {LedgerError} LEDGER_CORRUPT and whatever else is wrong */
export async function stateOf(config: NodeConfig, passphrase: string | undefined): Promise<RestoredState> {
  try {
    const storage = await openNodeStorage(config, passphrase);
    const { size } = storage.ledger;
    await storage.close();
    return { is: 'whole', size };
  } catch (error) {
    switch (codeOf(error)) {
      case 'LEDGER_ROLLED_BACK':
      case 'LEDGER_FORKED':
        return { is: 'behind', detail: (error as Error).message };
      case 'LEDGER_HEAD_MISSING':
        return { is: 'unknown' };
      default:
        throw error;
    }
  }
}

/**
 * Takes the newest head that a peer has seen for this node's own, unless it knows a newer one.
 * @param note the checkpoint as the peer holds it, signed by this node's ledger key
 * @throws {NodeError} NODE_HEAD_INVALID
 */
export async function takeHead(config: NodeConfig, passphrase: string | undefined, note: string): Promise<void> {
  const { keys } = await readKeyring(config.paths.keys, passphrase);
  const heads = keys.ledger.map((key) => verifyCheckpoint(note, ledgerKeyOf(config, key)));
  const head = heads.find((verdict) => verdict.ok);
  if (head?.ok !== true)
    throw new NodeError('NODE_HEAD_INVALID', `That is not a head that the ledger ${config.ledgerOrigin} has signed.`);
  const own = await ownHead(config);
  if (own === undefined || own.size < head.value.size) await replaceFile(config.paths.head, head.value.note, HEAD_MODE);
}

async function ownHead(config: NodeConfig): Promise<Checkpoint | undefined> {
  const note = await readFile(config.paths.head, 'utf8').catch(() => undefined);
  return note === undefined ? undefined : parseCheckpointNote(note);
}
