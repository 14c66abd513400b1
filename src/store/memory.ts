import { checkExpected } from './expected.ts';
import type { Batch, Put, ScanOptions, Store } from './store.ts';

/** A store that is gone when the process ends, for tests. */
export class MemoryStore implements Store {
  readonly #values = new Map<string, Uint8Array>();

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#values.get(key)?.slice());
  }

  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.#values.get(key)?.slice()));
  }

  async *scan(prefix: string, { limit = Infinity, reverse = false }: ScanOptions = {}): AsyncIterable<Put> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
    if (reverse) keys.reverse();
    let given = 0;
    for (const key of keys) {
      if (given++ >= limit) return;
      const value = await this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  async commit({ expect, puts, deletes = [] }: Batch): Promise<void> {
    if (expect !== undefined) checkExpected(expect, this.#values.get(expect.key));
    for (const key of deletes) this.#values.delete(key);
    for (const [key, value] of puts) this.#values.set(key, value.slice());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
