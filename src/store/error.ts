import { RogatoryError } from '../base/mod.ts';

/** What can go wrong with the node's store. */
export type StoreErrorCode =
  /** The folder cannot be opened as a store. */
  | 'STORE_UNREADABLE'
  /** Another process has the store open. */
  | 'STORE_LOCKED'
  /** A conditional batch found another value than it expected; nothing was written. */
  | 'STORE_CONFLICT'
  /** A value was changed, moved or truncated on disk. */
  | 'STORE_CORRUPT'
  /** A write failed. What is on disk is unknown until the store is opened again. */
  | 'STORE_WRITE_FAILED'
  /** The data key needs a passphrase. */
  | 'STORE_PASSPHRASE_NEEDED'
  /** The passphrase is wrong, or the wrapped key was changed. */
  | 'STORE_PASSPHRASE_WRONG';

/** A store that cannot be used, or that refused a batch. */
export class StoreError extends RogatoryError<StoreErrorCode> {}

/**
 * What the disk says of a failure, to be added to a message: the node's own operator is who reads it.
 * @returns ': the disk is full', or the like; '' where the failure is not one of the disk
 */
export function diskReason(cause: unknown): string {
  const text = cause instanceof Error ? `${(cause as { code?: unknown }).code as string} ${cause.message}` : '';
  if (/ENOSPC|EDQUOT|No space left|quota exceeded/i.test(text)) return ': the disk is full';
  if (/EROFS|Read-only file system/i.test(text)) return ': the disk is read-only';
  if (/EACCES|EPERM|Permission denied/i.test(text)) return ': the node’s user may not write there';
  if (/\bEIO\b|Input\/output error/i.test(text)) return ': the disk failed (EIO)';
  return '';
}
