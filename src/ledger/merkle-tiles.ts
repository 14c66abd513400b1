/**
 * The tree, kept as tiles: the right edge in memory, full tiles read when a proof needs them. Appending costs one or two hashes a leaf,
 * and a proof for any earlier size can be made at any time.
 */
import { concatBytes } from '../base/mod.ts';
import { LedgerError } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash, pairHash } from './hash.ts';
import { TILE_WIDTH } from './tile.ts';

/** Reads a full tile: 256 hashes, 8,192 bytes. */
export type ReadTile = (level: number, index: number) => Promise<Uint8Array>;

/** A tile that became full and will never change. */
export interface CompletedTile {
  readonly level: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

// Rows 0 to 8 of a tile that still grows: its hashes, and above them the nodes of the small tree they span.
type Rows = Uint8Array[][];

const TILE_HEIGHT = 8;
const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
// A full tile with all rows above it, one after another: 511 hashes, 16,352 bytes.
const TILE_NODES = 2 * TILE_WIDTH - 1;
const CACHED_TILES = 64;
const REMEMBERED_RANGES = 256;
// Thrown where a tile has to be read first, and caught in this file. One for all: an error is dear to make.
const MISSING = new Error('The tile is not in memory.');

/** An append-only RFC 6962 tree. */
export class MerkleTiles {
  readonly #readTile: ReadTile;
  readonly #cachedTiles: number;
  readonly #edge: { index: number; rows: Rows }[] = [];
  // A Map keeps the order of insertion: re-inserting on use makes it a least-recently-used cache.
  readonly #cache = new Map<number, Uint8Array>();
  #latest: { readonly id: number; readonly nodes: Uint8Array } | undefined;
  // Every proof of one batch hashes the same ragged right edge together.
  readonly #ranges = new Map<string, Uint8Array>();
  #size = 0;

  /** @param cachedTiles how many full tiles may stay in memory, 16 KiB each */
  constructor(readTile: ReadTile, cachedTiles: number = CACHED_TILES) {
    this.#readTile = readTile;
    this.#cachedTiles = cachedTiles;
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
    this.#check(
      oldSize >= 0 && oldSize <= size && size <= this.#size,
      `no tree of ${oldSize} and one of ${size} leaves`,
    );
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
      const edge = this.#edgeAt(level, index);
      return edge === undefined
        ? this.#tile(level, index, missing).slice(0, width * HASH_BYTES)
        : concatBytes(...edge[0]!.slice(0, width));
    });
  }

  #push(level: number, hash: Uint8Array, completed: CompletedTile[]): Uint8Array | undefined {
    this.#edge[level] ??= { index: 0, rows: emptyRows() };
    const tile = this.#edge[level];
    pushToRows(tile.rows, hash);
    if (tile.rows[0]!.length < TILE_WIDTH) return undefined;
    const nodes = concatBytes(...tile.rows.flat());
    completed.push({ level, index: tile.index, bytes: nodes.slice(0, TILE_BYTES) });
    this.#remember(tileId(level, tile.index), nodes);
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
    const [tileLevel, tileIndex] = [(height - row) / TILE_HEIGHT, Math.floor(index / perTile)];
    const edge = this.#edgeAt(tileLevel, tileIndex);
    if (edge !== undefined) return edge[row]![index % perTile]!;
    const at = (2 * TILE_WIDTH - 2 * perTile + (index % perTile)) * HASH_BYTES;
    return hashAt(this.#tile(tileLevel, tileIndex, missing), at);
  }

  #edgeAt(level: number, index: number): Rows | undefined {
    const edge = this.#edge[level];
    return edge?.index === index ? edge.rows : undefined;
  }

  #tile(level: number, index: number, missing: Missing): Uint8Array {
    const id = tileId(level, index);
    // A path asks the same tile eight times in a row.
    if (this.#latest?.id === id) return this.#latest.nodes;
    const nodes = this.#cache.get(id);
    if (nodes === undefined) throw missing(level, index);
    this.#cache.delete(id);
    this.#cache.set(id, nodes);
    this.#latest = { id, nodes };
    return nodes;
  }

  // Works synchronously on what is in memory; when a tile is missing, reads it and starts again. A proof touches a dozen tiles at most.
  async #withTiles<T>(work: (missing: Missing) => T): Promise<T> {
    for (;;) {
      let wanted: { readonly level: number; readonly index: number } | undefined;
      try {
        return work((level, index) => {
          wanted = { level, index };
          return MISSING;
        });
      } catch (error) {
        if (error !== MISSING || wanted === undefined) throw error;
        const { level, index } = wanted;
        this.#remember(tileId(level, index), expand(await this.#readTile(level, index)));
      }
    }
  }

  #remember(id: number, nodes: Uint8Array): void {
    this.#cache.set(id, nodes);
    if (this.#cache.size <= this.#cachedTiles) return;
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

function expand(tile: Uint8Array): Uint8Array {
  if (tile.length !== TILE_BYTES) throw new LedgerError('LEDGER_CORRUPT', 'A stored tile is not 256 hashes long.');
  const nodes = new Uint8Array(TILE_NODES * HASH_BYTES);
  nodes.set(tile);
  // The two below a node lie side by side, and the next node's two after them.
  for (let [at, below] = [TILE_BYTES, 0]; at < nodes.length; at += HASH_BYTES, below += 2 * HASH_BYTES)
    nodes.set(pairHash(nodes.subarray(below, below + 2 * HASH_BYTES)), at);
  return nodes;
}

// For a hash, a loop takes a fifth of the time of `slice`.
function hashAt(nodes: Uint8Array, at: number): Uint8Array {
  const hash = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < HASH_BYTES; i++) hash[i] = nodes[at + i]!;
  return hash;
}

// There are seven levels below 2^53 leaves.
function tileId(level: number, index: number): number {
  return index * 8 + level;
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
