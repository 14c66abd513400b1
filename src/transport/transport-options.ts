/** What a transport is made of, and what it tells of its connections. */
import type { Clock, Failpoint, JurisdictionCode, Timers } from '../base/mod.ts';
import type { Exchange } from '../exchange/mod.ts';
import type { TlsKey } from '../trust/mod.ts';
import type { SessionTimes } from './wire-options.ts';

/** Something that happened to a connection. */
export interface TransportEvent {
  readonly kind: 'CONNECTED' | 'DISCONNECTED' | 'DIAL_FAILED' | 'CONNECTION_REFUSED';
  readonly peer?: JurisdictionCode;
  readonly detail: string;
}

/** What a transport is made of. */
export interface TransportOptions {
  readonly code: JurisdictionCode;
  readonly exchange: Exchange;
  /** The key and certificate to present now, and after it any other that is valid: a peer with an older manifest may know only that one. */
  readonly tlsKeys: () => readonly [TlsKey, ...TlsKey[]];
  readonly clock: Clock;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly onEvent: (event: TransportEvent) => void;
  readonly times?: SessionTimes;
  readonly timers?: Timers | undefined;
  readonly failpoint?: Failpoint | undefined;
}

/** How things stand with one peer's connection. */
export interface PeerConnection {
  readonly code: JurisdictionCode;
  readonly endpoint: string;
  readonly connected: boolean;
  readonly since?: string;
  readonly dialled_by?: JurisdictionCode;
  /** How far the peer's clock was ahead at its last Hello in this process. */
  readonly clock_offset_ms?: number;
  /** When the certificate that the peer presented last expires. */
  readonly certificate_expires_at?: string;
  /** Why the last session or attempt ended: the name of a close code, or what the network said. */
  readonly last_failure?: string;
  readonly last_failure_at?: string;
  readonly next_attempt_at?: string;
}
