import { RogatoryError } from '../base/mod.ts';

/** What can go wrong with the node's own end of its connections. */
export type TransportErrorCode =
  /** The address to listen on cannot be used. */
  'TRANSPORT_LISTEN_FAILED';

/** A connection that cannot be made from this side. A peer's faults close sessions instead. */
export class TransportError extends RogatoryError<TransportErrorCode> {}
