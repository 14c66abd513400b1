import type { Put, Store } from './store.ts';

/** Reads and writes on top of a store that has not seen the writes yet. */
export interface StepOverlay {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
}

/** The writes of a batch while it gathers: whoever reads through it sees them. */
export class Overlay implements StepOverlay {
  readonly #below: Pick<Store, 'get'>;
  // Undefined stands for a deletion.
  readonly #writes = new Map<string, Uint8Array | undefined>();

  constructor(below: Pick<Store, 'get'>) {
    this.#below = below;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#writes.has(key) ? Promise.resolve(this.#writes.get(key)) : this.#below.get(key);
  }

  put(key: string, value: Uint8Array): void {
    this.#writes.set(key, value);
  }

  delete(key: string): void {
    this.#writes.set(key, undefined);
  }

  /** An overlay on top of this one, for a step that may yet be abandoned. */
  fork(): Overlay {
    return new Overlay(this);
  }

  /** Takes over the writes of a fork. */
  merge(fork: Overlay): void {
    for (const [key, value] of fork.#writes) this.#writes.set(key, value);
  }

  get puts(): readonly Put[] {
    return [...this.#writes].filter((write): write is [string, Uint8Array] => write[1] !== undefined);
  }

  get deletes(): readonly string[] {
    return [...this.#writes].flatMap(([key, value]) => (value === undefined ? [key] : []));
  }
}
