/**
 * One WebSocket with a peer whose certificate was verified: the Hellos, then frames both ways. Everything that arrives is the peer's to
 * choose, so every frame is parsed strictly and every wait has an end.
 */
import type { WebSocket } from 'ws';
import type { JurisdictionCode } from '../base/mod.ts';
import { CLOSE_CODES, type CloseReason, type Exchange, type LinkHandler, type PeerLink } from '../exchange/mod.ts';
import type { Checkpoint } from '../ledger/mod.ts';
import { WireError, encodeFrame, parseFrame, type Frame, type Hello, type Limits } from '../wire/mod.ts';
import type { SessionTimes } from './wire-options.ts';

/** How a session ended. */
export interface SessionEnd {
  readonly code: number;
  readonly reason: string;
}

/** What a session needs, and whom it tells. */
export interface SessionOptions {
  readonly socket: WebSocket;
  readonly exchange: Exchange;
  readonly peer: JurisdictionCode;
  readonly dialledBy: JurisdictionCode;
  /** The peer's head seen before the socket was opened. */
  readonly seenBefore: Checkpoint | undefined;
  readonly times: SessionTimes;
  /** Both Hellos agreed; false when another session stays instead. */
  readonly onReady: (session: FederationSession) => boolean;
  readonly onManifest: () => void;
  readonly onEnd: (session: FederationSession, end: SessionEnd) => void;
}

// Past this the peer is not reading: sending waits, and after a while the session ends.
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
const DRAIN_POLL_MS = 20;
const DRAIN_TIMEOUT_MS = 30_000;
// How long a peer has to answer a close before the socket is destroyed.
const CLOSE_GRACE_MS = 2_000;
const MANIFEST_WAIT_MS = 15_000;

