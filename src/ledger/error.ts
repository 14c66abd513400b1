import { RogatoryError } from '../base/mod.ts';

/** What can go wrong with this node's own ledger. */
export type LedgerErrorCode =
  /** No entry with this index, or no tree of this size. */
  | 'LEDGER_INDEX_OUT_OF_RANGE'
  /** A verifier key, note, checkpoint, proof or tile that is not in its format. */
  | 'LEDGER_MALFORMED'
  /** An entry that is empty or longer than 65,535 bytes. */
  | 'LEDGER_ENTRY_SIZE'
  /** A ledger exists already where one is to be created. */
  | 'LEDGER_EXISTS'
  /** The record of the head outside the store is missing, so a rollback could not be noticed. */
  | 'LEDGER_HEAD_MISSING'
  /** The ledger was last signed by a key that is not there. */
  | 'LEDGER_KEY_MISSING'
  /** The record of the head outside the store is not a checkpoint signed by a key of this ledger. */
  | 'LEDGER_HEAD_INVALID'
  /** The store is older than what this node has signed: an old copy was put back. */
  | 'LEDGER_ROLLED_BACK'
  /** The store holds another history than what this node has signed. */
  | 'LEDGER_FORKED'
  /** Entries do not hash to the recorded root, or are missing. */
  | 'LEDGER_CORRUPT';

/** A ledger that cannot be used, or was asked for what it does not have. */
export class LedgerError extends RogatoryError<LedgerErrorCode> {}

/** Why something that claims to come from a ledger is not believed. */
export type LedgerReason =
  /** Not a signed note. */
  | 'NOTE_MALFORMED'
  /** No signature by the expected key. */
  | 'NOTE_UNSIGNED'
  /** A signature of the expected key that does not verify, or two of them. */
  | 'NOTE_SIGNATURE_INVALID'
  /** The note is not a checkpoint. */
  | 'CHECKPOINT_MALFORMED'
  /** The checkpoint of another ledger. */
  | 'ORIGIN_MISMATCH'
  /** Not a proof in its text form. */
  | 'PROOF_MALFORMED'
  /** The entry is not in the tree at that index. */
  | 'INCLUSION_INVALID'
  /** One tree is not a continuation of the other. */
  | 'CONSISTENCY_INVALID';
