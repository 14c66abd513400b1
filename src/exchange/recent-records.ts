import { TransientMap } from '../base/mod.ts';
import type { Store } from '../store/mod.ts';
import { decodeRecord } from './record.ts';

/** A record as it was written. It is nobody's to change. */
export interface WrittenRecord {
  readonly record: object;
  /** Of its encoding. */
  readonly bytes: number;
}

// Of each of two generations.
const MAX_RECORDS = 4096;
const MAX_BYTES = 1024 * 1024;

/**
 * The records of a store. Those written last are remembered as they are: the way of a message reads what the step before it wrote, and
 * taking a text apart costs more than all that is done with it. What is on its way to the store is not remembered meanwhile, so that
 * nobody is told of what is not there, or no longer.
 */
export class RecentRecords {
  readonly #store: Pick<Store, 'get' | 'scan'>;
  // When the newer generation is full, it becomes the older one, and the older is gone as a whole: to drop records one by one, the oldest
  // would have to be looked for among the places that dropped ones have left.
  #newer = new TransientMap<string, WrittenRecord>();
  #older = new TransientMap<string, WrittenRecord>();
  #newerBytes = 0;

  constructor(store: Pick<Store, 'get' | 'scan'>) {
    this.#store = store;
  }

  /** The record under a key, of the type that is written there. */
  async get<T>(key: string): Promise<T | undefined> {
    const known = this.#newer.get(key) ?? this.#older.get(key);
    if (known !== undefined) return known.record as T;
    const bytes = await this.#store.get(key);
    return bytes === undefined ? undefined : decodeRecord<T>(bytes);
  }

  /** The value under a key as bytes. */
  getBytes(key: string): Promise<Uint8Array | undefined> {
    return this.#store.get(key);
  }

  /** Every key of the store that begins so, in order. */
  async keysUnder(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const [key] of this.#store.scan(prefix)) keys.push(key);
    return keys;
  }

  /** What is remembered under this key is about to be something else. */
  forget(key: string): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }

  /** The store has it. */
  remember(key: string, written: WrittenRecord): void {
    if (this.#newer.size >= MAX_RECORDS || this.#newerBytes + written.bytes > MAX_BYTES) {
      this.#older = this.#newer;
      this.#newer = new TransientMap();
      this.#newerBytes = 0;
    }
    this.#newer.set(key, written);
    this.#newerBytes += written.bytes;
  }
}
