/**
 * The entries of a ledger as the store keeps them: in blocks of 32 once there are so many, in runs as they were appended until then. A
 * block or run is one value, written, read and opened at the speed of its bytes, which is what lets a node append thousands a second,
 * and start within seconds with a million. A wider block would make that faster still, and each old receipt slower: for its one entry,
 * all of the block is read and opened. Blocks are of the form that published bundles have, so eight in a row are one.
 */
import { TransientMap, concatBytes } from '../base/mod.ts';
import { LedgerError } from './error.ts';
import { ledgerKeys, type LedgerStorage } from './storage.ts';
import { TILE_WIDTH, countEntries, encodeEntryBundle, entriesIn, parseEntryBundle } from './tile.ts';

/** What storing some more entries takes, and what to do once it is on disk. */
export interface EntryWrites {
  readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
  readonly deletes: readonly string[];
  /** Makes the entries readable. */
  readonly done: () => void;
}

const MAX_REMEMBERED_BYTES = 24 * 1024 * 1024;
// Entries in a full block; a bundle has a whole number of blocks.
const BLOCK_WIDTH = 32;
const BLOCKS_PER_BUNDLE = TILE_WIDTH / BLOCK_WIDTH;
const BLOCKS_AT_ONCE = 128;

/** Reads and plans writes of entries; the ledger does the writing. */
export class EntryLog {
  readonly #storage: LedgerStorage;
  // In the order of insertion: the first was not used for longest.
  readonly #blocks = new TransientMap<number, Uint8Array>();
  #rememberedBytes = 0;
  // The entries after the last full block, and the index at which each of their runs begins.
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
   * @param onEntries is given some, in parts of a bundle, and their number; the next are read when it is done
   * @throws {LedgerError} LEDGER_CORRUPT
   */
  static async open(
    storage: LedgerStorage,
    size: number,
    onEntries: (parts: readonly Uint8Array[], count: number) => Promise<void>,
  ): Promise<EntryLog> {
    const full = Math.floor(size / BLOCK_WIDTH);
    for (let start = 0; start < full; start += BLOCKS_AT_ONCE) {
      const count = Math.min(BLOCKS_AT_ONCE, full - start);
      const keys = Array.from({ length: count }, (_, i) => ledgerKeys.block(start + i));
      const found = await storage.getMany(keys);
      const blocks = found.map((bytes, i) => checkedBlock(bytes, start + i));
      await onEntries(blocks, count * BLOCK_WIDTH);
    }
    const tail: Uint8Array[] = [];
    const runs: number[] = [];
    for (let at = full * BLOCK_WIDTH; at < size; at = full * BLOCK_WIDTH + tail.length) {
      const bytes = await storage.get(ledgerKeys.run(at));
      if (bytes === undefined) throw missing(`Entry ${at} is`);
      const run = parseEntryBundle(bytes);
      if (run.length === 0 || at + run.length > size) throw missing(`The run of entries from ${at} on is`);
      runs.push(at);
      tail.push(...run);
      await onEntries([bytes], run.length);
    }
    return new EntryLog(storage, full, tail, runs);
  }