/** A session with one peer. */
export class FederationSession implements PeerLink {
  readonly peer: JurisdictionCode;
  readonly dialledBy: JurisdictionCode;
  readonly #options: SessionOptions;
  readonly #socket: WebSocket;
  readonly #timers: NodeJS.Timeout[] = [];
  // Frames that came in one read with the Hello wait for its verdict.
  #early: Frame[] = [];
  #handler: LinkHandler | undefined;
  #hello: Hello | undefined;
  #awaitsManifest = false;
  #lastPong = performance.now();
  #closing: SessionEnd | undefined;
  #clockOffsetMs = 0;
  #resolveEnded: () => void = () => undefined;
  /** Resolves when the socket is closed. */
  readonly ended = new Promise<void>((resolve) => {
    this.#resolveEnded = resolve;
  });

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.peer = options.peer;
    this.dialledBy = options.dialledBy;
  }

  /** What the peer accepts. @throws {TypeError} before its Hello */
  get limits(): Limits {
    if (this.#hello === undefined) throw new TypeError('no Hello yet');
    return this.#hello.limits;
  }

  /** How far the peer's clock was ahead at its Hello, in milliseconds. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** Says Hello and starts listening. */
  start(): void {
    const { times } = this.#options;
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#onMessage(data, isBinary);
    });
    this.#socket.on('pong', () => {
      this.#lastPong = performance.now();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', (code, reason) => {
      this.#onEnd({ code, reason: reason.toString('utf8').slice(0, 100) });
    });
    this.#after(times.helloMs, () => {
      if (this.#hello === undefined) this.close('HELLO_EXPECTED');
    });
    const ping = setInterval(() => {
      if (performance.now() - this.#lastPong > times.silenceMs) this.close('PEER_UNRESPONSIVE');
      else this.#socket.ping();
    }, times.pingMs);
    this.#timers.push(ping);
    this.#sayHello().catch(() => {
      this.close('NODE_FAILED');
    });
  }

  async send(frame: Frame): Promise<void> {
    if (this.#closing !== undefined) return;
    this.#socket.send(encodeFrame(frame), { binary: true });
    const start = performance.now();
    while (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES && !this.#isClosing()) {
      if (performance.now() - start > DRAIN_TIMEOUT_MS) this.close('PEER_UNRESPONSIVE');
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  close(reason: CloseReason): void {
    if (this.#closing !== undefined) return;
    this.#closing = { code: CLOSE_CODES[reason], reason };
    this.#socket.close(CLOSE_CODES[reason], reason);
    this.#after(CLOSE_GRACE_MS, () => {
      this.#socket.terminate();
    });
  }

  #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  async #sayHello(): Promise<void> {
    await this.send({ type: 'hello', value: await this.#options.exchange.makeHello(this.peer) });
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#closing !== undefined) return;
    let frame: Frame;
    try {
      if (!isBinary) throw new WireError('WIRE_MALFORMED', 'not binary');
      frame = parseFrame(data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.close('FRAME_INVALID');
      return;
    }
    if (this.#handler !== undefined) {
      this.#handler.onFrame(frame);
    } else if (this.#hello === undefined) {
      this.#onFirst(frame);
    } else if (this.#awaitsManifest) {
      this.#onManifest(frame).catch(() => {
        this.close('NODE_FAILED');
      });
    } else {
      this.#early.push(frame);
    }
  }

  #onFirst(frame: Frame): void {
    if (frame.type !== 'hello') {
      this.close('HELLO_EXPECTED');
      return;
    }
    this.#hello = frame.value;
    this.#clockOffsetMs = frame.value.clock - Date.now();
    this.#socket.pause();
    this.#judge(frame.value)
      .catch(() => {
        this.close('NODE_FAILED');
      })
      .finally(() => {
        this.#socket.resume();
      });
  }

  async #judge(hello: Hello): Promise<void> {
    const { exchange, seenBefore } = this.#options;
    const verdict = await exchange.verifyHello(this.peer, hello, seenBefore);
    if (!verdict.ok) {
      this.close(verdict.reason);
      return;
    }
    switch (verdict.value) {
      case 'OURS_NEWER':
        await this.#offerManifest(hello.manifest_version);
        return;
      case 'THEIRS_NEWER':
        this.#awaitsManifest = true;
        this.#after(MANIFEST_WAIT_MS, () => {
          this.close('MANIFEST_MISMATCH');
        });
        return;
      case 'SAME':
        this.#becomeReady();
        return;
      default:
        verdict.value satisfies never;
    }
  }

  /** One version at a time: each needs the council before it, and each is an entry in the peer's ledger. */
  async #offerManifest(after: number): Promise<void> {
    const manifest = await this.#options.exchange.manifestAfter(after);
    if (manifest === undefined) {
      this.close('MANIFEST_UNAVAILABLE');
      return;
    }
    await this.send({ type: 'manifest', value: { manifest } });
    this.#after(MANIFEST_WAIT_MS, () => {
      this.close('MANIFEST_UPDATED');
    });
  }

  #becomeReady(): void {
    if (this.#closing !== undefined) return;
    if (!this.#options.onReady(this)) {
      this.close('SESSION_DUPLICATE');
      return;
    }
    this.#handler = this.#options.exchange.attach(this);
    for (const frame of this.#early.splice(0)) this.#handler.onFrame(frame);
  }

  async #onManifest(frame: Frame): Promise<void> {
    this.#awaitsManifest = false;
    if (frame.type !== 'manifest') {
      this.close('HELLO_EXPECTED');
      return;
    }
    const taken = await this.#options.exchange.takeManifest(frame.value.manifest);
    // Two peers may offer the same one at once: the second finds it in force.
    if (taken.ok) this.#options.onManifest();
    this.close(taken.ok || taken.reason === 'MANIFEST_NOT_NEWER' ? 'MANIFEST_UPDATED' : 'MANIFEST_REFUSED');
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #onEnd(end: SessionEnd): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#closing ??= end;
    this.#early = [];
    this.#handler?.onClose();
    this.#options.onEnd(this, this.#closing);
    this.#resolveEnded();
  }
}
