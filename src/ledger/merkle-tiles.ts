/**
 * The tree, kept as tiles: the right edge in memory, full tiles read when a proof needs them. Appending costs one or two hashes a leaf,
 * and a proof for any earlier size can be made at any time.
 */
import { concatBytes } from '../base/mod.ts';
import { LedgerError } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hash.ts';
import { RecentlyUsed } from './recently-used.ts';
import { TILE_WIDTH } from './tile.ts';
import {
  TILE_BYTES,
  TILE_HEIGHT,
  checkedTile,
  emptyRows,
  expandTile,
  hashAt,
  pushToRows,
  rowStart,
  type Rows,
} from './tile-nodes.ts';

/** Reads a full tile: 256 hashes, 8,192 bytes. */
export type ReadTile = (level: number, index: number) => Promise<Uint8Array>;

/** What a tree keeps in memory. */
export interface TreeMemory {
  /** How many full tiles may stay whole, 16 KiB each. */
  readonly tiles?: number;
  /**
   * Gives leaf hashes by their place. Of a full tile at the bottom it is then enough to keep the top, 4 KiB: the two rows below, six hashes
   * of the path's neighbours, are made again from four leaves.
   */
  readonly readLeaves?: (start: number, end: number) => Promise<readonly Uint8Array[]>;
  /** How many tops may stay, with `readLeaves`. */
  readonly tops?: number;
}

/** A tile that became full and will never change. */
export interface CompletedTile {
  readonly level: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

const CACHED_TILES = 64;
// The paths of a million entries without asking for a tile: 16 MiB.
const CACHED_TOPS = 4096;
// Rows that a top leaves out, and how many leaves they span.
const LOW_ROWS = 2;
const GROUP_WIDTH = 2 ** LOW_ROWS;
const TOP_START = rowStart(LOW_ROWS);
const REMEMBERED_RANGES = 256;
// Thrown where a tile has to be read first, and caught in this file. One for all: an error is dear to make.
const MISSING = new Error('The tile is not in memory.');

/** An append-only RFC 6962 tree. */
export class MerkleTiles {
  readonly #readTile: ReadTile;
  readonly #readLeaves: TreeMemory['readLeaves'];
  readonly #edge: { index: number; rows: Rows }[] = [];
  readonly #tiles: RecentlyUsed;
  readonly #tops: RecentlyUsed;
  // Every proof of one batch hashes the same ragged right edge together.
  readonly #ranges = new Map<string, Uint8Array>();
  #size = 0;

  constructor(readTile: ReadTile, { tiles = CACHED_TILES, readLeaves, tops = CACHED_TOPS }: TreeMemory = {}) {
    this.#readTile = readTile;
    this.#readLeaves = readLeaves;
    this.#tiles = new RecentlyUsed(tiles);
    this.#tops = new RecentlyUsed(readLeaves === undefined ? 0 : tops);
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Appends leaf hashes and returns the tiles that became full, lowest level first for each leaf; they stay in memory. */
  append(leaves: readonly Uint8Array[]): CompletedTile[] {
    const completed: CompletedTile[] = [];
    this.#grow(leaves, (level, index, rows) => {
      const nodes = concatBytes(...rows.flat());
      completed.push({ level, index, bytes: nodes.slice(0, TILE_BYTES) });
      this.#remember(level, index, nodes);
    });
    return completed;
  }

  /** Appends leaf hashes whose full tiles can be read already; none of them stays in memory. */
  replay(leaves: readonly Uint8Array[]): void {
    this.#grow(leaves, () => undefined);
  }

