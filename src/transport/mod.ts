export type { TransportErrorCode } from './error.ts';
export { LedgerServer, type LedgerServerOptions } from './ledger-server.ts';
export { probePeer, type Probe } from './probe.ts';
export { Transport, type PeerConnection, type TransportEvent, type TransportOptions } from './transport.ts';
export type { SessionTimes } from './wire-options.ts';
