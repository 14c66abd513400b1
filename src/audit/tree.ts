/** The tree of a bundle, hashed again from its entries, or in a selection from its leaf hashes, and compared with the checkpoint. */
import { equalBytes } from '../base/mod.ts';
import {
  MerkleTiles,
  TILE_WIDTH,
  leafHash,
  parseEntryBundle,
  tilePath,
  tilesOfTree,
  type TreeHead,
} from '../ledger/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import type { Findings } from './error.ts';

const HASH_BYTES = 32;

/** A ledger's tree as its files make it: any root and any leaf, without holding them all. */
export interface AuditedTree {
  /** Number of leaves that were there; less than the checkpoint's size when some are missing. */
  readonly size: number;
  readonly rootAt: (size: number) => Promise<Uint8Array>;
  readonly leafAt: (index: number) => Promise<Uint8Array>;
}

/** Hashes every leaf and compares root and tiles. */
export async function auditTree(
  files: BundleFiles,
  head: TreeHead,
  where: string,
  findings: Findings,
  onProgress: (done: number) => void,
): Promise<AuditedTree> {
  const tree = new MerkleTiles(async (level, index) => {
    const bytes = await files.read(tilePath({ level, index, width: TILE_WIDTH }));
    return bytes?.length === TILE_WIDTH * HASH_BYTES ? bytes : new Uint8Array(TILE_WIDTH * HASH_BYTES);
  });
  const isSelection = files.index.selection !== undefined;
  const compare = async (level: number, index: number, bytes: Uint8Array): Promise<void> => {
    const path = tilePath({ level, index, width: bytes.length / HASH_BYTES });
    const file = await files.read(path);
    if (file !== undefined && equalBytes(file, bytes)) return;
    const detail = file === undefined ? 'it is missing' : 'its hashes are not those of the entries';
    findings.add('TILE_MISMATCH', `${where}: ${path}`, detail);
  };
  for (let index = 0; index * TILE_WIDTH < head.size; index++) {
    const width = Math.min(TILE_WIDTH, head.size - index * TILE_WIDTH);
    const path = tilePath({ level: isSelection ? 0 : 'entries', index, width });
    const leaves = leavesOf(await files.read(path), isSelection);
    if (leaves.length !== width) {
      const detail = `it has ${leaves.length} ${isSelection ? 'hashes' : 'entries'} instead of ${width}`;
      findings.add('ENTRIES_MISSING', `${where}: ${path}`, detail);
      break;
    }
    for (const tile of tree.append(leaves)) await compare(tile.level, tile.index, tile.bytes);
    onProgress(tree.size);
  }
  for (const { level, index, width } of tilesOfTree(tree.size)) {
    if (level !== 'entries' && width < TILE_WIDTH)
      await compare(level, index, await tree.tileBytes(level, index, width));
  }
  if (tree.size === head.size && !equalBytes(await tree.rootAt(), head.root)) {
    const detail = `the ${tree.size} entries hash to another root than the signed one: an entry was changed, removed or put in`;
    findings.add('ROOT_MISMATCH', where, detail);
  }
  return { size: tree.size, rootAt: (size) => tree.rootAt(size), leafAt: (index) => tree.leafAt(index) };
}

/** Leaf hashes of an entry bundle, or of a tile; none when it cannot be taken apart. */
function leavesOf(file: Uint8Array | undefined, isTile: boolean): Uint8Array[] {
  if (file === undefined) return [];
  if (isTile) {
    const whole = file.length % HASH_BYTES === 0 ? file.length / HASH_BYTES : 0;
    return Array.from({ length: whole }, (_, i) => file.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  }
  try {
    return parseEntryBundle(file).map(leafHash);
  } catch {
    return [];
  }
}
