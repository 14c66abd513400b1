import { TransientMap } from '../base/mod.ts';

/** Byte strings by number, as many as fit; the one that was not used for longest goes first. */
export class RecentlyUsed {
  // The order is that of insertion: re-inserting on use makes it one of use.
  readonly #values = new TransientMap<number, Uint8Array>();
  readonly #most: number;
  #latest: { readonly id: number; readonly value: Uint8Array } | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  get(id: number): Uint8Array | undefined {
    // A path asks the same tile eight times in a row.
    if (this.#latest?.id === id) return this.#latest.value;
    const value = this.#values.get(id);
    if (value === undefined) return undefined;
    this.#values.delete(id);
    this.#values.set(id, value);
    this.#latest = { id, value };
    return value;
  }

  set(id: number, value: Uint8Array): void {
    this.#values.set(id, value);
    if (this.#values.size <= this.#most) return;
    const oldest = this.#values.keys().next();
    if (oldest.done !== true) this.#values.delete(oldest.value);
  }
}