  /** Plans to store entries after those that are there. */
  append(entries: readonly Uint8Array[]): EntryWrites {
    const begin = this.#full * BLOCK_WIDTH;
    const all = [...this.#tail, ...entries];
    const completed = Math.floor(all.length / BLOCK_WIDTH);
    const blocks = Array.from({ length: completed }, (_, i) =>
      encodeEntryBundle(all.slice(i * BLOCK_WIDTH, (i + 1) * BLOCK_WIDTH)),
    );
    const tail = all.slice(completed * BLOCK_WIDTH);
    // Where a block was completed, it takes the place of the runs, and what is left of the tail is all new.
    const start = begin + (completed === 0 ? this.#tail.length : completed * BLOCK_WIDTH);
    const run = completed === 0 ? entries : tail;
    return {
      puts: [
        ...blocks.map((block, i) => [ledgerKeys.block(this.#full + i), block] as const),
        ...(run.length === 0 ? [] : [[ledgerKeys.run(start), encodeEntryBundle(run)] as const]),
      ],
      deletes: completed === 0 ? [] : this.#runs.map((at) => ledgerKeys.run(at)),
      done: () => {
        for (const [i, block] of blocks.entries()) this.#remember(this.#full + i, block);
        this.#full += completed;
        this.#tail = tail;
        const kept = completed === 0 ? this.#runs : [];
        this.#runs = run.length === 0 ? kept : [...kept, start];
      },
    };
  }

  /** Entries that are stored; the caller has checked the range. @throws {LedgerError} LEDGER_CORRUPT */
  async read(start: number, end: number): Promise<Uint8Array[]> {
    // Copies, so that nobody's change of an entry reaches what is remembered.
    return (await this.views(start, end)).map((entry) => entry.slice());
  }

  /** The same entries for whoever changes none and keeps none: each is a part of what is remembered. @throws {LedgerError} LEDGER_CORRUPT */
  async views(start: number, end: number): Promise<Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (let at = start; at < end;) {
      const index = Math.floor(at / BLOCK_WIDTH);
      const from = at - index * BLOCK_WIDTH;
      const to = Math.min(BLOCK_WIDTH, from + end - at);
      const part = index < this.#full ? entriesIn(await this.#block(index), from, to) : this.#tail.slice(from, to);
      if (part.length === 0) throw missing(`Entry ${at} is`);
      entries.push(...part);
      at += part.length;
    }
    return entries;
  }

  /**
   * The bytes of a published bundle of so many entries. Whoever asks for one asks for all, once: none of them stays in memory.
   * @throws {LedgerError} LEDGER_CORRUPT
   */
  async bundleBytes(index: number, width: number): Promise<Uint8Array> {
    const start = index * TILE_WIDTH;
    const first = index * BLOCKS_PER_BUNDLE;
    if (width < TILE_WIDTH || first + BLOCKS_PER_BUNDLE > this.#full)
      return encodeEntryBundle(await this.read(start, start + width));
    const names = Array.from({ length: BLOCKS_PER_BUNDLE }, (_, i) => first + i);
    const known = names.map((name) => this.#blocks.get(name));
    const blocks = known.includes(undefined) ? await this.#storage.getMany(names.map(ledgerKeys.block)) : known;
    if (blocks.includes(undefined)) throw missing(`Some of the entries from ${start} on are`);
    return concatBytes(...(blocks as Uint8Array[]));
  }

  async #block(index: number): Promise<Uint8Array> {
    const known = this.#blocks.get(index);
    const block = known ?? checkedBlock(await this.#storage.get(ledgerKeys.block(index)), index);
    this.#remember(index, block);
    return block;
  }

  #remember(index: number, block: Uint8Array): void {
    this.#forget(index);
    this.#blocks.set(index, block);
    this.#rememberedBytes += block.length;
    for (const oldest of this.#blocks.keys()) {
      if (this.#rememberedBytes <= MAX_REMEMBERED_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(index: number): void {
    this.#rememberedBytes -= this.#blocks.get(index)?.length ?? 0;
    this.#blocks.delete(index);
  }
}

/** The same bytes, if they are a full block. @throws {LedgerError} LEDGER_CORRUPT, LEDGER_MALFORMED */
function checkedBlock(bytes: Uint8Array | undefined, index: number): Uint8Array {
  const names = `Entries ${index * BLOCK_WIDTH} to ${(index + 1) * BLOCK_WIDTH - 1} are`;
  if (bytes === undefined) throw missing(names);
  if (countEntries(bytes) !== BLOCK_WIDTH) throw missing(`Some of ${names.toLowerCase()}`);
  return bytes;
}

function missing(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `${what} missing from the store.`);
}
