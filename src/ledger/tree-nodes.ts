/**
 * The nodes of the tree, kept as tiles: the right edge in memory, full tiles read when somebody needs them, and remembered for a while.
 */
import { concatBytes } from '../base/mod.ts';
import { HASH_BYTES, nodeHash } from './hash.ts';
import { RecentlyUsed } from './recently-used.ts';
import { TILE_WIDTH } from './tile.ts';
import {
  LOW_ROWS,
  TILE_BYTES,
  TILE_HEIGHT,
  TOP_BYTES,
  TOP_START,
  checkedTile,
  emptyRows,
  expandTile,
  hashAt,
  nodesOf,
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
// The paths of two million entries without asking for a tile: 32 MiB, and half of that for a million.
const CACHED_TOPS = 8192;
// Leaves that the rows which a top leaves out span.
const GROUP_WIDTH = 2 ** LOW_ROWS;
// Thrown where a tile has to be read first, and caught in this file. One for all: an error is dear to make.
const MISSING = new Error('The tile is not in memory.');

/** One question to the tree. */
export interface Reading {
  /** The nodes of the two lowest rows over each four leaves that were read for it. */
  readonly groups: Map<number, readonly Uint8Array[]>;
  /** Says what has to be read first; what it gives is to be thrown. */
  readonly lacks: (load: () => Promise<unknown>) => Error;
}

/** All nodes of full subtrees, by their height and index. */
export class TreeNodes {
  readonly #readTile: ReadTile;
  readonly #readLeaves: TreeMemory['readLeaves'];
  readonly #edge: { index: number; rows: Rows }[] = [];
  readonly #tiles: RecentlyUsed;
  readonly #tops: RecentlyUsed;

  constructor(readTile: ReadTile, { tiles = CACHED_TILES, readLeaves, tops = CACHED_TOPS }: TreeMemory) {
    this.#readTile = readTile;
    this.#readLeaves = readLeaves;
    this.#tiles = new RecentlyUsed(tiles);
    this.#tops = new RecentlyUsed(readLeaves === undefined ? 0 : tops);
  }

  /**
   * Adds a leaf hash at the end.
   * @param onTile told of each tile that became full, lowest level first, which then stays in memory; without it, no more than its top does
   */
  push(leaf: Uint8Array, onTile?: (tile: CompletedTile) => void): void {
    this.#pushFrom(0, leaf, onTile);
  }

  /** Adds a full tile of leaves, of which the top is enough, where the last one is full. */
  pushTop(top: Uint8Array): void {
    const index = this.#edge[0]?.index ?? 0;
    this.#edge[0] = { index: index + 1, rows: emptyRows() };
    this.#rememberTop(index, () => top);
    this.#pushFrom(1, hashAt(top, TOP_BYTES - HASH_BYTES));
  }

  #pushFrom(first: number, node: Uint8Array, onTile?: (tile: CompletedTile) => void): void {
    let hash: Uint8Array | undefined = node;
    for (let level = first; hash !== undefined; level++) hash = this.#pushAt(level, hash, onTile);
  }

  #pushAt(level: number, hash: Uint8Array, onTile?: (tile: CompletedTile) => void): Uint8Array | undefined {
    this.#edge[level] ??= { index: 0, rows: emptyRows() };
    const { index, rows } = this.#edge[level];
    pushToRows(rows, hash);
    if (rows[0]!.length < TILE_WIDTH) return undefined;
    if (onTile !== undefined) {
      const nodes = nodesOf(rows);
      onTile({ level, index, bytes: nodes.slice(0, TILE_BYTES) });
      this.#remember(level, index, nodes);
    } else if (level === 0) this.#rememberTop(index, () => nodesOf(rows, LOW_ROWS));
    this.#edge[level] = { index: index + 1, rows: emptyRows() };
    return rows[TILE_HEIGHT]![0]!;
  }

  /**
   * Works synchronously on what is in memory; when something is missing, reads it and starts again. A proof touches a dozen tiles at most.
   * @param near the leaf whose neighbours it will ask for
   */
  async ask<T>(work: (reading: Reading) => T, near?: number): Promise<T> {
    let load: (() => Promise<unknown>) | undefined;
    const reading: Reading = {
      groups: new Map(),
      lacks: (wanted) => {
        load = wanted;
        return MISSING;
      },
    };
    if (near !== undefined && this.#hasGroup(near)) await this.#loadGroup(Math.floor(near / GROUP_WIDTH), reading);
    for (;;) {
      try {
        return work(reading);
      } catch (error) {
        if (error !== MISSING || load === undefined) throw error;
        await load();
      }
    }
  }

  /** One node; whoever asks is asking in `ask`. */
  at(height: number, index: number, reading: Reading): Uint8Array {
    const row = height % TILE_HEIGHT;
    const perTile = 1 << (TILE_HEIGHT - row);
    const [tileLevel, tileIndex] = [(height - row) / TILE_HEIGHT, Math.floor(index / perTile)];
    const edge = this.#edgeAt(tileLevel, tileIndex);
    if (edge !== undefined) return edge[row]![index % perTile]!;
    const inRow = index % perTile;
    if (tileLevel > 0 || this.#readLeaves === undefined)
      return hashAt(this.#tile(tileLevel, tileIndex, reading), rowStart(row) + inRow * HASH_BYTES);
    if (row < LOW_ROWS) return this.#lowNode(row, index, reading);
    return hashAt(this.#top(tileIndex, reading), rowStart(row) - TOP_START + inRow * HASH_BYTES);
  }

  /** The first `width` hashes of a tile. */
  async tileBytes(level: number, index: number, width: number): Promise<Uint8Array> {
    const edge = this.#edgeAt(level, index);
    if (edge !== undefined) return concatBytes(...edge[0]!.slice(0, width));
    const tile = this.#tiles.get(tileId(level, index)) ?? checkedTile(await this.#readTile(level, index));
    return tile.slice(0, width * HASH_BYTES);
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

  /** Whether a leaf is in a full tile of which no more than the top is kept. */
  #hasGroup(leaf: number): boolean {
    return this.#readLeaves !== undefined && this.#edgeAt(0, Math.floor(leaf / TILE_WIDTH)) === undefined;
  }

  /** A node of one of the rows that tops leave out. */
  #lowNode(row: number, index: number, reading: Reading): Uint8Array {
    const perGroup = GROUP_WIDTH / 2 ** row;
    const group = Math.floor(index / perGroup);
    const nodes = reading.groups.get(group);
    if (nodes === undefined) throw reading.lacks(() => this.#loadGroup(group, reading));
    return nodes[row * GROUP_WIDTH + (index % perGroup)]!;
  }

  async #loadTile(level: number, index: number): Promise<void> {
    this.#remember(level, index, expandTile(await this.#readTile(level, index)));
  }

  async #loadGroup(index: number, reading: Reading): Promise<void> {
    const start = index * GROUP_WIDTH;
    const leaves = await this.#readLeaves!(start, start + GROUP_WIDTH);
    const [a, b, c, d] = leaves as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    reading.groups.set(index, [a, b, c, d, nodeHash(a, b), nodeHash(c, d)]);
  }

  #remember(level: number, index: number, nodes: Uint8Array): void {
    this.#tiles.set(tileId(level, index), nodes);
    if (level === 0) this.#rememberTop(index, () => nodes.slice(TOP_START));
  }

  #rememberTop(index: number, topOf: () => Uint8Array): void {
    if (this.#readLeaves !== undefined) this.#tops.set(index, topOf());
  }
}

// There are seven levels below 2^53 leaves.
function tileId(level: number, index: number): number {
  return index * 8 + level;
}