  /** The root of the tree when it had `size` leaves. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  rootAt(size: number = this.#size): Promise<Uint8Array> {
    this.#check(size <= this.#size, `no tree of ${size} leaves`);
    if (size === 0) return Promise.resolve(EMPTY_ROOT);
    return this.#withTiles((reading) => this.#range(0, size, reading));
  }

  /**
   * The audit path of one leaf, from its sibling up.
   * @see RFC 6962 §2.1.1
   * @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE
   */
  inclusionPath(index: number, size: number = this.#size): Promise<Uint8Array[]> {
    this.#check(size <= this.#size && index >= 0 && index < size, `no leaf ${index} in a tree of ${size}`);
    return this.#withTiles((reading) => {
      const path: Uint8Array[] = [];
      let [start, end] = [0, size];
      while (end - start > 1) {
        const middle = start + splitOf(end - start);
        if (index < middle) {
          path.push(this.#range(middle, end, reading));
          end = middle;
        } else {
          path.push(this.#range(start, middle, reading));
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
    return this.#withTiles((reading) => {
      const path: Uint8Array[] = [];
      let [start, end] = [0, size];
      while (oldSize !== end) {
        const middle = start + splitOf(end - start);
        if (oldSize <= middle) {
          path.push(this.#range(middle, end, reading));
          end = middle;
        } else {
          path.push(this.#range(start, middle, reading));
          start = middle;
        }
      }
      // The older tree's own root is left out: whoever verifies has it.
      if (start !== 0) path.push(this.#range(start, end, reading));
      return path.reverse();
    });
  }

  /** The hash of one leaf. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  leafAt(index: number): Promise<Uint8Array> {
    this.#check(Number.isSafeInteger(index) && index >= 0 && index < this.#size, `no leaf ${index}`);
    return this.#withTiles((reading) => this.#node(0, index, reading));
  }

  /** The first `width` hashes of a tile as its file holds them. Whoever asks for one asks for all, once: none of them stays in memory. */
  async tileBytes(level: number, index: number, width: number): Promise<Uint8Array> {
    const edge = this.#edgeAt(level, index);
    if (edge !== undefined) return concatBytes(...edge[0]!.slice(0, width));
    const tile = this.#tiles.get(tileId(level, index)) ?? checkedTile(await this.#readTile(level, index));
    return tile.slice(0, width * HASH_BYTES);
  }

  #grow(leaves: readonly Uint8Array[], onTile: OnTile): void {
    for (const leaf of leaves) {
      let hash: Uint8Array | undefined = leaf;
      for (let level = 0; hash !== undefined; level++) hash = this.#push(level, hash, onTile);
      this.#size++;
    }
  }

  #push(level: number, hash: Uint8Array, onTile: OnTile): Uint8Array | undefined {
    this.#edge[level] ??= { index: 0, rows: emptyRows() };
    const tile = this.#edge[level];
    pushToRows(tile.rows, hash);
    if (tile.rows[0]!.length < TILE_WIDTH) return undefined;
    onTile(level, tile.index, tile.rows);
    this.#edge[level] = { index: tile.index + 1, rows: emptyRows() };
    return tile.rows[TILE_HEIGHT]![0]!;
  }

  // Hash of the leaves from start to end, where start is a multiple of the largest power of two that fits.
  #range(start: number, end: number, reading: Reading): Uint8Array {
    const width = end - start;
    const [power, height] = largestPower(width);
    if (power === width) return this.#node(height, start / power, reading);
    const id = `${start} ${end}`;
    const known = this.#ranges.get(id);
    if (known !== undefined) return known;
    const left = this.#node(height, start / power, reading);
    const hash = nodeHash(left, this.#range(start + power, end, reading));
    if (this.#ranges.size >= REMEMBERED_RANGES) this.#ranges.clear();
    this.#ranges.set(id, hash);
    return hash;
  }

  #node(height: number, index: number, reading: Reading): Uint8Array {
    const row = height % TILE_HEIGHT;
    const perTile = 2 ** (TILE_HEIGHT - row);
    const [tileLevel, tileIndex] = [(height - row) / TILE_HEIGHT, Math.floor(index / perTile)];
    const edge = this.#edgeAt(tileLevel, tileIndex);
    if (edge !== undefined) return edge[row]![index % perTile]!;
    const inRow = index % perTile;
    if (tileLevel > 0 || this.#readLeaves === undefined)
      return hashAt(this.#tile(tileLevel, tileIndex, reading), rowStart(row) + inRow * HASH_BYTES);
    if (row < LOW_ROWS) return this.#lowNode(row, index, reading);
    return hashAt(this.#top(tileIndex, reading), rowStart(row) - TOP_START + inRow * HASH_BYTES);
  }

  #edgeAt(level: number, index: number): Rows | undefined {
    const edge = this.#edge[level];
    return edge?.index === index ? edge.rows : undefined;
  }

  #tile(level: number, index: number, reading: Reading): Uint8Array {
    const nodes = this.#tiles.get(tileId(level, index));
    if (nodes === undefined) throw reading.lacks(() => this.#loadTile(level, index));
    return nodes;
  }

  #top(index: number, reading: Reading): Uint8Array {
    const nodes = this.#tops.get(index);
    if (nodes === undefined) throw reading.lacks(() => this.#loadTile(0, index));
    return nodes;
  }

  /** A node of one of the rows that tops leave out. */
  #lowNode(row: number, index: number, reading: Reading): Uint8Array {
    const perGroup = GROUP_WIDTH / 2 ** row;
    const group = Math.floor(index / perGroup);
    const nodes = reading.groups.get(group);
    if (nodes === undefined) throw reading.lacks(async () => reading.groups.set(group, await this.#group(group)));
    return nodes[row * GROUP_WIDTH + (index % perGroup)]!;
  }

  async #loadTile(level: number, index: number): Promise<void> {
    this.#remember(level, index, expandTile(await this.#readTile(level, index)));
  }

  async #group(index: number): Promise<readonly Uint8Array[]> {
    const start = index * GROUP_WIDTH;
    const leaves = await this.#readLeaves!(start, start + GROUP_WIDTH);
    const [a, b, c, d] = leaves as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    return [a, b, c, d, nodeHash(a, b), nodeHash(c, d)];
  }

  // Works synchronously on what is in memory; when something is missing, reads it and starts again. A proof touches a dozen tiles at most.
  async #withTiles<T>(work: (reading: Reading) => T): Promise<T> {
    let load: (() => Promise<unknown>) | undefined;
    const reading: Reading = {
      groups: new Map(),
      lacks: (wanted) => {
        load = wanted;
        return MISSING;
      },
    };
    for (;;) {
      try {
        return work(reading);
      } catch (error) {
        if (error !== MISSING || load === undefined) throw error;
        await load();
      }
    }
  }

  #remember(level: number, index: number, nodes: Uint8Array): void {
    this.#tiles.set(tileId(level, index), nodes);
    if (level === 0 && this.#readLeaves !== undefined) this.#tops.set(index, nodes.slice(TOP_START));
  }

  #check(holds: boolean, otherwise: string): void {
    if (!holds) throw new LedgerError('LEDGER_INDEX_OUT_OF_RANGE', `There is ${otherwise}.`);
  }
}

type OnTile = (level: number, index: number, rows: Rows) => void;

/** One question to the tree. */
interface Reading {
  /** The nodes of the two lowest rows over each four leaves that were read for it. */
  readonly groups: Map<number, readonly Uint8Array[]>;
  /** Says what has to be read first; what it gives is to be thrown. */
  readonly lacks: (load: () => Promise<unknown>) => Error;
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
