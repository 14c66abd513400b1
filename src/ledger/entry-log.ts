/**
 * The entries of a ledger as the store keeps them: in bundles of 256 once there are so many, in runs as they were appended until then. A
 * bundle or run is one value, written, read and opened at the speed of its bytes, which is what lets a node append thousands a second,
 * and start within seconds with a million.
 */
import { LedgerError } from './error.ts';
import { ledgerKeys, type LedgerStorage } from './storage.ts';
import { TILE_WIDTH, encodeEntryBundle, parseEntryBundle, parseEntryOffsets } from './tile.ts';

/** What storing some more entries takes, and what to do once it is on disk. */
export interface EntryWrites {
  readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
  readonly deletes: readonly string[];
  /** Makes the entries readable. */
  readonly done: () => void;
}

/** A full bundle as it is stored, and where its entries begin. */
interface Bundle {
  readonly bytes: Uint8Array;
  readonly offsets: readonly number[];
}

const MAX_REMEMBERED_BYTES = 24 * 1024 * 1024;
const BUNDLES_AT_ONCE = 16;

/** Reads and plans writes of entries; the ledger does the writing. */
export class EntryLog {
  readonly #storage: LedgerStorage;
  // A Map keeps the order of insertion: the first was not used for longest.
  readonly #bundles = new Map<number, Bundle>();
  #rememberedBytes = 0;
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
   * @param onEntries is given views: whoever keeps one keeps the bundle that it is in
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
      for (const [i, bytes] of found.entries()) onEntries(viewsOf(parseBundle(bytes, start + i), 0, TILE_WIDTH));
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
    const bundles = Array.from({ length: completed }, (_, i) =>
      encodeEntryBundle(all.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)),
    );
    const tail = all.slice(completed * TILE_WIDTH);
    // Where a bundle was completed, it takes the place of the runs, and what is left of the tail is all new.
    const start = begin + (completed === 0 ? this.#tail.length : completed * TILE_WIDTH);
    const run = completed === 0 ? entries : tail;
    return {
      puts: [
        ...bundles.map((bundle, i) => [ledgerKeys.bundle(this.#full + i), bundle] as const),
        ...(run.length === 0 ? [] : [[ledgerKeys.run(start), encodeEntryBundle(run)] as const]),
      ],
      deletes: completed === 0 ? [] : this.#runs.map((at) => ledgerKeys.run(at)),
      done: () => {
        for (const [i, bytes] of bundles.entries()) this.#remember(this.#full + i, parseBundle(bytes, this.#full + i));
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
      const from = at - index * TILE_WIDTH;
      const to = Math.min(TILE_WIDTH, from + end - at);
      const part = index < this.#full ? entriesOf(await this.#bundle(index), from, to) : this.#tail.slice(from, to);
      if (part.length === 0) throw missing(`Entry ${at} is`);
      entries.push(...part);
      at += part.length;
    }
    return entries;
  }

  /** The bytes of a bundle of so many entries. Whoever asks for one asks for all, once: none of them stays in memory. @throws {LedgerError} LEDGER_CORRUPT */
  async bundleBytes(index: number, width: number): Promise<Uint8Array> {
    const start = index * TILE_WIDTH;
    if (index >= this.#full || width < TILE_WIDTH) return encodeEntryBundle(await this.read(start, start + width));
    const known = this.#bundles.get(index)?.bytes.slice();
    const bytes = known ?? (await this.#storage.get(ledgerKeys.bundle(index)));
    if (bytes === undefined) throw missing(`The entries from ${start} on are`);
    return bytes;
  }

  async #bundle(index: number): Promise<Bundle> {
    const known = this.#bundles.get(index);
    const bundle = known ?? parseBundle(await this.#storage.get(ledgerKeys.bundle(index)), index);
    this.#remember(index, bundle);
    return bundle;
  }

  #remember(index: number, bundle: Bundle): void {
    this.#forget(index);
    this.#bundles.set(index, bundle);
    this.#rememberedBytes += bundle.bytes.length;
    for (const oldest of this.#bundles.keys()) {
      if (this.#rememberedBytes <= MAX_REMEMBERED_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(index: number): void {
    this.#rememberedBytes -= this.#bundles.get(index)?.bytes.length ?? 0;
    this.#bundles.delete(index);
  }
}

// Copies, so that nobody's change of an entry reaches what is remembered.
function entriesOf(bundle: Bundle, from: number, to: number): Uint8Array[] {
  return viewsOf(bundle, from, to).map((entry) => entry.slice());
}

function viewsOf({ bytes, offsets }: Bundle, from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from }, (_, i) => bytes.subarray(offsets[from + i], offsets[from + i + 1]! - 2));
}

function parseBundle(bytes: Uint8Array | undefined, index: number): Bundle {
  const names = `Entries ${index * TILE_WIDTH} to ${(index + 1) * TILE_WIDTH - 1} are`;
  if (bytes === undefined) throw missing(names);
  const offsets = parseEntryOffsets(bytes);
  if (offsets.length !== TILE_WIDTH + 1) throw missing(`Some of ${names.toLowerCase()}`);
  return { bytes, offsets };
}

function missing(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `${what} missing from the store.`);
}
