/**
 * What an auditor gets from one node: its ledger as tlog-tiles files, the manifests, and the peers' proofs that its entries speak of.
 * No case content.
 *
 *     checkpoint                      the signed note
 *     tile/entries/…, tile/<L>/…      the ledger
 *     cosigned/<size>                 checkpoints with the cosignatures of witnesses, those of each witness that are the newest
 *     manifests/<version>.json        every manifest that the ledger records
 *     proofs/<N>                      for entry bundle N: (u32 big-endian length ‖ Receipt)*, one for each entry that speaks of a peer's entry
 *     bundle.json                     which node, and the SHA-256 of every file above
 */
import {
  bytesToHex,
  concatBytes,
  isJurisdictionCode,
  parseUtf8,
  sha256,
  uint32ToBytes,
  utf8ToBytes,
  type JurisdictionCode,
} from '../base/mod.ts';
import { TILE_WIDTH, parseCheckpointNote, tilePath, tilesOfTree, type TileId } from '../ledger/mod.ts';
import { encodeArchive, type ArchiveFiles } from './archive.ts';
import { AuditError } from './error.ts';

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
  /** The peer's entry with its proof that the entry at `index` speaks of, if it speaks of one. */
  readonly proof: (index: number) => Promise<Uint8Array | undefined>;
}

/** What `bundle.json` says. */
export interface BundleIndex {
  readonly format: 'rogatory-audit-bundle/v1';
  readonly code: JurisdictionCode;
  readonly origin: string;
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

/** Path of `bundle.json`. */
export const INDEX_PATH = 'bundle.json';

/** Path of the proofs that belong to an entry bundle. */
export function proofsPath(bundleIndex: number): string {
  return `proofs/${bundleIndex}`;
}

/** Path of a cosigned checkpoint. */
export function cosignedPath(size: number): string {
  return `cosigned/${size}`;
}

/** Path of a manifest. */
export function manifestPath(version: number): string {
  return `manifests/${version}.json`;
}

/**
 * Makes a bundle. The same ledger, at the same checkpoint, always gives the same bytes.
 */
export async function exportBundle(
  source: BundleSource,
  onProgress?: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const { origin, size } = parseCheckpointNote(source.checkpoint);
  const files = new Map<string, Uint8Array>([['checkpoint', utf8ToBytes(source.checkpoint)]]);
  for (const tile of tilesOfTree(size)) files.set(tilePath(tile), await source.tile(tile));
  for (const { size: at, note } of source.cosigned) if (at <= size) files.set(cosignedPath(at), utf8ToBytes(note));
  for (const { version, text } of source.manifests) files.set(manifestPath(version), utf8ToBytes(text));
  for (let start = 0; start < size; start += TILE_WIDTH) {
    const end = Math.min(size, start + TILE_WIDTH);
    const proofs: Uint8Array[] = [];
    for (let index = start; index < end; index++) {
      const proof = await source.proof(index);
      if (proof !== undefined) proofs.push(proof);
    }
    if (proofs.length > 0) files.set(proofsPath(start / TILE_WIDTH), encodeProofs(proofs));
    onProgress?.(end, size);
  }
  files.set(INDEX_PATH, encodeIndex(indexOf(source.code, origin, size, files)));
  return encodeArchive(files);
}

/** What `bundle.json` must say of these files. */
export function indexOf(code: JurisdictionCode, origin: string, size: number, files: ArchiveFiles): BundleIndex {
  const listed = [...files].filter(([path]) => path !== INDEX_PATH);
  return {
    format: 'rogatory-audit-bundle/v1',
    code,
    origin,
    size,
    files: listed.map(([path, bytes]) => ({ path, sha256: bytesToHex(sha256(bytes)) })),
  };
}

/** The bytes of `bundle.json`. */
export function encodeIndex(index: BundleIndex): Uint8Array {
  return utf8ToBytes(`${JSON.stringify(index, undefined, 1)}\n`);
}

/** Reads `bundle.json`; what it lists is compared by the verifier. @throws {AuditError} AUDIT_NOT_A_BUNDLE */
export function parseIndex(bytes: Uint8Array | undefined): BundleIndex {
  try {
    const index = JSON.parse(parseUtf8(bytes!)) as BundleIndex;
    const { format }: { readonly format: string } = index;
    const wellFormed =
      format === 'rogatory-audit-bundle/v1' &&
      isJurisdictionCode(index.code) &&
      typeof index.origin === 'string' &&
      Number.isSafeInteger(index.size) &&
      index.files.every(({ path, sha256: digest }) => typeof path === 'string' && /^[0-9a-f]{64}$/.test(digest));
    if (!wellFormed) throw new TypeError('members');
    return index;
  } catch (cause) {
    throw new AuditError('AUDIT_NOT_A_BUNDLE', 'The zip has no readable bundle.json.', { cause });
  }
}

function encodeProofs(proofs: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...proofs.flatMap((proof) => [uint32ToBytes(proof.length), proof]));
}

/** Takes a file of proofs apart; undefined when it is truncated. */
export function parseProofs(bytes: Uint8Array): Uint8Array[] | undefined {
  const proofs: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const length = at + 4 <= bytes.length ? view.getUint32(at) : 0;
    if (length === 0 || at + 4 + length > bytes.length) return undefined;
    proofs.push(new Uint8Array(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return proofs;
}
