import type { Put } from '../store/mod.ts';
import type { RecentRecords, WrittenRecord } from './recent-records.ts';
import { decodeRecord, encodeRecord } from './record.ts';

/** What is read below a batch, or below one step of it. */
type Below = Pick<RecentRecords, 'get' | 'getBytes' | 'keysUnder'>;

// Undefined stands for a deletion.
type Write = Uint8Array | { readonly record: object } | undefined;

/**
 * The writes of a batch while it gathers: whoever reads through it sees them. A record stays what it is until the batch is written, and is
 * encoded once, however many steps have changed it.
 */
export class BatchWrites {
  readonly #below: Below;
  readonly #writes = new Map<string, Write>();

  constructor(below: Below) {
    this.#below = below;
  }

  get<T>(key: string): Promise<T | undefined> {
    const write = this.#writes.get(key);
    if (write === undefined) return this.#writes.has(key) ? Promise.resolve(undefined) : this.#below.get<T>(key);
    return Promise.resolve(write instanceof Uint8Array ? decodeRecord<T>(write) : (write.record as T));
  }

  getBytes(key: string): Promise<Uint8Array | undefined> {
    const write = this.#writes.get(key);
    if (write === undefined) return this.#writes.has(key) ? Promise.resolve(undefined) : this.#below.getBytes(key);
    return Promise.resolve(write instanceof Uint8Array ? write : encodeRecord(write.record));
  }

  async keysUnder(prefix: string): Promise<string[]> {
    const keys = new Set(await this.#below.keysUnder(prefix));
    for (const [key, write] of this.#writes) {
      if (!key.startsWith(prefix)) continue;
      if (write === undefined) keys.delete(key);
      else keys.add(key);
    }
    return [...keys].sort();
  }

  put(key: string, value: Uint8Array): void {
    this.#writes.set(key, value);
  }

  putRecord(key: string, record: object): void {
    this.#writes.set(key, { record });
  }

  delete(key: string): void {
    this.#writes.set(key, undefined);
  }

  /** Writes on top of these, for a step that may yet be abandoned. */
  fork(): BatchWrites {
    return new BatchWrites(this);
  }

  /** Takes over the writes of a fork. */
  merge(fork: BatchWrites): void {
    for (const [key, write] of fork.#writes) this.#writes.set(key, write);
  }

  /** What there is to write, and the records among it by their keys. */
  encode(): {
    readonly puts: readonly Put[];
    readonly deletes: readonly string[];
    readonly records: ReadonlyMap<string, WrittenRecord>;
  } {
    const puts: Put[] = [];
    const deletes: string[] = [];
    const records = new Map<string, WrittenRecord>();
    for (const [key, write] of this.#writes) {
      if (write === undefined) deletes.push(key);
      else if (write instanceof Uint8Array) puts.push([key, write]);
      else {
        const bytes = encodeRecord(write.record);
        puts.push([key, bytes]);
        records.set(key, { record: write.record, bytes: bytes.length });
      }
    }
    return { puts, deletes, records };
  }
}
