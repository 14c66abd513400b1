/** The entries of a bundle, one entry bundle at a time. */
import { equalBytes } from '../base/mod.ts';
import { TILE_WIDTH, leafHash, parseEntryBundle, tilePath } from '../ledger/mod.ts';
import { WireError, parseLedgerEntry, type LedgerEntry } from '../wire/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import { parseSelected, selectedPath } from './bundle-layout.ts';
import { disclosedIds } from './disclosed.ts';
import type { Findings } from './error.ts';
import { admits, isInEverySelection, isWholeRange, type Selection } from './selection.ts';
import type { AuditedTree } from './tree.ts';

/** An entry and its place. */
export interface PlacedEntry {
  readonly index: number;
  readonly entry: LedgerEntry;
}

interface RawEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * Every entry that the bundle has, in order, as the contents of one entry bundle after another; what is not an entry, is not in the tree
 * or was not selected becomes a finding and is left out.
 */
export async function* readEntries(
  files: BundleFiles,
  tree: AuditedTree,
  where: string,
  findings: Findings,
): AsyncGenerator<readonly PlacedEntry[]> {
  const { selection } = files.index;
  const disclosed = disclosedIds(files);
  for (let start = 0; start < tree.size; start += TILE_WIDTH) {
    const end = Math.min(tree.size, start + TILE_WIDTH);
    const raw =
      selection === undefined
        ? await readAll(files, start, end)
        : await readSelected(files, tree, start, end, where, findings);
    const placed = raw.flatMap(({ index, bytes }) => {
      const entry = parseEntry(bytes, `${where}: entry ${index}`, findings);
      return entry === undefined ? [] : [{ index, entry }];
    });
    if (selection !== undefined) checkSelected(placed, selection, disclosed, start, end, where, findings);
    yield placed;
  }
}

async function readAll(files: BundleFiles, start: number, end: number): Promise<RawEntry[]> {
  const file = await files.read(tilePath({ level: 'entries', index: start / TILE_WIDTH, width: end - start }));
  // It was taken apart before, when it was hashed.
  return parseEntryBundle(file!).map((bytes, i) => ({ index: start + i, bytes }));
}

async function readSelected(
  files: BundleFiles,
  tree: AuditedTree,
  start: number,
  end: number,
  where: string,
  findings: Findings,
): Promise<RawEntry[]> {
  const path = selectedPath(start / TILE_WIDTH);
  const file = await files.read(path);
  if (file === undefined) return [];
  const found = parseSelected(file);
  if (found === undefined || start + found.at(-1)!.position >= end) {
    findings.add('ENTRY_MALFORMED', `${where}: ${path}`, 'it cannot be taken apart into entries');
    return [];
  }
  const raw: RawEntry[] = [];
  for (const { position, bytes } of found) {
    const index = start + position;
    if (equalBytes(leafHash(bytes), await tree.leafAt(index))) raw.push({ index, bytes });
    else findings.add('ROOT_MISMATCH', `${where}: entry ${index}`, 'it is not the entry that the tree has there');
  }
  return raw;
}

function parseEntry(bytes: Uint8Array, where: string, findings: Findings): LedgerEntry | undefined {
  try {
    return parseLedgerEntry(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    findings.add('ENTRY_MALFORMED', where, error.message);
    return undefined;
  }
}

/** What was said to be selected is there, and nothing else. */
function checkSelected(
  placed: readonly PlacedEntry[],
  selection: Selection,
  disclosed: ReadonlySet<string>,
  start: number,
  end: number,
  where: string,
  findings: Findings,
): void {
  for (const { index, entry } of placed) {
    if (!isInEverySelection(entry, disclosed) && !admits(selection, entry, index))
      findings.add('SELECTION_MISMATCH', `${where}: entry ${index}`, 'it is not one of those that were selected');
  }
  if (!isWholeRange(selection)) return;
  const there = new Set(placed.map(({ index }) => index));
  const last = Math.min(end - 1, selection.to ?? Infinity);
  for (let index = Math.max(start, selection.from ?? 0); index <= last; index++) {
    if (!there.has(index))
      findings.add('SELECTION_MISMATCH', `${where}: entry ${index}`, 'it is in the selected range and missing');
  }
}
