import { MAX_FRAME_BYTES } from '../wire/mod.ts';

/** Path of the endpoint, and the WebSocket subprotocol. */
export const FEDERATION_PATH = '/federation';
export const SUBPROTOCOL = 'mla.v1';

/**
 * Limits for both ends of a WebSocket: `ws` defaults to compression and 100 MiB on the dialling side. No compression at any layer, so
 * that nothing can grow on arrival; fragments and buffered pieces bounded, so that a message cannot arrive as a million crumbs.
 */
export const WEBSOCKET_LIMITS = {
  perMessageDeflate: false,
  maxPayload: MAX_FRAME_BYTES,
  maxFragments: 64,
  maxBufferedChunks: 1024,
} as const;

/** How sessions keep time. Milliseconds. */
export interface SessionTimes {
  readonly helloMs: number;
  /** How long a side whose manifest is older waits for the next, and one whose is newer for the other to have taken it. */
  readonly manifestMs: number;
  readonly pingMs: number;
  /** Without a pong for this long the session is dead. */
  readonly silenceMs: number;
  readonly minReconnectMs: number;
  readonly maxReconnectMs: number;
  /** Live sessions are judged again so often: a key may end or be revoked while a session lasts. */
  readonly recheckMs: number;
}

/** The protocol's own times. */
export const SESSION_TIMES: SessionTimes = {
  helloMs: 10_000,
  manifestMs: 15_000,
  pingMs: 15_000,
  silenceMs: 30_000,
  minReconnectMs: 500,
  maxReconnectMs: 60_000,
  // A third of the minute within which a revocation has to take effect.
  recheckMs: 20_000,
};
