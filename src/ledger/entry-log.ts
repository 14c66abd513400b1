/**
 * The entries of a ledger as the store keeps them: in bundles of 256 once there are so many, in runs as they were appended until then. A
 * bundle or run is one value, written, read and opened at the speed of its bytes, which is what lets a node append thousands a second,
 * and start within seconds with a million.
 */
import { LedgerError } from './error.ts';
import { ledgerKeys, type LedgerStorage } from './storage.ts';
import { TILE_WIDTH, encodeEntryBundle, parseEntryBundle } from './tile.ts';

/** What storing some more entries takes, and what to do once it is on disk. */
export interface EntryWrites {
  readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
  readonly deletes: readonly string[];
  /** Makes the entries readable. */
  readonly done: () => void;
}

// Receipts are about the newest entries; an audit reads bundles in order.
const REMEMBERED_BUNDLES = 8;
const BUNDLES_AT_ONCE = 16;

/** Reads and plans writes of entries; the ledger does the writing. */
export class EntryLog {
  readonly #storage: LedgerStorage;
  readonly #bundles = new Map<number, readonly Uint8Array[]>();
  // The entries after the last full bundle, and the index at which each of their runs begins.
  #tail: readonly Uint8Array[];
  #runs: readonly number[];
  #full: number;

  private constructor(storage: LedgerStorage, full: number, tail: readonly Uint8Array[], runs: readonly number[]) {
    this.#storage = storage;
    this.#full = full;
    this.#tail = tail;
    this.#runs = runs;
  }

  static empty(storage: LedgerStorage): EntryLog {
    return new EntryLog(storage, 0, [], []);
  }

  /**
   * Reads every entry once, in order.
   * @throws {LedgerError} LEDGER_CORRUPT
   */
  static async open(
    storage: LedgerStorage,
    size: number,
    onEntries: (entries: readonly Uint8Array[]) => void,
  ): Promise<EntryLog> {
    const full = Math.floor(size / TILE_WIDTH);
    for (let start = 0; start < full; start += BUNDLES_AT_ONCE) {
      const count = Math.min(BUNDLES_AT_ONCE, full - start);
      const keys = Array.from({ length: count }, (_, i) => ledgerKeys.bundle(start + i));
      const found = await storage.getMany(keys);
      for (const [i, bytes] of found.entries()) onEntries(parseBundle(bytes, start + i));
    }
    const tail: Uint8Array[] = [];
    const runs: number[] = [];
    for (let at = full * TILE_WIDTH; at < size; at = full * TILE_WIDTH + tail.length) {
      const bytes = await storage.get(ledgerKeys.run(at));
      if (bytes === undefined) throw missing(`Entry ${at} is`);
      const run = parseEntryBundle(bytes);
      if (run.length === 0 || at + run.length > size) throw missing(`The run of entries from ${at} on is`);
      runs.push(at);
      tail.push(...run);
    }
    if (tail.length > 0) onEntries(tail);
    return new EntryLog(storage, full, tail, runs);
  }

  /** Plans to store entries after those that are there. */
  append(entries: readonly Uint8Array[]): EntryWrites {
    const begin = this.#full * TILE_WIDTH;
    const all = [...this.#tail, ...entries];
    const completed = Math.floor(all.length / TILE_WIDTH);
    const bundles = Array.from({ length: completed }, (_, i) => all.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH));
    const tail = all.slice(completed * TILE_WIDTH);
    // Where a bundle was completed, it takes the place of the runs, and what is left of the tail is all new.
    const start = begin + (completed === 0 ? this.#tail.length : completed * TILE_WIDTH);
    const run = completed === 0 ? entries : tail;
    return {
      puts: [
        ...bundles.map((bundle, i) => [ledgerKeys.bundle(this.#full + i), encodeEntryBundle(bundle)] as const),
        ...(run.length === 0 ? [] : [[ledgerKeys.run(start), encodeEntryBundle(run)] as const]),
      ],
      deletes: completed === 0 ? [] : this.#runs.map((at) => ledgerKeys.run(at)),
      done: () => {
        for (const [i, bundle] of bundles.entries()) this.#remember(this.#full + i, bundle);
        this.#full += completed;
        this.#tail = tail;
        const kept = completed === 0 ? this.#runs : [];
        this.#runs = run.length === 0 ? kept : [...kept, start];
      },
    };
  }

  /** Entries that are stored; the caller has checked the range. @throws {LedgerError} LEDGER_CORRUPT */
  async read(start: number, end: number): Promise<Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (let at = start; at < end;) {
      const index = Math.floor(at / TILE_WIDTH);
      const bundle = index < this.#full ? await this.#bundle(index) : this.#tail;
      const from = at - index * TILE_WIDTH;
      const part = bundle.slice(from, from + end - at);
      if (part.length === 0) throw missing(`Entry ${at} is`);
      entries.push(...part);
      at += part.length;
    }
    return entries;
  }

  async #bundle(index: number): Promise<readonly Uint8Array[]> {
    const known = this.#bundles.get(index);
    if (known !== undefined) return known;
    const bundle = parseBundle(await this.#storage.get(ledgerKeys.bundle(index)), index);
    this.#remember(index, bundle);
    return bundle;
  }

  #remember(index: number, bundle: readonly Uint8Array[]): void {
    this.#bundles.set(index, bundle);
    const oldest = this.#bundles.size <= REMEMBERED_BUNDLES ? undefined : this.#bundles.keys().next().value;
    if (oldest !== undefined) this.#bundles.delete(oldest);
  }
}

function parseBundle(bytes: Uint8Array | undefined, index: number): Uint8Array[] {
  const names = `Entries ${index * TILE_WIDTH} to ${(index + 1) * TILE_WIDTH - 1} are`;
  if (bytes === undefined) throw missing(names);
  const entries = parseEntryBundle(bytes);
  if (entries.length !== TILE_WIDTH) throw missing(`Some of ${names.toLowerCase()}`);
  return entries;
}

function missing(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `${what} missing from the store.`);
}
