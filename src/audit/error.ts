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
  | 'TILE_MISMATCH'
  | 'ENTRY_MALFORMED'
  | 'TIME_DECREASED'
  | 'SEQUENCE_BROKEN'
  | 'RECEIPT_WITHOUT_MESSAGE'
  | 'PROOF_MISSING'
  | 'PROOF_INVALID'
  | 'PROOF_MISMATCH'
  | 'COSIGNATURE_INVALID'
  | 'POLICY_NOT_MET'
  | 'INCIDENT_RECORDED'
  | 'SAME_LEDGER_TWICE'
  | 'LEDGER_FORKED'
  | 'BUNDLE_BEHIND'
  | 'ENTRY_CONTRADICTED'
  | 'MANIFEST_CONTRADICTED';

/** One thing wrong, and where. */
export interface Finding {
  readonly code: FindingCode;
  /** Such as `xa.zip: entry 5`. */
  readonly where: string;
  readonly detail: string;
}
