/**
 * The tree, kept as tiles: the right edge in memory, full tiles read when a proof needs them. Appending costs one or two hashes a leaf,
 * and a proof for any earlier size can be made at any time.
 */
import { LedgerError } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hash.ts';
import { TILE_WIDTH } from './tile.ts';

/** Reads a full tile: 256 hashes, 8,192 bytes. */
export type ReadTile = (level: number, index: number) => Promise<Uint8Array>;

/** A tile that became full and will never change. */
export interface CompletedTile {
  readonly level: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

// Rows 0 to 8 of a tile: its hashes, and above them the nodes of the small tree they span.
type Rows = Uint8Array[][];

const TILE_HEIGHT = 8;
const CACHED_TILES = 64;
const REMEMBERED_RANGES = 256;

/** An append-only RFC 6962 tree. */
export class MerkleTiles {
  readonly #readTile: ReadTile;
  readonly #edge: { index: number; rows: Rows }[] = [];
  // A Map keeps the order of insertion: re-inserting on use makes it a least-recently-used cache.
  readonly #cache = new Map<string, Rows>();
  // Every proof of one batch hashes the same ragged right edge together.
  readonly #ranges = new Map<string, Uint8Array>();
  #size = 0;

  constructor(readTile: ReadTile) {
    this.#readTile = readTile;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Appends leaf hashes and returns the tiles that became full, lowest level first for each leaf. */
  append(leaves: readonly Uint8Array[]): CompletedTile[] {
    const completed: CompletedTile[] = [];
    for (const leaf of leaves) {
      let hash: Uint8Array | undefined = leaf;
      for (let level = 0; hash !== undefined; level++) hash = this.#push(level, hash, completed);
      this.#size++;
    }
    return completed;
  }

  /** The root of the tree when it had `size` leaves. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  rootAt(size: number = this.#size): Promise<Uint8Array> {
    this.#check(size <= this.#size, `no tree of ${size} leaves`);
    if (size === 0) return Promise.resolve(EMPTY_ROOT);
    return this.#withTiles((missing) => this.#range(0, size, missing));
  }

  /**
   * The audit path of one leaf, from its sibling up.
   * @see RFC 6962 §2.1.1
   * @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE
   */
  inclusionPath(index: number, size: number = this.#size): Promise<Uint8Array[]> {
    this.#check(size <= this.#size && index >= 0 && index < size, `no leaf ${index} in a tree of ${size}`);
    return this.#withTiles((missing) => {
      const path: Uint8Array[] = [];
      let [start, end] = [0, size];
      while (end - start > 1) {
        const middle = start + splitOf(end - start);
        if (index < middle) {
          path.push(this.#range(middle, end, missing));
          end = middle;
        } else {
          path.push(this.#range(start, middle, missing));
          start = middle;
        }
      }
      return path.reverse();
    });
  }

  /**
   * The proof that the tree of `size` continues the tree of `oldSize`; empty from an empty tree, which proves nothing.
   * @see RFC 6962 §2.1.2
   * @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE
   */
  consistencyPath(oldSize: number, size: number = this.#size): Promise<Uint8Array[]> {
    this.#check(oldSize >= 0 && oldSize <= size && size <= this.#size, `no trees of ${oldSize} and ${size} leaves`);
    if (oldSize === 0 || oldSize === size) return Promise.resolve([]);
    return this.#withTiles((missing) => {
      const path: Uint8Array[] = [];
      let [start, end] = [0, size];
      while (oldSize !== end) {
        const middle = start + splitOf(end - start);
        if (oldSize <= middle) {
          path.push(this.#range(middle, end, missing));
          end = middle;
        } else {
          path.push(this.#range(start, middle, missing));
          start = middle;
        }
      }
      // The older tree's own root is left out: whoever verifies has it.
      if (start !== 0) path.push(this.#range(start, end, missing));
      return path.reverse();
    });
  }

  /** The hash of one leaf. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  leafAt(index: number): Promise<Uint8Array> {
    this.#check(Number.isSafeInteger(index) && index >= 0 && index < this.#size, `no leaf ${index}`);
    return this.#withTiles((missing) => this.#node(0, index, missing));
  }

  /** The first `width` hashes of a tile as its file holds them. */
  tileBytes(level: number, index: number, width: number): Promise<Uint8Array> {
    return this.#withTiles((missing) => {
      const row = this.#rows(level, index, missing)[0]!;
      const bytes = new Uint8Array(width * HASH_BYTES);
      for (let i = 0; i < width; i++) bytes.set(row[i]!, i * HASH_BYTES);
      return bytes;
    });
  }

