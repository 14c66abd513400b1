import { TransientMap } from '../base/mod.ts';
import type { LargeValue } from './generation.ts';

const RING_BYTES = 4 * 1024 * 1024;
// One that is longer costs little to read, for its length, and would push out hundreds of others.
const MAX_VALUE_BYTES = RING_BYTES / 8;

/**
 * The bytes of the large values that were written last: most of what a node reads, it has just written. They lie in a ring, each over what
 * was written a round before: memory that is taken for each is memory that somebody has to look for and give back.
 */
export class RecentBytes {
  // In the order of insertion: the first are the oldest. How much was written before each, all rounds counted.
  readonly #starts = new TransientMap<LargeValue, number>();
  #ring: Uint8Array | undefined;
  #written = 0;

  /** Keeps a copy: the caller's bytes may change. */
  keep(value: LargeValue, bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > MAX_VALUE_BYTES) return;
    const left = RING_BYTES - (this.#written % RING_BYTES);
    if (length > left) this.#written += left;
    const start = this.#written;
    this.#written += length;
    for (const [oldest, at] of this.#starts) {
      if (at + RING_BYTES >= this.#written) break;
      oldest.recent = undefined;
      this.#starts.delete(oldest);
    }
    this.#ring ??= new Uint8Array(RING_BYTES);
    const at = start % RING_BYTES;
    value.recent = this.#ring.subarray(at, at + length);
    value.recent.set(bytes);
    this.#starts.set(value, start);
  }
}

/** A copy out of Node's pool: an allocation for each costs more than all else that is done to read what is in memory. */
export function copyOf(value: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(value.length);
  copy.set(value);
  return new Uint8Array(copy.buffer, copy.byteOffset, copy.length);
}
