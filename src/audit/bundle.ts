/** Makes a bundle, file by file: nothing is kept but one row a file, so that a ledger of any length goes through constant memory. */
import { bytesToHex, sha256, utf8ToBytes, type JurisdictionCode } from '../base/mod.ts';
import {
  TILE_WIDTH,
  parseCheckpointNote,
  parseEntryBundle,
  tilePath,
  tilesOfTree,
  type TileId,
} from '../ledger/mod.ts';
import { parseLedgerEntry, type LedgerEntry } from '../wire/mod.ts';
import { ArchiveWriter } from './archive-writer.ts';
import {
  CHECKPOINT_PATH,
  INDEX_PATH,
  cosignedPath,
  disclosedPath,
  encodeIndex,
  encodeProofs,
  encodeSelected,
  manifestPath,
  proofsPath,
  selectedPath,
} from './bundle-layout.ts';
import { admits, isInEverySelection, type Selection } from './selection.ts';

/** Where a bundle comes from. */
export interface BundleSource {
  readonly code: JurisdictionCode;
  /** A signed checkpoint; the rest is asked for as of its size. */
  readonly checkpoint: string;
  /** Bytes of a tile or entry bundle. */
  readonly tile: (tile: TileId) => Promise<Uint8Array>;
  /** Checkpoints up to this size that witnesses cosigned, by size; each note carries the cosignatures. */
  readonly cosigned: readonly { readonly size: number; readonly note: string }[];
  /** Signed manifests in the order of their versions. */
  readonly manifests: readonly { readonly version: number; readonly text: string }[];
  /** For each of these own entries the peer's entry with its proof, if it speaks of one. */
  readonly proofs: (indices: readonly number[]) => Promise<readonly (Uint8Array | undefined)[]>;
}

/** Which part of the ledger is wanted. */
export interface WantedPart {
  readonly selection: Selection;
  /** What the selection itself cannot tell from an entry: whether it is of the case, or of a message of the peer's. */
  readonly isChosen: (entry: LedgerEntry) => Promise<boolean>;
}

/** How a bundle is to be made. */
export interface ExportOptions {
  readonly part?: WantedPart | undefined;
  /** Messages to disclose, in the order of their ids; the ledger records it already. */
  readonly disclosed?: readonly { readonly message_id: string; readonly jws: string }[] | undefined;
  /** Told how many of how many entries are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The bytes of a bundle, in order. The same ledger, at the same checkpoint, always gives the same bytes.
 */
export async function* exportBundle(source: BundleSource, options: ExportOptions = {}): AsyncGenerator<Uint8Array> {
  const { part, disclosed = [], onProgress } = options;
  const disclosedMessages = new Set(disclosed.map(({ message_id: id }) => id));
  const { origin, size } = parseCheckpointNote(source.checkpoint);
  const writer = new ArchiveWriter();
  const files: { readonly path: string; readonly sha256: string }[] = [];
  const add = (path: string, bytes: Uint8Array): Uint8Array[] => {
    files.push({ path, sha256: bytesToHex(sha256(bytes)) });
    return writer.add(path, bytes);
  };
  const chosen = new Bits(size);
  yield* add(CHECKPOINT_PATH, utf8ToBytes(source.checkpoint));
  for (const tile of tilesOfTree(size)) {
    const bytes = await source.tile(tile);
    if (tile.level !== 'entries' || part === undefined) {
      yield* add(tilePath(tile), bytes);
      continue;
    }
    const entries = await choose(part, disclosedMessages, bytes, tile.index * TILE_WIDTH);
    for (const { position } of entries) chosen.set(tile.index * TILE_WIDTH + position);
    if (entries.length > 0) yield* add(selectedPath(tile.index), encodeSelected(entries));
  }
  for (const { size: at, note } of source.cosigned) if (at <= size) yield* add(cosignedPath(at), utf8ToBytes(note));
  for (const { version, text } of source.manifests) yield* add(manifestPath(version), utf8ToBytes(text));
  for (let start = 0; start < size; start += TILE_WIDTH) {
    const indices = Array.from({ length: Math.min(TILE_WIDTH, size - start) }, (_, i) => start + i);
    const wanted = part === undefined ? indices : indices.filter((index) => chosen.has(index));
    const proofs = (await source.proofs(wanted)).filter((proof) => proof !== undefined);
    if (proofs.length > 0) yield* add(proofsPath(start / TILE_WIDTH), encodeProofs(proofs));
    onProgress?.(start + indices.length, size);
  }
  for (const { message_id: id, jws } of disclosed) yield* add(disclosedPath(id), utf8ToBytes(jws));
  const selection = part === undefined ? {} : { selection: part.selection };
  const index = encodeIndex({
    format: 'rogatory-audit-bundle/v1',
    code: source.code,
    origin,
    size,
    ...selection,
    files,
  });
  yield* writer.add(INDEX_PATH, index);
  yield* writer.end();
}

async function choose(
  { selection, isChosen }: WantedPart,
  disclosed: ReadonlySet<string>,
  entryBundle: Uint8Array,
  start: number,
): Promise<{ readonly position: number; readonly bytes: Uint8Array }[]> {
  const chosen: { readonly position: number; readonly bytes: Uint8Array }[] = [];
  for (const [position, bytes] of parseEntryBundle(entryBundle).entries()) {
    const entry = parseLedgerEntry(bytes);
    const isWanted = admits(selection, entry, start + position) && (await isChosen(entry));
    if (isWanted || isInEverySelection(entry, disclosed)) chosen.push({ position, bytes });
  }
  return chosen;
}

/** A set of numbers below a limit, one bit each. */
class Bits {
  readonly #bytes: Uint8Array;

  constructor(limit: number) {
    this.#bytes = new Uint8Array(Math.ceil(limit / 8));
  }

  set(index: number): void {
    this.#bytes[Math.floor(index / 8)]! |= 1 << (index % 8);
  }

  has(index: number): boolean {
    return (this.#bytes[Math.floor(index / 8)]! & (1 << (index % 8))) !== 0;
  }
}
