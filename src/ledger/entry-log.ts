/**
 * The entries of a ledger as the store keeps them: in bundles of 256 once there are so many, one by one until then. A bundle is read,
 * opened and hashed at the speed of its bytes, which is what lets a node with a million entries start within seconds.
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
  // The entries after the last full bundle.
  #tail: readonly Uint8Array[];
  #full: number;

  private constructor(storage: LedgerStorage, full: number, tail: readonly Uint8Array[]) {
    this.#storage = storage;
    this.#full = full;
    this.#tail = tail;
  }

  static empty(storage: LedgerStorage): EntryLog {
    return new EntryLog(storage, 0, []);
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
    const begin = full * TILE_WIDTH;
    const found = await storage.getMany(Array.from({ length: size - begin }, (_, i) => ledgerKeys.entry(begin + i)));
    const tail = found.map((entry, i) => {
      if (entry === undefined) throw missing(`Entry ${begin + i} is`);
      return entry;
    });
    if (tail.length > 0) onEntries(tail);
    return new EntryLog(storage, full, tail);
  }

  /** Plans to store entries after those that are there. */
  append(entries: readonly Uint8Array[]): EntryWrites {
    const begin = this.#full * TILE_WIDTH;
    const all = [...this.#tail, ...entries];
    const completed = Math.floor(all.length / TILE_WIDTH);
    const bundles = Array.from({ length: completed }, (_, i) => all.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH));
    const tail = all.slice(completed * TILE_WIDTH);
    // Of the tail, those stored before are there already; all of it is new where a bundle was completed.
    const stored = completed === 0 ? this.#tail.length : 0;
    return {
      puts: [
        ...bundles.map((bundle, i) => [ledgerKeys.bundle(this.#full + i), encodeEntryBundle(bundle)] as const),
        ...tail.slice(stored).map((entry, i) => {
          return [ledgerKeys.entry(begin + completed * TILE_WIDTH + stored + i), entry] as const;
        }),
      ],
      deletes: completed === 0 ? [] : this.#tail.map((_, i) => ledgerKeys.entry(begin + i)),
      done: () => {
        for (const [i, bundle] of bundles.entries()) this.#remember(this.#full + i, bundle);
        this.#full += completed;
        this.#tail = tail;
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
