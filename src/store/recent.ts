import type { LargeValue } from './generation.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const SLAB_BYTES = 65_536;

/** The bytes of the large values that were written last: most of what a node reads, it has just written. */
export class RecentBytes {
  // A Set keeps the order of insertion: the first are the oldest.
  readonly #values = new Set<LargeValue>();
  #bytes = 0;
  #slab = new Uint8Array(0);

  /** Keeps a copy: the caller's bytes may change. */
  keep(value: LargeValue, bytes: Uint8Array): void {
    value.recent = this.#copyOf(bytes);
    this.#values.add(value);
    this.#bytes += bytes.length;
    for (const oldest of this.#values) {
      if (this.#bytes <= MAX_BYTES) return;
      this.#values.delete(oldest);
      this.#bytes -= oldest.length;
      oldest.recent = undefined;
    }
  }

  // Side by side with what was written before and after, and is forgotten at about the same time: in Node's pool each copy would keep
  // the memory of a whole pool, whatever else was in it.
  #copyOf(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > SLAB_BYTES / 4) return bytes.slice();
    if (length > this.#slab.length) this.#slab = new Uint8Array(SLAB_BYTES);
    const copy = this.#slab.subarray(0, length);
    copy.set(bytes);
    this.#slab = this.#slab.subarray(length);
    return copy;
  }
}

/** A copy out of Node's pool: an allocation for each costs more than all else that is done to read what is in memory. */
export function copyOf(value: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(value.length);
  copy.set(value);
  return new Uint8Array(copy.buffer, copy.byteOffset, copy.length);
}
