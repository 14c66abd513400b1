/** Files of evidence of which a bundle proves that they arrived. */
import { bytesToHex } from '../base/mod.ts';
import type { LedgerEntry } from '../wire/mod.ts';

/** A file that arrived whole, by the recipient's own ledger. */
export interface ProvedArrival {
  readonly recipient: string;
  readonly sender: string;
  readonly file_id: string;
  /** Bytes of the plaintext. */
  readonly size: number;
  /** Hexadecimal RFC 6962 root over the sealed chunks. */
  readonly root: string;
  /** The entry in the recipient's ledger. */
  readonly index: number;
}

/** What a recipient's entry says of a file; undefined when it says nothing. */
export function arrivalOf(recipient: string, { detail, peer }: LedgerEntry, index: number): ProvedArrival | undefined {
  if (detail?.type !== 'evidence_arrived') return undefined;
  const { file_id, size, root } = detail.value;
  return { recipient, sender: peer!, file_id, size, root: bytesToHex(root), index };
}
