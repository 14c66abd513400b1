/** What a restored node may do: serve, if nothing that it has signed is lost; otherwise nothing. */
import { readFile } from 'node:fs/promises';
import { codeOf, utf8ToBytes } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { newestHead, parseHeadFile, verifyCheckpoint, writeHeadFile, type Checkpoint } from '../ledger/mod.ts';
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
  // The head record of another copy of this node's directory will do as well.
  const notes = parseHeadFile(utf8ToBytes(note));
  const heads = keys.ledger.flatMap((key) => notes.map((one) => verifyCheckpoint(one, ledgerKeyOf(config, key))));
  const head = heads.flatMap((verdict) => (verdict.ok ? [verdict.value] : [])).sort((a, b) => b.size - a.size)[0];
  if (head === undefined)
    throw new NodeError('NODE_HEAD_INVALID', `That is not a head that the ledger ${config.ledgerOrigin} has signed.`);
  const own = await ownHead(config);
  if (own === undefined || own.size < head.size) await writeHeadFile(config.paths.head, head.note);
}

async function ownHead(config: NodeConfig): Promise<Checkpoint | undefined> {
  const bytes = await readFile(config.paths.head).catch(() => undefined);
  return bytes === undefined ? undefined : newestHead(bytes);
}
