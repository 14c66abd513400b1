import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { CloseReason, LinkHandler, PeerLink } from '../../src/exchange/mod.ts';
import { encodeFrame, parseFrame, type Frame, type Limits } from '../../src/wire/mod.ts';

/** What the network may do to a frame. TLS would let none but loss through; the exchange has to stand all of it. */
export type FrameFate = 'ARRIVES' | 'TWICE' | 'OUT_OF_ORDER' | 'LOST';

// Nobody is blamed by these.
const BLAMELESS: ReadonlySet<CloseReason> = new Set([
  'SESSION_DUPLICATE',
  'MANIFEST_UPDATED',
  'CERTIFICATE_CHANGED',
  'GOING_AWAY',
  'NODE_FAILED',
]);
// What a peer that keeps the protocol may be accused of where the network has spoilt what it said.
const EXCUSED: ReadonlySet<CloseReason> = new Set(['SEQUENCE_GAP', 'CREDIT_EXCEEDED', 'COSIGNATURE_INVALID']);

/** One session between two nodes: frames on their way in both directions. */
export class ModelLink {
  readonly codes: readonly [JurisdictionCode, JurisdictionCode];
  readonly #ways: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  readonly #handlers: [LinkHandler | undefined, LinkHandler | undefined] = [undefined, undefined];
  readonly #onSent: (from: JurisdictionCode, frame: Frame) => void;
  readonly #onEnd: () => void;
  isOpen = true;
  #isSpoilt = false;
  /** Set when a node accuses the other of what neither the network nor a crash explains. */
  accusation: CloseReason | undefined;

  constructor(
    codes: readonly [JurisdictionCode, JurisdictionCode],
    onSent: (from: JurisdictionCode, frame: Frame) => void,
    onEnd: () => void,
  ) {
    this.codes = codes;
    this.#onSent = onSent;
    this.#onEnd = onEnd;
  }

  /** The session as the node on one side sees it. */
  endOf(side: 0 | 1, limits: Limits): PeerLink {
    const post = (frame: Frame): void => {
      if (!this.isOpen) return;
      this.#onSent(this.codes[side], frame);
      this.#ways[side].push(encodeFrame(frame));
    };
    const send = (frame: Frame): Promise<void> => {
      post(frame);
      return Promise.resolve();
    };
    return {
      peer: this.codes[1 - side]!,
      limits,
      send,
      sendBulk: (encoded) => send(parseFrame(encoded.slice())),
      answer: post,
      close: (reason) => {
        if (this.isOpen && !this.#excuses(reason)) this.accusation = reason;
        this.cut();
      },
    };
  }

  #excuses(reason: CloseReason): boolean {
    if (BLAMELESS.has(reason)) return true;
    // A receipt is late when it is lost, or still on its way.
    if (reason === 'RECEIPT_OVERDUE') return this.#isSpoilt || this.inFlight > 0;
    return this.#isSpoilt && EXCUSED.has(reason);
  }

  handle(side: 0 | 1, handler: LinkHandler): void {
    this.#handlers[side] = handler;
  }

  /** How many frames are on their way. */
  get inFlight(): number {
    return this.#ways[0].length + this.#ways[1].length;
  }

  /** Something happens to the next frame of one way. */
  carry(way: 0 | 1, fate: FrameFate, pick: (below: number) => number): void {
    const queue = this.#ways[way];
    const at = fate === 'OUT_OF_ORDER' ? pick(queue.length) : 0;
    const bytes = queue[at];
    if (bytes === undefined) return;
    if (fate !== 'ARRIVES') this.#isSpoilt = true;
    if (fate !== 'TWICE') queue.splice(at, 1);
    if (fate !== 'LOST') void this.#handlers[1 - way]?.onFrame(parseFrame(bytes));
  }

  /** The session ends for both, and what was on its way is lost. */
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const way of this.#ways) way.length = 0;
    this.#onEnd();
    for (const handler of this.#handlers) handler?.onClose();
  }
}
