import { WebSocket } from 'ws';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { AcceptSocket } from './listener.ts';
import { SUBPROTOCOL, WEBSOCKET_LIMITS, type SessionTimes } from './wire-options.ts';

/** What a dialler asks and tells. */
export interface DiallerOptions {
  /** The endpoint now in force, or undefined when there is none to dial. */
  readonly endpoint: () => string | undefined;
  /** @param failedDials since a session was last opened: the peer may not know yet of what was shown to it */
  readonly tls: (failedDials: number) => ConnectionOptions;
  /** Whether a session is there already. */
  readonly isConnected: () => boolean;
  /** Called before dialling: what it returns is true of the time before the peer could speak. */
  readonly prepare: () => Promise<AcceptSocket>;
  readonly onFailure: (detail: string) => void;
  readonly times: SessionTimes;
  /** Waits this long before the first attempt, so that the two ends seldom dial at once. */
  readonly firstDelayMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Keeps trying to reach one peer, with full jitter so that many nodes do not come back in step. */
export class Dialler {
  readonly #options: DiallerOptions;
  #timer: NodeJS.Timeout | undefined;
  #attempts = 0;
  #failedDials = 0;
  #nextAttemptAt: number | undefined;
  #dialling: WebSocket | undefined;
  #stopped = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.#schedule(options.firstDelayMs);
  }

  /** Unix milliseconds of the next attempt, if one is waiting and there is something to dial. */
  get nextAttemptAt(): number | undefined {
    return this.#options.endpoint() === undefined ? undefined : this.#nextAttemptAt;
  }

  /** A session that did nothing wrong is over: the next attempts start from short waits again. */
  succeeded(): void {
    this.#attempts = 0;
  }

  /** The session is over, or an attempt failed. */
  retry(): void {
    const { minReconnectMs, maxReconnectMs } = this.#options.times;
    const ceiling = Math.min(maxReconnectMs, minReconnectMs * 2 ** Math.min(this.#attempts++, 20));
    this.#schedule(Math.max(ceiling * this.#options.random(), minReconnectMs / 10));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#dialling?.terminate();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#nextAttemptAt = Date.now() + delayMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#nextAttemptAt = undefined;
      this.#dial().catch((error: unknown) => {
        this.#options.onFailure(error instanceof Error ? error.message : 'failed');
        this.retry();
      });
    }, delayMs);
  }

  async #dial(): Promise<void> {
    const { endpoint, isConnected, prepare } = this.#options;
    const url = endpoint();
    // Nothing to do now; whoever ends the session or changes the manifest calls again.
    const isIdle = (): boolean => this.#stopped || isConnected() || this.#dialling !== undefined;
    if (url === undefined || isIdle()) return;
    const accept = await prepare();
    if (isIdle()) return;
    const socket = new WebSocket(url, SUBPROTOCOL, {
      ...WEBSOCKET_LIMITS,
      ...this.#options.tls(this.#failedDials),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      followRedirects: false,
    });
    this.#dialling = socket;
    let opened = false;
    socket.on('error', (error: Error & { code?: string }) => {
      if (!opened) this.#options.onFailure(error.code ?? error.message);
    });
    socket.once('close', () => {
      if (this.#dialling === socket) this.#dialling = undefined;
      if (opened) return;
      this.#failedDials++;
      this.retry();
    });
    let tls: TLSSocket | undefined;
    socket.once('upgrade', (response) => {
      tls = response.socket as TLSSocket;
    });
    socket.once('open', () => {
      opened = true;
      this.#failedDials = 0;
      this.#dialling = undefined;
      accept(socket, tls!);
    });
  }
}
