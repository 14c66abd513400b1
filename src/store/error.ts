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
