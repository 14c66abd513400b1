/**
 * The one base class of every error the project throws on purpose.
 *
 * `code` is stable and is what tests, metrics, exit statuses and protocol refusals look at; `message` is for people and may
 * change; `cause` never leaves the node. A programmer's mistake is a `TypeError` instead, and is not caught.
 */
export class RogatoryError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What can go wrong when text or bytes are read as one of the basic types. */
export type BaseErrorCode =
  'BASE_BAD_BASE64' | 'BASE_BAD_HEX' | 'BASE_BAD_UTF8' | 'BASE_BAD_JURISDICTION' | 'BASE_BAD_UUID';

/** Failure to read one of the basic types. */
export class BaseError extends RogatoryError<BaseErrorCode> {}

/** The stable code of anything caught: a project error's own, or `INTERNAL`. */
export function codeOf(error: unknown): string {
  return error instanceof RogatoryError ? String(error.code) : 'INTERNAL';
}
