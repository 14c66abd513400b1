import { RogatoryError } from '../base/mod.ts';

/** What can go wrong between a command and its node. */
export type ApiErrorCode =
  /** No node is running in that directory. */
  | 'API_NODE_NOT_RUNNING'
  /** The directory's path is too long for a Unix socket. */
  | 'API_SOCKET_PATH_TOO_LONG'
  /** Another node is serving that directory. */
  | 'API_SOCKET_IN_USE'
  /** The request is not one that the node's interface knows. */
  | 'API_BAD_REQUEST'
  /** The node's answer could not be understood. */
  | 'API_BAD_ANSWER';

/** A failure of the local interface itself. */
export class ApiError extends RogatoryError<ApiErrorCode> {}

/** An error that the node reported: its code and message, as the command prints it. */
export class RemoteError extends RogatoryError {
  /** What is wrong with the fields of a message, if that is the matter. */
  readonly faults: readonly { readonly path: string; readonly code: string; readonly message: string }[];

  constructor(code: string, message: string, faults: RemoteError['faults']) {
    super(code, message);
    this.faults = faults;
  }
}
