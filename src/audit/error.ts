import { RogatoryError } from '../base/mod.ts';

/** What can go wrong before an audit can even begin. */
export type AuditErrorCode =
  /** The file is not a bundle: not a zip of the one form, or without its parts. */
  | 'AUDIT_NOT_A_BUNDLE'
  /** The file of a witness policy cannot be read; the message names the line. */
  | 'AUDIT_POLICY_MALFORMED';

/** A bundle that cannot be read. */
export class AuditError extends RogatoryError<AuditErrorCode> {}

/** What an audit found wrong. */
export type FindingCode =
  | 'BUNDLE_MALFORMED'
  | 'BUNDLE_FILE_CHANGED'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_NOT_RECORDED'
  | 'CHECKPOINT_INVALID'
  | 'ENTRIES_MISSING'
  | 'ROOT_MISMATCH'
  | 'SELECTION_MISMATCH'
  | 'TILE_MISMATCH'
  | 'ENTRY_MALFORMED'
  | 'TIME_DECREASED'
  | 'SEQUENCE_BROKEN'
  | 'RECEIPT_WITHOUT_MESSAGE'
  | 'PROOF_MISSING'
  | 'PROOF_INVALID'
  | 'PROOF_MISMATCH'
  | 'DISCLOSURE_INVALID'
  | 'DISCLOSURE_NOT_RECORDED'
  | 'COSIGNATURE_INVALID'
  | 'POLICY_NOT_MET'
  | 'ENTRIES_UNWITNESSED'
  | 'RECEIPT_LATE'
  | 'INCIDENT_RECORDED'
  | 'SAME_LEDGER_TWICE'
  | 'LEDGER_FORKED'
  | 'BUNDLE_BEHIND'
  | 'EPOCH_INVALID'
  | 'ENTRIES_LOST'
  | 'ENTRY_CONTRADICTED'
  | 'MANIFEST_CONTRADICTED';

/** One thing wrong, and where. */
export interface Finding {
  readonly code: FindingCode;
  /** Such as `xa.zip: entry 5`. */
  readonly where: string;
  readonly detail: string;
}

// A ledger can be wrong a million times over; nobody reads on after this many.
const MAX_LISTED = 1000;

/** Everything that an audit found wrong, in the order it was found. */
export class Findings {
  readonly list: Finding[] = [];
  #total = 0;

  add(code: FindingCode, where: string, detail: string): void {
    this.#total++;
    if (this.list.length < MAX_LISTED) this.list.push({ code, where, detail });
  }

  /** How many there are, those that are not listed included. */
  get total(): number {
    return this.#total;
  }
}
