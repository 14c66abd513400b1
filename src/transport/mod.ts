export type { TransportErrorCode } from './error.ts';
export { LedgerServer, type LedgerServerOptions } from './ledger-server.ts';
export { probePeer, type Probe } from './probe.ts';
export { Transport } from './transport.ts';
export type { PeerConnection, TransportEvent, TransportOptions } from './transport-options.ts';
export type { SessionTimes } from './wire-options.ts';
