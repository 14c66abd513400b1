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
import type { ArchiveFiles } from './archive.ts';
import type { Finding } from './error.ts';

/** A ledger's tree as its entries make it. */
export interface RehashedTree {
  readonly entries: readonly Uint8Array[];
  /** Leaf hashes, by index. */
  readonly leaves: readonly Uint8Array[];
  /** The root that the tree had at an earlier size. */
  readonly rootAt: (size: number) => Promise<Uint8Array>;
}

/** Hashes every entry and compares the tree with the checkpoint, and its tiles with the files. */
export async function rehash(
  files: ArchiveFiles,
  head: TreeHead,
  where: string,
  findings: Finding[],
): Promise<RehashedTree> {
  const entries = readEntries(files, head.size, where, findings);
  const leaves = entries.map(leafHash);
  const full = new Map<string, Uint8Array>();
  const tree = new MerkleTiles((level, index) => {
    const bytes = full.get(`${level}/${index}`);
    return bytes === undefined ? Promise.reject(new TypeError('a full tile was not kept')) : Promise.resolve(bytes);
  });
  for (const tile of tree.append(leaves)) full.set(`${tile.level}/${tile.index}`, tile.bytes);
  if (entries.length === head.size && !equalBytes(await tree.rootAt(), head.root)) {
    const detail = `the ${entries.length} entries hash to another root than the signed one: an entry was changed, removed or put in`;
    findings.push({ code: 'ROOT_MISMATCH', where, detail });
  }
  for (const tile of tilesOfTree(entries.length)) {
    if (tile.level === 'entries') continue;
    const file = files.get(tilePath(tile));
    if (file === undefined || !equalBytes(file, await tree.tileBytes(tile.level, tile.index, tile.width))) {
      const detail = file === undefined ? 'it is missing' : 'its hashes are not those of the entries';
      findings.push({ code: 'TILE_MISMATCH', where: `${where}: ${tilePath(tile)}`, detail });
    }
  }
  return { entries, leaves, rootAt: (size) => tree.rootAt(size) };
}

function readEntries(files: ArchiveFiles, size: number, where: string, findings: Finding[]): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const path = tilePath({ level: 'entries', index, width });
    const file = files.get(path);
    let found: Uint8Array[] = [];
    try {
      found = file === undefined ? [] : parseEntryBundle(file);
    } catch {
      // Counted below: a bundle that cannot be taken apart has no entries.
    }
    if (found.length !== width) {
      findings.push({
        code: 'ENTRIES_MISSING',
        where: `${where}: ${path}`,
        detail: `it has ${found.length} entries instead of ${width}`,
      });
      return entries;
    }
    entries.push(...found);
  }
  return entries;
}
