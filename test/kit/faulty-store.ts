import type { Batch, Put, ScanOptions, Store } from '../../src/store/mod.ts';

/** When a write fails: before anything is on disk, or after all of it is. */
export type FaultMoment = 'before' | 'after';

/** A store whose n-th write fails, and whose every later one fails too, as a process that is about to die would see it. */
export class FaultyStore implements Store {
  readonly #below: Store;
  #writesLeft: number;
  readonly #moment: FaultMoment;

  constructor(below: Store, writesLeft: number, moment: FaultMoment) {
    this.#below = below;
    this.#writesLeft = writesLeft;
    this.#moment = moment;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#below.get(key);
  }

  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#below.getMany(keys);
  }

  scan(prefix: string, options?: ScanOptions): AsyncIterable<Put> {
    return this.#below.scan(prefix, options);
  }

  async commit(batch: Batch): Promise<void> {
    if (this.#writesLeft < 0) throw new Error('injected: the process is dead');
    if (this.#writesLeft-- > 0) {
      await this.#below.commit(batch);
      return;
    }
    if (this.#moment === 'after') await this.#below.commit(batch);
    throw new Error('injected: write failed');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
