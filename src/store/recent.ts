import type { Batch, Put, Store } from './store.ts';

const MAX_VALUES = 8192;
const MAX_BYTES = 4 * 1024 * 1024;
const SLAB_BYTES = 65_536;

/**
 * A store that remembers the values written last: most of what a node reads, it has just written, and neither the engine nor the seal
 * need be asked for it again. A value is remembered only while no write is on its way, so that nobody is told what is not in the store,
 * or no longer. What another process of the node writes is noticed by the batches that are conditional on the ledger's head.
 */
export function rememberRecent(store: Store): Store {
  const recent = new RecentValues();
  return {
    get: async (key) => recent.get(key) ?? (await store.get(key)),
    getMany: (keys) => store.getMany(keys),
    scan: (prefix, options) => store.scan(prefix, options),
    commit: (batch) => recent.during(batch, () => store.commit(batch)),
    close: () => store.close(),
  };
}

class RecentValues {
  // A Map keeps the order of insertion: the first are the oldest.
  readonly #values = new Map<string, Uint8Array>();
  #bytes = 0;
  #writing = 0;
  #slab = new Uint8Array(0);

  get(key: string): Uint8Array | undefined {
    const value = this.#values.get(key);
    return value === undefined ? undefined : copyOf(value);
  }

  async during({ puts, deletes = [] }: Batch, write: () => Promise<void>): Promise<void> {
    for (const [key] of puts) this.#forget(key);
    for (const key of deletes) this.#forget(key);
    // The caller may change its own bytes while they are written.
    const copies = puts.map(([key, value]): Put => [key, this.#keep(value)]);
    this.#writing++;
    try {
      await write();
    } finally {
      this.#writing--;
    }
    // Of two writes at once, the one that ends now need not be the one that prevails.
    if (this.#writing > 0) return;
    for (const [key, value] of copies) this.#remember(key, value);
  }

  #remember(key: string, value: Uint8Array): void {
    this.#forget(key);
    this.#values.set(key, value);
    this.#bytes += value.length;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= MAX_VALUES && this.#bytes <= MAX_BYTES) return;
      this.#forget(oldest);
    }
  }

  // Side by side with what was written before and after, and is forgotten at about the same time: in Node's pool each copy would keep
  // the memory of a whole pool, whatever else was in it.
  #keep(value: Uint8Array): Uint8Array {
    const { length } = value;
    if (length > SLAB_BYTES / 4) return value.slice();
    if (length > this.#slab.length) this.#slab = new Uint8Array(SLAB_BYTES);
    const copy = this.#slab.subarray(0, length);
    copy.set(value);
    this.#slab = this.#slab.subarray(length);
    return copy;
  }

  #forget(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#bytes -= value.length;
  }
}

// Out of Node's pool: an allocation for each of them costs more than all else that is done here.
function copyOf(value: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(value.length);
  copy.set(value);
  return new Uint8Array(copy.buffer, copy.byteOffset, copy.length);
}
