import { RogatoryError } from '../base/mod.ts';

/** What can be wrong with a node's configuration. */
export type ConfigErrorCode =
  /** The file is not there or cannot be read. */
  | 'CONFIG_UNREADABLE'
  /** The file is not JSON, or members are missing, unknown or wrong; the message lists every one. */
  | 'CONFIG_INVALID'
  /** A secret is needed that neither the environment nor a file gives. */
  | 'CONFIG_SECRET_MISSING';

/** A configuration that cannot be used. */
export class ConfigError extends RogatoryError<ConfigErrorCode> {}
