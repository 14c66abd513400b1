import { RogatoryError } from '../base/mod.ts';

/** What can go wrong when a person's message is to be sent, or looked up. */
export type ExchangeErrorCode =
  /** The recipient is not in the federation manifest. */
  | 'EXCHANGE_UNKNOWN_RECIPIENT'
  /** The recipient is in the manifest but suspended, or has left. */
  | 'EXCHANGE_RECIPIENT_INACTIVE'
  /** The federation manifest has expired: nothing new is sent under it, and what arrives is still received and answered. */
  | 'EXCHANGE_MANIFEST_EXPIRED'
  /** The recipient has no valid encryption key, or this node no valid signing key. */
  | 'EXCHANGE_NO_KEY'
  /** The message is longer than the recipient accepts. */
  | 'EXCHANGE_TOO_LARGE'
  /** The message belongs to a case, and the draft does not say which. */
  | 'EXCHANGE_CASE_REQUIRED'
  /** The caller's key stands for another request. */
  | 'EXCHANGE_IDEMPOTENCY_KEY_REUSED'
  /** This node has lost entries of its ledger, and the recipient has not told yet what of them it holds. */
  | 'EXCHANGE_RESUME_PENDING'
  /** No message with this id at this node. */
  | 'EXCHANGE_UNKNOWN_MESSAGE'
  /** The message was answered or given up already, or may have left this node. */
  | 'EXCHANGE_NOT_WITHDRAWABLE'
  /** The next review of what is kept is not after today, or after the end of its retention. */
  | 'EXCHANGE_BAD_REVIEW'
  /** What the message says was erased here. */
  | 'EXCHANGE_ERASED'
  /** The message waits for its receipt, and may have to be sent again. */
  | 'EXCHANGE_NOT_ERASABLE'
  /** A condition of the sender forbids to hand the message on; the attempt is in the ledger. */
  | 'EXCHANGE_WITHHELD'
  /** A message announces a file whose content is not here, or describes it otherwise. */
  | 'EXCHANGE_EVIDENCE_UNKNOWN'
  /** The node is stopping, or has stopped after a failed write. */
  | 'EXCHANGE_STOPPED';

/** A refusal of the own side's act. */
export class ExchangeError extends RogatoryError<ExchangeErrorCode> {}
