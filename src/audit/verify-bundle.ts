/**
 * Verifies one bundle by itself: its bytes, its manifests, its checkpoint, every hash, every entry and every proof. First its tree, so
 * that other bundles can be held against it; then its story, which speaks of the others.
 */
import type { JurisdictionCode } from '../base/mod.ts';
import { TILE_WIDTH, verifyCheckpoint, type Checkpoint, type VerifierKey } from '../ledger/mod.ts';
import { BundleFiles } from './bundle-files.ts';
import { CHECKPOINT_PATH, INDEX_PATH } from './bundle-layout.ts';
import { ChronicleReader, type Chronicle } from './chronicle.ts';
import { readCosigned, type WitnessedSize } from './cosigned.ts';
import { DisclosureReader, type DisclosedMessage } from './disclosed.ts';
import { readEntries, type PlacedEntry } from './entries.ts';
import { readEpochs, type LedgerEpochs } from './epochs.ts';
import { AuditError, type Findings } from './error.ts';
import { SignerReader } from './ledger-key.ts';
import { RecordedManifests, readManifests, type BundleManifests } from './manifests.ts';
import { ProofReader, type HeldEntry } from './proofs.ts';
import type { RandomAccess } from './random-access.ts';
import { auditTree, type AuditedTree } from './tree.ts';
import { readWitnessed, type WitnessedHead } from './witnessed.ts';

/** A bundle whose tree was hashed again. */
export interface OpenedBundle {
  readonly name: string;
  readonly code: JurisdictionCode;
  readonly files: BundleFiles;
  readonly checkpoint: Checkpoint;
  readonly manifests: BundleManifests;
  readonly tree: AuditedTree;
  readonly cosignatures: readonly WitnessedSize[];
  readonly epochs: LedgerEpochs;
}

/** What a bundle's entries tell. */
export interface BundleStory {
  readonly chronicle: Chronicle;
  /** Number of entries that were read; fewer than the tree has in a selection. */
  readonly entries: number;
  /** Number of peers' proofs that verified. */
  readonly proofs: number;
  readonly disclosed: readonly DisclosedMessage[];
  /** Number of entries up to the last one that is not about witnessing, of those that were read. */
  readonly witnessable: number;
}

/** Whoever looks on at entries, and holds what one cosigned, or a proof that belongs to one, against other bundles. */
export interface StoryListener {
  readonly onEntry?: (placed: PlacedEntry) => void;
  readonly onWitnessed: (witnessed: WitnessedHead) => Promise<void>;
  readonly onHeld: (held: HeldEntry) => Promise<void>;
}

/**
 * Opens a bundle and hashes its tree.
 * @param name what to call the bundle in findings
 * @param findings what is wrong is added here
 * @param onProgress told how many entries were hashed, of how many
 * @returns undefined when so much is wrong that nothing more can be said
 */
export async function openBundle(
  name: string,
  access: RandomAccess,
  findings: Findings,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<OpenedBundle | undefined> {
  let files: BundleFiles;
  try {
    files = await BundleFiles.open(access, name, findings);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    findings.add('BUNDLE_MALFORMED', name, error.message);
    return undefined;
  }
  const { code, origin } = files.index;
  const manifests = await readManifests(files, name, findings);
  const listed = manifests.listedLedgerKeys(code, origin);
  const keys = manifests.ledgerKeys(code, origin);
  const checkpoint = await readCheckpoint(files, keys, name, findings);
  if (checkpoint === undefined) return undefined;
  const tree = await auditTree(files, checkpoint, name, findings, (done) => {
    onProgress(done, checkpoint.size);
  });
  const witnesses = manifests.witnessKeys;
  const cosignatures = await readCosigned({ files, keys, witnesses, tree, where: name, findings });
  const epochs = await readEpochs({ files, listed, checkpoint, tree, where: name, findings });
  return { name, code, files, checkpoint, manifests, tree, cosignatures, epochs };
}

/** Reads every entry and proof of a bundle whose tree was hashed. */
export async function readStory(
  { name, files, checkpoint, manifests, tree }: OpenedBundle,
  findings: Findings,
  listener: StoryListener,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<BundleStory> {
  const chronicle = new ChronicleReader(files.index.selection, name, findings);
  const recorded = new RecordedManifests(manifests, name, findings);
  const disclosures = new DisclosureReader(files, manifests, name, findings);
  const signer = new SignerReader(manifests.listedLedgerKeys(files.index.code, files.index.origin));
  const proofReader = new ProofReader(files, manifests, name, findings);
  let [bundleIndex, entries, proofs, witnessable] = [0, 0, 0, 0];
  for await (const placed of readEntries(files, tree, name, findings)) {
    for (const item of placed) {
      chronicle.read(item.entry, item.index);
      recorded.read(item);
      disclosures.read(item);
      if (item.entry.kind !== 'WITNESSED') witnessable = item.index + 1;
      signer.read(item.entry);
      listener.onEntry?.(item);
      const witnessed = readWitnessed(item, manifests, name, findings);
      if (witnessed !== undefined) await listener.onWitnessed(witnessed);
    }
    const held = await proofReader.read(bundleIndex++, placed);
    for (const item of held) await listener.onHeld(item);
    entries += placed.length;
    proofs += held.length;
    onProgress(Math.min(tree.size, bundleIndex * TILE_WIDTH), tree.size);
  }
  recorded.end();
  const disclosed = await disclosures.end();
  // A selection need not have the KEY entries that would tell.
  if (files.index.selection === undefined) signer.end(checkpoint, `${name}: ${CHECKPOINT_PATH}`, findings);
  await files.sweep();
  return { chronicle, entries, proofs, disclosed, witnessable };
}

async function readCheckpoint(
  files: BundleFiles,
  keys: readonly VerifierKey[],
  name: string,
  findings: Findings,
): Promise<Checkpoint | undefined> {
  const where = `${name}: ${CHECKPOINT_PATH}`;
  const { code, origin, size } = files.index;
  if (keys.length === 0) {
    findings.add('CHECKPOINT_INVALID', where, `no manifest says which key signs ${origin} for ${code}`);
    return undefined;
  }
  const verdict = verifyCheckpoint(await files.readText(CHECKPOINT_PATH), keys);
  if (!verdict.ok) {
    findings.add('CHECKPOINT_INVALID', where, `${verdict.reason}: ${verdict.detail}`);
    return undefined;
  }
  if (verdict.value.size !== size) {
    findings.add('BUNDLE_FILE_CHANGED', `${name}: ${INDEX_PATH}`, 'it describes another checkpoint');
    // Its files are read by the size that it states: a checkpoint of another tree cannot be held against them.
    return undefined;
  }
  return verdict.value;
}
