/** A tile with the nodes of the small tree that its hashes span: row by row while it grows, one after another once it is full. */
import { LedgerError } from './error.ts';
import { HASH_BYTES, leafHash, nodeHash, pairHash } from './hash.ts';
import { TILE_WIDTH } from './tile.ts';

/** Rows 0 to 8 of a tile that still grows: its hashes, and above them the nodes of the small tree they span. */
export type Rows = Uint8Array[][];

/** Rows above the hashes of a tile. */
export const TILE_HEIGHT = 8;
/** Length of a full tile's hashes, in bytes. */
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
// A full tile with all rows above it, one after another: 511 hashes, 16,352 bytes.
const TILE_NODES = 2 * TILE_WIDTH - 1;

// A path asks for one of these at every step.
const ROW_STARTS = Array.from(
  { length: TILE_HEIGHT + 1 },
  (_, row) => (2 * TILE_WIDTH - 2 ** (TILE_HEIGHT - row + 1)) * HASH_BYTES,
);

/** Where the row begins in the nodes of a full tile, in bytes. */
export function rowStart(row: number): number {
  return ROW_STARTS[row]!;
}

/** Rows that a top leaves out. */
export const LOW_ROWS = 2;
/** Where a top begins in the nodes of a full tile, and its length, in bytes. */
export const TOP_START = rowStart(LOW_ROWS);
export const TOP_BYTES = TILE_NODES * HASH_BYTES - TOP_START;

/** Of a tile without a hash. */
export function emptyRows(): Rows {
  return Array.from({ length: TILE_HEIGHT + 1 }, () => []);
}

/** Adds a hash, and the nodes that it completes. */
export function pushToRows(rows: Rows, hash: Uint8Array): void {
  let node = hash;
  for (let height = 0; ; height++) {
    const row = rows[height]!;
    row.push(node);
    if (row.length % 2 === 1 || height === TILE_HEIGHT) return;
    node = nodeHash(row[row.length - 2]!, node);
  }
}

/** The nodes of full rows one after another, from one of the rows up. */
export function nodesOf(rows: Rows, from = 0): Uint8Array {
  const nodes = new Uint8Array(TILE_NODES * HASH_BYTES - rowStart(from));
  let at = 0;
  for (let row = from; row <= TILE_HEIGHT; row++)
    for (const hash of rows[row]!) {
      nodes.set(hash, at);
      at += HASH_BYTES;
    }
  return nodes;
}

/** The same bytes, if they are a full tile. @throws {LedgerError} LEDGER_CORRUPT */
export function checkedTile(tile: Uint8Array): Uint8Array {
  if (tile.length !== TILE_BYTES) throw new LedgerError('LEDGER_CORRUPT', 'A stored tile is not 256 hashes long.');
  return tile;
}

/** A full tile's hashes with all the rows above them. @throws {LedgerError} LEDGER_CORRUPT */
export function expandTile(tile: Uint8Array): Uint8Array {
  const nodes = new Uint8Array(TILE_NODES * HASH_BYTES);
  nodes.set(checkedTile(tile));
  fillRows(nodes);
  return nodes;
}

/** Full tiles at the bottom of a tree: their entries, as bundles hold them, and how many tiles they are. */
export interface Tiles {
  readonly bundles: Uint8Array<ArrayBuffer>;
  readonly tiles: number;
}

/** The tops of full tiles, one after another: of each the nodes of its rows from `LOW_ROWS` up, `TOP_BYTES` long. */
export function topsOf({ bundles, tiles }: Tiles): Uint8Array<ArrayBuffer> {
  const tops = new Uint8Array(tiles * TOP_BYTES);
  const nodes = new Uint8Array(TILE_NODES * HASH_BYTES);
  const top = nodes.subarray(TOP_START);
  for (let [tile, at] = [0, 0]; tile < tiles; tile++) {
    for (let leaf = 0; leaf < TILE_BYTES; leaf += HASH_BYTES) {
      const start = at + 2;
      at = start + bundles[at]! * 256 + bundles[at + 1]!;
      nodes.set(leafHash(bundles.subarray(start, at)), leaf);
    }
    fillRows(nodes);
    tops.set(top, tile * TOP_BYTES);
  }
  return tops;
}

/** Makes the rows above the hashes of a full tile. */
function fillRows(nodes: Uint8Array): void {
  // The two below a node lie side by side, and the next node's two after them.
  for (let [at, below] = [TILE_BYTES, 0]; at < nodes.length; at += HASH_BYTES, below += 2 * HASH_BYTES)
    nodes.set(pairHash(nodes.subarray(below, below + 2 * HASH_BYTES)), at);
}

/** A copy of one hash: a loop takes a fifth of the time of `slice`. */
export function hashAt(nodes: Uint8Array, at: number): Uint8Array {
  const hash = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < HASH_BYTES; i++) hash[i] = nodes[at + i]!;
  return hash;
}
