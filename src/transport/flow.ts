import type { WebSocket } from 'ws';
import type { Timers } from '../base/mod.ts';

// What waits to be sent: bulk stops at the first, reading stops at the second.
const FULL_BYTES = 2 * 1024 * 1024;
const OVERFULL_BYTES = 8 * 1024 * 1024;
// What was read and is not processed yet.
const MAX_UNPROCESSED_BYTES = 8 * 1024 * 1024;
// What a frame takes beside its bytes while it waits its turn: of the shortest, of forty bytes, eight megabytes would be two hundred thousand,
// and take three hundred.
const FRAME_BYTES = 1024;
const POLL_MS = 20;
const STUCK_MS = 30_000;

/**
 * Back-pressure in both directions of one socket, so that neither a peer that does not read nor one that sends faster than this node
 * works can make it hold more than these bounds. Bulk waits while much is unsent; the socket is not read while much is unprocessed, or
 * while so much is unsent that even answers pile up. Answers never wait: each side would wait for the other to read.
 */
export class Flow {
  readonly #socket: WebSocket;
  readonly #timers: Timers;
  readonly #onStuck: () => void;
  #unprocessed = 0;
  #isPaused = false;
  #isOver = false;
  // Waiters for room, and the poll that wakes them: `ws` does not say when its buffer drains.
  #waiting: (() => void)[] = [];
  #cancelPoll: (() => void) | undefined;
  #lowest = Infinity;
  #lowestAt = 0;

  /** @param onStuck the peer has taken nothing for half a minute */
  constructor(socket: WebSocket, timers: Timers, onStuck: () => void) {
    this.#socket = socket;
    this.#timers = timers;
    this.#onStuck = onStuck;
  }

  /** Whether the socket is left unread for now: silence says nothing about the peer then. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Something arrived and is kept until `done` settles. */
  received(bytes: number, done: Promise<void>): void {
    const held = bytes + FRAME_BYTES;
    this.#unprocessed += held;
    this.adjust();
    void done.finally(() => {
      this.#unprocessed -= held;
      this.adjust();
    });
  }

  /** Resolves when there is room for more bulk, or the session is over. */
  async room(): Promise<void> {
    if (this.#isOver || this.#socket.bufferedAmount <= FULL_BYTES) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#poll();
    });
  }

  /** Reads on or stops reading, as the amounts say. Call it when something was handed to the socket. */
  adjust(): void {
    if (this.#isOver) return;
    const isOverfull = this.#socket.bufferedAmount > OVERFULL_BYTES;
    if (isOverfull) this.#poll();
    const shouldPause = isOverfull || this.#unprocessed > MAX_UNPROCESSED_BYTES;
    if (shouldPause === this.#isPaused) return;
    this.#isPaused = shouldPause;
    if (shouldPause) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Lets everything go on to its end: a paused socket would not even hear the peer's close. */
  end(): void {
    this.#isOver = true;
    this.#cancelPoll?.();
    if (this.#isPaused) this.#socket.resume();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #poll(): void {
    if (this.#cancelPoll !== undefined) return;
    this.#lowest = Infinity;
    this.#tick();
  }

  #tick(): void {
    const { bufferedAmount } = this.#socket;
    const nowMs = this.#timers.monotonicMs();
    if (bufferedAmount < this.#lowest) {
      this.#lowest = bufferedAmount;
      this.#lowestAt = nowMs;
    }
    if (bufferedAmount <= FULL_BYTES) for (const resolve of this.#waiting.splice(0)) resolve();
    if (nowMs - this.#lowestAt > STUCK_MS) this.#onStuck();
    this.#cancelPoll = undefined;
    if (this.#waiting.length > 0 || bufferedAmount > OVERFULL_BYTES) {
      this.#cancelPoll = this.#timers.after(POLL_MS, () => {
        this.#tick();
      });
    }
    this.adjust();
  }
}
