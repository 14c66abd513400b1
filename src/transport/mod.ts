export { TransportError, type TransportErrorCode } from './error.ts';
export { Transport, type PeerConnection, type TransportEvent, type TransportOptions } from './transport.ts';
export { SESSION_TIMES, type SessionTimes } from './wire-options.ts';
