import type { LedgerEntry } from '../wire/mod.ts';

/** One message in one direction, as one ledger tells it. Times are Unix milliseconds. */
export interface MessageTrace {
  readonly message_id: string;
  readonly seq: number;
  /** Index of the SENT entry at its sender; of the RECEIVED or REFUSED entry at its recipient. */
  readonly index: number;
  readonly time: number;
  /** When the sender came to hold the receipt. */
  readonly held?: number;
  readonly voided: boolean;
  readonly refused: boolean;
}

const COLUMNS = { seq: 0, index: 1, time: 2, held: 3 } as const;
const WIDTH = 4;
const VOIDED = 1;
const REFUSED = 2;
const ID_BYTES = 16;

/**
 * Messages in one direction with one peer, in the order of their numbers. There can be millions: 49 bytes each, in columns, and no object.
 */
export class Trail {
  #numbers = new Float64Array(64 * WIDTH);
  #flags = new Uint8Array(64);
  #ids = new Uint8Array(64 * ID_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ message_id: id, seq, time, kind }: LedgerEntry, index: number): void {
    if (this.#length === this.#flags.length) this.#grow();
    const row = this.#length++;
    this.#numbers.set([seq, index, time, 0], row * WIDTH);
    this.#flags[row] = kind === 'REFUSED' ? REFUSED : 0;
    const hex = id!.replaceAll('-', '');
    for (let i = 0; i < ID_BYTES; i++) this.#ids[row * ID_BYTES + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }

  /** The sender holds the receipt since `time`; `refused` when it is one of refusal. */
  setHeld(row: number, time: number, refused: boolean): void {
    this.#numbers[row * WIDTH + COLUMNS.held] = time;
    if (refused) this.#flags[row]! |= REFUSED;
  }

  setVoided(row: number): void {
    this.#flags[row]! |= VOIDED;
  }

  at(row: number): MessageTrace {
    const number = (column: number): number => this.#numbers[row * WIDTH + column]!;
    const held = number(COLUMNS.held);
    const flags = this.#flags[row]!;
    return {
      message_id: this.#idAt(row),
      seq: number(COLUMNS.seq),
      index: number(COLUMNS.index),
      time: number(COLUMNS.time),
      ...(held === 0 ? {} : { held }),
      voided: (flags & VOIDED) !== 0,
      refused: (flags & REFUSED) !== 0,
    };
  }

  /** The row of a number; −1 when there is none. */
  rowOf(seq: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#numbers[middle * WIDTH]! < seq) low = middle + 1;
      else high = middle;
    }
    return low < this.#length && this.#numbers[low * WIDTH] === seq ? low : -1;
  }

  *[Symbol.iterator](): Generator<MessageTrace> {
    for (let row = 0; row < this.#length; row++) yield this.at(row);
  }

  #idAt(row: number): string {
    let hex = '';
    for (let i = 0; i < ID_BYTES; i++) hex += this.#ids[row * ID_BYTES + i]!.toString(16).padStart(2, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  #grow(): void {
    const [numbers, flags, ids] = [this.#numbers, this.#flags, this.#ids];
    this.#numbers = new Float64Array(numbers.length * 2);
    this.#numbers.set(numbers);
    this.#flags = new Uint8Array(flags.length * 2);
    this.#flags.set(flags);
    this.#ids = new Uint8Array(ids.length * 2);
    this.#ids.set(ids);
  }
}
