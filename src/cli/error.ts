import { RogatoryError } from '../base/mod.ts';
import type { Finding } from '../casework/mod.ts';

/** What can be wrong with how a command was given. */
export type CliErrorCode =
  /** Unknown command or option, or one that is missing; exit status 2. */
  | 'CLI_USAGE'
  /** A file cannot be read. */
  | 'CLI_FILE_UNREADABLE'
  /** A file cannot be written. */
  | 'CLI_FILE_UNWRITABLE'
  /** A file is not JSON. */
  | 'CLI_NOT_JSON'
  /** The folder for a sandbox is not empty. */
  | 'CLI_FOLDER_NOT_EMPTY'
  /** A scenario does not exist or cannot be played. */
  | 'CLI_SCENARIO_INVALID'
  /** The command was interrupted before it was done. */
  | 'CLI_INTERRUPTED'
  /** A sandbox's node did not start. */
  | 'CLI_NODE_FAILED'
  /** The treaty registry advises against sending a message as it is, and no person has decided to. */
  | 'CLI_ADVICE_NOT_ACCEPTED';

/** A command that cannot be carried out as given. */
export class CliError extends RogatoryError<CliErrorCode> {}

/** A message that a person has to decide about first. */
export class AdviceError extends CliError {
  /** What the registry advises, field by field. */
  readonly faults: readonly Finding[];

  constructor(code: CliErrorCode, message: string, advice: readonly Finding[]) {
    super(code, message);
    this.faults = advice;
  }
}
