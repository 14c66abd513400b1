/**
 * One WebSocket with a peer whose certificate was verified: the Hellos, then frames both ways. Everything that arrives is the peer's to
 * choose, so every frame is parsed strictly and every wait has an end.
 */
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import type { Clock, Failpoint, JurisdictionCode, Timers } from '../base/mod.ts';
import { CLOSE_CODES, type CloseReason, type Exchange, type LinkHandler, type PeerLink } from '../exchange/mod.ts';
import type { Checkpoint } from '../ledger/mod.ts';
import {
  MAX_PAYLOAD_BYTES,
  WireError,
  encodeFrame,
  parseFrame,
  type Frame,
  type Hello,
  type Limits,
} from '../wire/mod.ts';
import { frameInPlace } from './bulk-frame.ts';
import { Flow } from './flow.ts';
import type { SessionTimes } from './wire-options.ts';

/** How a session ended. */
export interface SessionEnd {
  readonly code: number;
  readonly reason: string;
}

/** What a session needs, and whom it tells. */
export interface SessionOptions {
  readonly socket: WebSocket;
  /** What the WebSocket writes to. */
  readonly tls: TLSSocket;
  readonly exchange: Exchange;
  readonly peer: JurisdictionCode;
  readonly dialledBy: JurisdictionCode;
  /** The peer's head seen before the socket was opened. */
  readonly seenBefore: Checkpoint | undefined;
  readonly times: SessionTimes;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly failpoint: Failpoint;
  /** Both Hellos agreed; false when another session stays instead. */
  readonly onReady: (session: FederationSession) => boolean;
  readonly onManifest: () => void;
  readonly onEnd: (session: FederationSession, end: SessionEnd) => void;
}

const CLOSE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CLOSE_CODES).map(([name, code]) => [code, name]),
);
// How long a peer has to answer a close before the socket is destroyed.
const CLOSE_GRACE_MS = 1_000;
// A peer may allow more to be unanswered than is good for this node's memory.
const MAX_CREDIT = 4096;

