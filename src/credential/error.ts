import { RogatoryError } from '../base/mod.ts';

/** What can be wrong with a credential before anybody asks whose it is. */
export type CredentialErrorCode =
  /** The file, or what was sent of it, is not a credential. */
  'CREDENTIAL_MALFORMED';

/** A text that is not a credential. */
export class CredentialError extends RogatoryError<CredentialErrorCode> {}
