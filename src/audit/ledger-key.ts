import { bytesToHex } from '../base/mod.ts';
import { epochKeysOf, isSignedBy, type Checkpoint, type VerifierKey } from '../ledger/mod.ts';
import type { LedgerEntry } from '../wire/mod.ts';
import type { Findings } from './error.ts';

/**
 * A ledger says itself which key signs for it: the first it was listed with, until a KEY entry names another. A checkpoint by any other of
 * its keys is by somebody who holds an old one, or one that is to come.
 */
export class SignerReader {
  readonly #keys: readonly VerifierKey[];
  #due: string;

  /** @param keys every key of the ledger as the manifest lists it, newest first; the checkpoint is signed by one of them in its epoch */
  constructor(keys: readonly VerifierKey[]) {
    this.#keys = keys;
    this.#due = bytesToHex(keys.at(-1)!.id);
  }

  read({ detail }: LedgerEntry): void {
    if (detail?.type === 'key' && detail.value.use === 'LEDGER') this.#due = detail.value.key_id;
  }

  /** Call it after the last entry that the checkpoint covers. */
  end(checkpoint: Checkpoint, where: string, findings: Findings): void {
    // An entry names a key as the manifest does, whatever the epoch.
    const listed = this.#keys.filter(({ id }) => bytesToHex(id) === this.#due);
    const [key] = epochKeysOf(checkpoint.note, listed)?.keys ?? [];
    if (key !== undefined && isSignedBy(checkpoint.note, key)) return;
    const detail = `its ledger is signed by the key ${this.#due}, and this checkpoint is not`;
    findings.add('CHECKPOINT_INVALID', where, detail);
  }
}