/** A session with one peer. */
export class FederationSession implements PeerLink {
  readonly peer: JurisdictionCode;
  readonly dialledBy: JurisdictionCode;
  readonly #options: SessionOptions;
  readonly #socket: WebSocket;
  readonly #flow: Flow;
  readonly #cancels: (() => void)[] = [];
  // What came in one read with the Hello waits for its verdict; the socket is not read meanwhile.
  #early: { readonly frame: Frame; readonly bytes: number }[] = [];
  #stage: 'HELLO' | 'JUDGING' | 'READY' | 'TAKES_MANIFEST' | 'GIVES_MANIFEST' = 'HELLO';
  #handler: LinkHandler | undefined;
  #hello: Hello | undefined;
  #lastHeard: number;
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
    this.#lastHeard = options.timers.monotonicMs();
    this.#flow = new Flow(options.socket, options.timers, () => {
      this.close('PEER_UNRESPONSIVE');
    });
  }

  /** What the peer accepts, as far as this protocol lets it. @throws {TypeError} before its Hello */
  get limits(): Limits {
    if (this.#hello === undefined) throw new TypeError('no Hello yet');
    const { credit, max_message_bytes: bytes, max_evidence_bytes } = this.#hello.limits;
    return {
      max_message_bytes: Math.min(bytes, MAX_PAYLOAD_BYTES),
      max_evidence_bytes,
      credit: Math.min(credit, MAX_CREDIT),
    };
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
    for (const event of ['ping', 'pong'] as const) {
      this.#socket.on(event, () => {
        this.#heard();
      });
    }
    this.#socket.on('error', () => undefined);
    // What a peer writes beside its code is its own to choose, and would be shown to people: the code has a name here.
    this.#socket.on('close', (code) => {
      this.#onEnd({ code, reason: CLOSE_NAMES.get(code) ?? '' });
    });
    this.#after(times.helloMs, () => {
      if (this.#hello === undefined) this.close('HELLO_EXPECTED');
    });
    this.#keepAlive();
    this.#sayHello().catch(() => {
      this.close('NODE_FAILED');
    });
  }

  async send(frame: Frame): Promise<void> {
    this.answer(frame);
    await this.#flow.room();
  }

  answer(frame: Frame): void {
    if (this.#closing !== undefined) return;
    this.#socket.send(encodeFrame(frame), { binary: true });
    this.#flow.adjust();
  }

  async sendBulk(encoded: Uint8Array): Promise<void> {
    if (this.#closing !== undefined) return;
    // Who dials masks what it sends, and a socket that closes takes no more. Without compression nothing waits within the WebSocket.
    const isPlain = this.dialledBy === this.peer && this.#socket.readyState === this.#socket.OPEN;
    const frame = isPlain ? frameInPlace(encoded) : undefined;
    await new Promise<void>((resolve) => {
      // An error is told by the socket's close, which ends whatever sends.
      const onSent = (): void => {
        resolve();
      };
      if (frame === undefined) this.#socket.send(encoded, { binary: true }, onSent);
      else this.#options.tls.write(frame, onSent);
    });
  }

  close(reason: CloseReason): void {
    if (this.#closing !== undefined) return;
    this.#closing = { code: CLOSE_CODES[reason], reason };
    this.#socket.close(CLOSE_CODES[reason], reason);
    this.#flow.end();
    this.#after(CLOSE_GRACE_MS, () => {
      this.#socket.terminate();
    });
  }

  async #sayHello(): Promise<void> {
    const value = await this.#options.exchange.makeHello(this.peer);
    this.#options.failpoint('hello.sending');
    this.answer({ type: 'hello', value });
  }

  #heard(): void {
    this.#lastHeard = this.#options.timers.monotonicMs();
  }

  #keepAlive(): void {
    const { times, timers } = this.#options;
    const silentMs = (): number => timers.monotonicMs() - this.#lastHeard;
    // Silence is noticed when it has lasted long enough, not at the ping after that.
    this.#after(Math.max(1, Math.min(times.pingMs, times.silenceMs - silentMs())), () => {
      // A socket that this node leaves unread is silent through no fault of the peer's.
      if (this.#flow.isPaused) this.#heard();
      if (silentMs() >= times.silenceMs) this.close('PEER_UNRESPONSIVE');
      if (this.#closing !== undefined) return;
      this.#socket.ping();
      this.#keepAlive();
    });
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#closing !== undefined) return;
    this.#heard();
    let frame: Frame;
    try {
      if (!isBinary) throw new WireError('WIRE_MALFORMED', 'not binary');
      frame = parseFrame(data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.close('FRAME_INVALID');
      return;
    }
    this.#onFrame(frame, data.length);
  }

  #onFrame(frame: Frame, bytes: number): void {
    switch (this.#stage) {
      case 'HELLO':
        this.#onFirst(frame);
        return;
      case 'JUDGING':
        this.#early.push({ frame, bytes });
        return;
      case 'READY':
        this.#flow.received(bytes, this.#handler!.onFrame(frame));
        return;
      case 'TAKES_MANIFEST':
        this.#stage = 'GIVES_MANIFEST';
        this.#onManifest(frame).catch(() => {
          this.close('NODE_FAILED');
        });
        return;
      case 'GIVES_MANIFEST':
        // Whoever is given a manifest, or has given one, closes; nothing else is to be said.
        this.close('HELLO_EXPECTED');
        return;
      default:
        this.#stage satisfies never;
    }
  }

  #onFirst(frame: Frame): void {
    if (frame.type !== 'hello') {
      this.close('HELLO_EXPECTED');
      return;
    }
    this.#stage = 'JUDGING';
    this.#hello = frame.value;
    this.#clockOffsetMs = frame.value.clock - this.#options.clock.nowMs();
    this.#socket.pause();
    this.#judge(frame.value)
      .then(() => {
        for (const { frame: early, bytes } of this.#early.splice(0))
          if (this.#closing === undefined) this.#onFrame(early, bytes);
      })
      .catch(() => {
        this.close('NODE_FAILED');
      })
      .finally(() => {
        if (!this.#flow.isPaused) this.#socket.resume();
      });
  }

  async #judge(hello: Hello): Promise<void> {
    const { exchange, seenBefore, times } = this.#options;
    const verdict = await exchange.verifyHello(this.peer, hello, seenBefore);
    if (!verdict.ok) {
      this.close(verdict.reason);
      return;
    }
    switch (verdict.value) {
      case 'OURS_NEWER':
        this.#stage = 'GIVES_MANIFEST';
        await this.#offerManifest(hello.manifest_version);
        return;
      case 'THEIRS_NEWER':
        this.#stage = 'TAKES_MANIFEST';
        this.#after(times.manifestMs, () => {
          this.close('MANIFEST_OVERDUE');
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
    this.answer({ type: 'manifest', value: { manifest } });
    this.#after(this.#options.times.manifestMs, () => {
      this.close('MANIFEST_UPDATED');
    });
  }

  #becomeReady(): void {
    if (this.#closing !== undefined) return;
    if (!this.#options.onReady(this)) {
      this.close('SESSION_DUPLICATE');
      return;
    }
    this.#options.failpoint('hello.agreed');
    this.#handler = this.#options.exchange.attach(this);
    this.#stage = 'READY';
  }

  async #onManifest(frame: Frame): Promise<void> {
    if (frame.type !== 'manifest') {
      this.close('HELLO_EXPECTED');
      return;
    }
    const taken = await this.#options.exchange.takeManifest(frame.value.manifest, this.#hello?.peer_checkpoint);
    // Two peers may offer the same one at once: the second finds it in force.
    if (taken.ok) this.#options.onManifest();
    this.close(taken.ok || taken.reason === 'MANIFEST_NOT_NEWER' ? 'MANIFEST_UPDATED' : 'MANIFEST_REFUSED');
  }

  #after(ms: number, act: () => void): void {
    this.#cancels.push(this.#options.timers.after(ms, act));
  }

  #onEnd(end: SessionEnd): void {
    this.#closing ??= end;
    for (const cancel of this.#cancels) cancel();
    this.#flow.end();
    this.#early = [];
    this.#handler?.onClose();
    this.#options.onEnd(this, this.#closing);
    this.#resolveEnded();
  }
}
