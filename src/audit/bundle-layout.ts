/**
 * What an auditor gets from one node: its ledger as tlog-tiles files, the manifests, and the peers' proofs that its entries speak of.
 * No case content, but for what is disclosed on purpose.
 *
 *     checkpoint                      the signed note
 *     tile/entries/…                  the entries; in a selection instead
 *     selected/<N>                    of entry bundle N the chosen entries: (position u8 ‖ length u16 big-endian ‖ entry)*
 *     tile/<L>/…                      the tree's hashes
 *     cosigned/<size>                 checkpoints with the cosignatures of witnesses, those of each witness that are the newest
 *     manifests/<version>.json        every manifest that the ledger records
 *     proofs/<N>                      of entry bundle N: (u32 big-endian length ‖ Receipt)*, one for each entry that speaks of a peer's entry
 *     disclosed/<message id>.jws      messages that were disclosed on purpose, as signed
 *     bundle.json                     which node, what was selected, and the SHA-256 of every file above
 */
import { concatBytes, isJurisdictionCode, isUuid, parseUtf8, uint32ToBytes, utf8ToBytes } from '../base/mod.ts';
import type { JurisdictionCode } from '../base/mod.ts';
import { TILE_WIDTH, tilePath, tilesOfTree } from '../ledger/mod.ts';
import { MAX_ENTRY_BYTES } from '../wire/mod.ts';
import { AuditError } from './error.ts';
import { parseSelection, type Selection } from './selection.ts';

/** What `bundle.json` says. */
export interface BundleIndex {
  readonly format: 'rogatory-audit-bundle/v1';
  readonly code: JurisdictionCode;
  readonly origin: string;
  readonly size: number;
  readonly selection?: Selection;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

export const CHECKPOINT_PATH = 'checkpoint';
export const INDEX_PATH = 'bundle.json';

/** Path of the chosen entries of an entry bundle. */
export function selectedPath(bundleIndex: number): string {
  return `selected/${bundleIndex}`;
}

/** Path of the proofs that belong to an entry bundle. */
export function proofsPath(bundleIndex: number): string {
  return `proofs/${bundleIndex}`;
}

/** Path of a cosigned checkpoint. */
export function cosignedPath(size: number): string {
  return `cosigned/${size}`;
}

/** Path of a disclosed message. */
export function disclosedPath(messageId: string): string {
  return `disclosed/${messageId}.jws`;
}

/** The message that a path discloses, if it does. */
export function disclosedIdOf(path: string): string | undefined {
  const id = /^disclosed\/([0-9a-f-]{36})\.jws$/.exec(path)?.[1];
  return id !== undefined && isUuid(id) ? id : undefined;
}

/** Path of a manifest. */
export function manifestPath(version: number): string {
  return `manifests/${version}.json`;
}

/**
 * The paths of a bundle of this size in their order, as far as `isThere` finds them: what has a place, and where it is.
 */
export function rightfulPaths(index: Omit<BundleIndex, 'files'>, paths: readonly string[]): string[] {
  const isThere = new Set(paths);
  const numbered = (pattern: RegExp): string[] =>
    paths
      .flatMap((path) => {
        const number = pattern.exec(path)?.[1];
        return number === undefined ? [] : [{ path, number: Number(number) }];
      })
      .sort((a, b) => a.number - b.number)
      .map(({ path }) => path);
  const bundles = Math.ceil(index.size / TILE_WIDTH);
  const withinTree = (path: string): boolean => Number(path.slice(path.indexOf('/') + 1)) < bundles;
  const tiles = tilesOfTree(index.size);
  const entries = index.selection === undefined ? tiles.filter(({ level }) => level === 'entries').map(tilePath) : [];
  const rightful = [
    CHECKPOINT_PATH,
    ...entries,
    ...(index.selection === undefined ? [] : numbered(/^selected\/(0|[1-9][0-9]{0,12})$/).filter(withinTree)),
    ...tiles.filter(({ level }) => level !== 'entries').map(tilePath),
    ...numbered(/^cosigned\/(0|[1-9][0-9]{0,15})$/),
    ...numbered(/^manifests\/([1-9][0-9]{0,8})\.json$/),
    ...numbered(/^proofs\/(0|[1-9][0-9]{0,12})$/).filter(withinTree),
    ...paths.filter((path) => disclosedIdOf(path) !== undefined).sort(),
    INDEX_PATH,
  ];
  return rightful.filter((path) => isThere.has(path));
}

/** The bytes of `bundle.json`. */
export function encodeIndex(index: BundleIndex): Uint8Array {
  return utf8ToBytes(`${JSON.stringify(index, undefined, 1)}\n`);
}

/** Reads `bundle.json`; what it lists is compared by the verifier. @throws {AuditError} AUDIT_NOT_A_BUNDLE */
export function parseIndex(bytes: Uint8Array): BundleIndex {
  try {
    const index = JSON.parse(parseUtf8(bytes)) as BundleIndex;
    const { format, selection: stated }: { readonly format: string; readonly selection?: unknown } = index;
    const selection = stated === undefined ? undefined : parseSelection(stated);
    const wellFormed =
      format === 'rogatory-audit-bundle/v1' &&
      isJurisdictionCode(index.code) &&
      typeof index.origin === 'string' &&
      Number.isSafeInteger(index.size) &&
      index.size >= 0 &&
      (stated === undefined) === (selection === undefined) &&
      index.files.every(({ path, sha256: digest }) => typeof path === 'string' && /^[0-9a-f]{64}$/.test(digest));
    if (!wellFormed) throw new TypeError('members');
    return index;
  } catch (cause) {
    throw new AuditError('AUDIT_NOT_A_BUNDLE', 'The zip has no readable bundle.json.', { cause });
  }
}

/** The chosen entries of an entry bundle. */
export function encodeSelected(
  chosen: readonly { readonly position: number; readonly bytes: Uint8Array }[],
): Uint8Array {
  return concatBytes(
    ...chosen.flatMap(({ position, bytes }) => [
      Uint8Array.of(position, Math.floor(bytes.length / 256), bytes.length % 256),
      bytes,
    ]),
  );
}

/** Takes chosen entries apart; undefined when they are truncated, out of order or none. */
export function parseSelected(
  bytes: Uint8Array,
): { readonly position: number; readonly bytes: Uint8Array }[] | undefined {
  const chosen: { readonly position: number; readonly bytes: Uint8Array }[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 3 > bytes.length) return undefined;
    const position = bytes[at]!;
    const length = bytes[at + 1]! * 256 + bytes[at + 2]!;
    const isNext = position > (chosen.at(-1)?.position ?? -1);
    if (!isNext || length === 0 || length > MAX_ENTRY_BYTES || at + 3 + length > bytes.length) return undefined;
    chosen.push({ position, bytes: bytes.slice(at + 3, at + 3 + length) });
    at += 3 + length;
  }
  return chosen.length === 0 ? undefined : chosen;
}

/** Proofs, each behind its length. */
export function encodeProofs(proofs: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...proofs.flatMap((proof) => [uint32ToBytes(proof.length), proof]));
}

/** Takes a file of proofs apart; undefined when it is truncated, or has none. */
export function parseProofs(bytes: Uint8Array): Uint8Array[] | undefined {
  const proofs: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const length = at + 4 <= bytes.length ? view.getUint32(at) : 0;
    if (length === 0 || at + 4 + length > bytes.length) return undefined;
    proofs.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return proofs.length === 0 ? undefined : proofs;
}
