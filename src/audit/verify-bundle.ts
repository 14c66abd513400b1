import { equalBytes, parseUtf8, type JurisdictionCode } from '../base/mod.ts';
import { tilePath, tilesOfTree, verifyCheckpoint, type Checkpoint } from '../ledger/mod.ts';
import { parseArchive, type ArchiveFiles } from './archive.ts';
import { INDEX_PATH, encodeIndex, indexOf, parseIndex, proofsPath, type BundleIndex } from './bundle.ts';
import { readChronicle, type Chronicle } from './chronicle.ts';
import { AuditError, type Finding } from './error.ts';
import { readCosigned, type WitnessedSize } from './cosigned.ts';
import { checkRecorded, readManifests, type BundleManifests } from './manifests.ts';
import { readProofs, type HeldEntry } from './proofs.ts';
import { rehash, type RehashedTree } from './tree.ts';

/** A bundle after everything in it was checked against everything else in it. */
export interface AuditedBundle {
  readonly name: string;
  readonly code: JurisdictionCode;
  readonly checkpoint: Checkpoint;
  readonly manifests: BundleManifests;
  readonly tree: RehashedTree;
  readonly chronicle: Chronicle;
  readonly held: readonly HeldEntry[];
  readonly cosignatures: readonly WitnessedSize[];
}

/**
 * Verifies one bundle by itself: its bytes, its manifests, its checkpoint, every entry and every proof.
 * @param name what to call the bundle in findings
 * @param findings what is wrong is added here
 * @returns undefined when so much is wrong that nothing more can be said
 */
export async function auditBundle(
  name: string,
  bytes: Uint8Array,
  findings: Finding[],
): Promise<AuditedBundle | undefined> {
  let files: ArchiveFiles;
  let index: BundleIndex;
  try {
    files = parseArchive(bytes);
    index = parseIndex(files.get(INDEX_PATH));
    // An entry takes at least three bytes: a size that the file cannot hold must not make anyone count that far.
    if (index.size < 0 || index.size > bytes.length)
      throw new AuditError('AUDIT_NOT_A_BUNDLE', 'bundle.json states an impossible size.');
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    findings.push({ code: 'BUNDLE_MALFORMED', where: name, detail: error.message });
    return undefined;
  }
  checkIndex(files, index, name, findings);
  const manifests = readManifests(files, name, findings);
  const checkpoint = readCheckpoint(files, index, manifests, name, findings);
  if (checkpoint === undefined) return undefined;
  const tree = await rehash(files, checkpoint, name, findings);
  const chronicle = readChronicle(tree.entries, name, findings);
  checkRecorded(manifests, chronicle.entries, name, findings);
  const { code } = index;
  const cosignatures = await readCosigned({ files, checkpoint, manifests, tree, where: name, findings });
  const held = readProofs({ files, code, entries: chronicle.entries, manifests, where: name, findings });
  return { name, code, checkpoint, manifests, tree, chronicle, held, cosignatures };
}

function readCheckpoint(
  files: ArchiveFiles,
  index: BundleIndex,
  manifests: BundleManifests,
  name: string,
  findings: Finding[],
): Checkpoint | undefined {
  const where = `${name}: checkpoint`;
  const key = manifests.ledgerKey(index.code);
  const file = files.get('checkpoint');
  if (key === undefined || file === undefined) {
    const detail = file === undefined ? 'it is missing' : `no manifest says which key signs for ${index.code}`;
    findings.push({ code: 'CHECKPOINT_INVALID', where, detail });
    return undefined;
  }
  let note = '';
  try {
    note = parseUtf8(file);
  } catch {
    // An empty note does not verify.
  }
  const verdict = verifyCheckpoint(note, key);
  if (!verdict.ok) {
    findings.push({ code: 'CHECKPOINT_INVALID', where, detail: `${verdict.reason}: ${verdict.detail}` });
    return undefined;
  }
  if (verdict.value.size !== index.size || verdict.value.origin !== index.origin) {
    findings.push({
      code: 'BUNDLE_FILE_CHANGED',
      where: `${name}: ${INDEX_PATH}`,
      detail: 'it describes another checkpoint',
    });
  }
  return verdict.value;
}

/** `bundle.json` has exactly one right content for its files, and a bundle has exactly the files of its ledger. */
function checkIndex(files: ArchiveFiles, index: BundleIndex, name: string, findings: Finding[]): void {
  const rightful = new Set([
    'checkpoint',
    INDEX_PATH,
    ...tilesOfTree(index.size).map(tilePath),
    ...[...files.keys()].filter((path) =>
      /^manifests\/[1-9][0-9]{0,8}\.json$|^cosigned\/(0|[1-9][0-9]{0,15})$/.test(path),
    ),
    ...Array.from({ length: Math.ceil(index.size / 256) }, (_, n) => proofsPath(n)),
  ]);
  const listed = new Map(index.files.map(({ path, sha256 }) => [path, sha256]));
  const right = indexOf(index.code, index.origin, index.size, files);
  for (const { path, sha256 } of right.files) {
    const where = `${name}: ${path}`;
    if (!rightful.has(path))
      findings.push({ code: 'BUNDLE_FILE_CHANGED', where, detail: 'it has no place in a bundle' });
    else if (listed.get(path) !== sha256)
      findings.push({ code: 'BUNDLE_FILE_CHANGED', where, detail: 'its SHA-256 is not the one in bundle.json' });
  }
  for (const path of listed.keys()) {
    if (!files.has(path))
      findings.push({ code: 'BUNDLE_FILE_CHANGED', where: `${name}: ${path}`, detail: 'it is listed and missing' });
  }
  if (!equalBytes(encodeIndex(right), files.get(INDEX_PATH)!)) {
    findings.push({
      code: 'BUNDLE_FILE_CHANGED',
      where: `${name}: ${INDEX_PATH}`,
      detail: 'it is not what the files make it',
    });
  }
}