  #push(level: number, hash: Uint8Array, completed: CompletedTile[]): Uint8Array | undefined {
    this.#edge[level] ??= { index: 0, rows: emptyRows() };
    const tile = this.#edge[level];
    pushToRows(tile.rows, hash);
    if (tile.rows[0]!.length < TILE_WIDTH) return undefined;
    const bytes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
    tile.rows[0]!.forEach((item, i) => {
      bytes.set(item, i * HASH_BYTES);
    });
    completed.push({ level, index: tile.index, bytes });
    this.#remember(`${level}/${tile.index}`, tile.rows);
    this.#edge[level] = { index: tile.index + 1, rows: emptyRows() };
    return tile.rows[TILE_HEIGHT]![0]!;
  }

  // Hash of the leaves from start to end, where start is a multiple of the largest power of two that fits.
  #range(start: number, end: number, missing: Missing): Uint8Array {
    const width = end - start;
    const [power, height] = largestPower(width);
    if (power === width) return this.#node(height, start / power, missing);
    const id = `${start} ${end}`;
    const known = this.#ranges.get(id);
    if (known !== undefined) return known;
    const left = this.#node(height, start / power, missing);
    const hash = nodeHash(left, this.#range(start + power, end, missing));
    if (this.#ranges.size >= REMEMBERED_RANGES) this.#ranges.clear();
    this.#ranges.set(id, hash);
    return hash;
  }

  #node(height: number, index: number, missing: Missing): Uint8Array {
    const row = height % TILE_HEIGHT;
    const perTile = 2 ** (TILE_HEIGHT - row);
    const rows = this.#rows((height - row) / TILE_HEIGHT, Math.floor(index / perTile), missing);
    return rows[row]![index % perTile]!;
  }

  #rows(level: number, index: number, missing: Missing): Rows {
    const edge = this.#edge[level];
    if (edge?.index === index) return edge.rows;
    const id = `${level}/${index}`;
    const cached = this.#cache.get(id);
    if (cached === undefined) throw missing(level, index);
    this.#cache.delete(id);
    this.#cache.set(id, cached);
    return cached;
  }

  // Works synchronously on what is in memory; when a tile is missing, reads it and starts again. A proof touches a dozen tiles at most.
  async #withTiles<T>(work: (missing: Missing) => T): Promise<T> {
    for (;;) {
      let wanted: { readonly level: number; readonly index: number } | undefined;
      const signal = new Error('tile not in memory');
      try {
        return work((level, index) => {
          wanted = { level, index };
          return signal;
        });
      } catch (error) {
        if (error !== signal || wanted === undefined) throw error;
        const { level, index } = wanted;
        this.#remember(`${level}/${index}`, expand(await this.#readTile(level, index)));
      }
    }
  }

  #remember(id: string, rows: Rows): void {
    this.#cache.set(id, rows);
    if (this.#cache.size <= CACHED_TILES) return;
    const oldest = this.#cache.keys().next();
    if (oldest.done !== true) this.#cache.delete(oldest.value);
  }

  #check(holds: boolean, otherwise: string): void {
    if (!holds) throw new LedgerError('LEDGER_INDEX_OUT_OF_RANGE', `There is ${otherwise}.`);
  }
}

type Missing = (level: number, index: number) => Error;

function emptyRows(): Rows {
  return Array.from({ length: TILE_HEIGHT + 1 }, () => []);
}

function pushToRows(rows: Rows, hash: Uint8Array): void {
  let node = hash;
  for (let height = 0; ; height++) {
    const row = rows[height]!;
    row.push(node);
    if (row.length % 2 === 1 || height === TILE_HEIGHT) return;
    node = nodeHash(row[row.length - 2]!, node);
  }
}

function expand(tile: Uint8Array): Rows {
  if (tile.length !== TILE_WIDTH * HASH_BYTES)
    throw new LedgerError('LEDGER_CORRUPT', 'A stored tile is not 256 hashes long.');
  const rows = emptyRows();
  for (let i = 0; i < TILE_WIDTH; i++) pushToRows(rows, tile.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  return rows;
}

/** The largest power of two that is at most `n`, and its exponent. */
function largestPower(n: number): [power: number, exponent: number] {
  let [power, exponent] = [1, 0];
  while (power * 2 <= n) {
    power *= 2;
    exponent++;
  }
  return [power, exponent];
}

/** The largest power of two below `n`, for `n` of at least 2. */
function splitOf(n: number): number {
  return largestPower(n - 1)[0];
}
