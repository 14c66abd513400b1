/** What a restored node may do: serve, if nothing that it has signed is lost; otherwise nothing. */
import { readFile } from 'node:fs/promises';
import { codeOf, utf8ToBytes } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { newestSignedHead, placeInOrder, writeHeadFile, type SignedHead } from '../ledger/mod.ts';
import type { KeyProvider } from '../trust/mod.ts';
import { NodeError } from './error.ts';
import { ledgerKeyOf, readKeyring } from './keyring.ts';
import { openNodeStorage } from './node-storage.ts';

/** How a node's store compares with the newest head that is known. */
export type RestoredState =
  | { readonly is: 'whole'; readonly size: number }
  /** Entries are lost: serving would sign a second history. */
  | { readonly is: 'behind'; readonly detail: string }
  /** The store holds another history than was signed. */
  | { readonly is: 'forked'; readonly detail: string }
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
        return { is: 'behind', detail: (error as Error).message };
      case 'LEDGER_FORKED':
        return { is: 'forked', detail: (error as Error).message };
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
  const { keys } = await readKeyring(config, passphrase);
  // The head record of another copy of this node's directory will do as well.
  const given = newestOf(config, keys.ledger, utf8ToBytes(note));
  if (given === undefined)
    throw new NodeError('NODE_HEAD_INVALID', `That is not a head that the ledger ${config.ledgerOrigin} has signed.`);
  const bytes = await readFile(config.paths.head).catch(() => undefined);
  const own = bytes === undefined ? undefined : newestOf(config, keys.ledger, bytes);
  if (own === undefined || placeOf(own) < placeOf(given)) await writeHeadFile(config.paths.head, given.head.note);
}

function newestOf(config: NodeConfig, keys: KeyProvider['ledger'], record: Uint8Array): SignedHead | undefined {
  const newest = newestSignedHead(
    record,
    keys.map((key) => ledgerKeyOf(config, key)),
  );
  return newest.ok ? newest.value : undefined;
}

function placeOf({ epoch, head }: SignedHead): number {
  return placeInOrder(epoch, head.size);
}
