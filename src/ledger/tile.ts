/**
 * Tiles: the tree and its entries as files that never change once they are full.
 * @see C2SP tlog-tiles v0.1.0
 */
import { LedgerError } from './error.ts';

/** Hashes in a full tile; entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Names a tile: at `entries` its hashes are those entries themselves. */
export interface TileId {
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256; below 256 the tile is partial. */
  readonly width: number;
}

/** `tile/<level>/<index>[.p/<width>]`, the index in groups of three digits. */
export function tilePath({ level, index, width }: TileId): string {
  const groups: string[] = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return `tile/${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Every tile of a tree, bundles first, then level by level; each level's last tile may be partial. */
export function tilesOfTree(size: number): TileId[] {
  const tiles: TileId[] = tilesOfLevel('entries', size);
  let hashes = size;
  for (let level = 0; hashes > 0; level++) {
    tiles.push(...tilesOfLevel(level, hashes));
    hashes = Math.floor(hashes / TILE_WIDTH);
  }
  return tiles;
}

function tilesOfLevel(level: number | 'entries', hashes: number): TileId[] {
  const full = Math.floor(hashes / TILE_WIDTH);
  const tiles: TileId[] = Array.from({ length: full }, (_, index) => ({ level, index, width: TILE_WIDTH }));
  if (hashes % TILE_WIDTH > 0) tiles.push({ level, index: full, width: hashes % TILE_WIDTH });
  return tiles;
}

/** An entry bundle: each entry behind its length as u16 big-endian. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, { length }) => sum + 2 + length, 0));
  let at = 0;
  for (const entry of entries) {
    bytes[at] = entry.length >> 8;
    bytes[at + 1] = entry.length;
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/**
 * Number of entries in a bundle.
 * @throws {LedgerError} LEDGER_MALFORMED for a truncated bundle, an empty entry or more than 256 entries
 */
export function countEntries(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    const length = at + 2 <= bytes.length ? bytes[at]! * 256 + bytes[at + 1]! : 0;
    at += 2 + length;
    if (length === 0 || at > bytes.length || count === TILE_WIDTH)
      throw new LedgerError('LEDGER_MALFORMED', 'The bytes are not an entry bundle.');
  }
  return count;
}

/** Some entries of a bundle that has so many: views of its memory. */
export function entriesIn(bytes: Uint8Array, from: number, to: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let [at, i] = [0, 0]; i < to; i++) {
    const start = at + 2;
    at = start + bytes[at]! * 256 + bytes[at + 1]!;
    if (i >= from) entries.push(bytes.subarray(start, at));
  }
  return entries;
}

/** The entries of a bundle. @throws {LedgerError} LEDGER_MALFORMED as for their number */
export function parseEntryBundle(bytes: Uint8Array): Uint8Array[] {
  return entriesIn(bytes, 0, countEntries(bytes)).map((entry) => new Uint8Array(entry));
}
