/** The cosignatures of a bundle: which witness vouches for how much of the ledger. */
import { bytesToHex, parseUtf8 } from '../base/mod.ts';
import {
  parseVerifierKey,
  verifyCheckpoint,
  verifyCosignatures,
  type Checkpoint,
  type VerifierKey,
} from '../ledger/mod.ts';
import type { ArchiveFiles } from './archive.ts';
import { cosignedPath } from './bundle.ts';
import type { Finding } from './error.ts';
import type { BundleManifests } from './manifests.ts';
import type { RehashedTree } from './tree.ts';

/** A witness's word that it saw the ledger at this size, and nothing that contradicts it. */
export interface WitnessedSize {
  /** The witness's verifier key name. */
  readonly witness: string;
  readonly size: number;
  /** Unix seconds, by the witness's clock. */
  readonly timeS: number;
}

/** Verifies every cosigned checkpoint: signed by the ledger, a root that the tree has had, and no cosignature that is false. */
export async function readCosigned(options: {
  readonly files: ArchiveFiles;
  readonly checkpoint: Checkpoint;
  readonly manifests: BundleManifests;
  readonly tree: RehashedTree;
  readonly where: string;
  readonly findings: Finding[];
}): Promise<WitnessedSize[]> {
  const { files, checkpoint, manifests, tree, where, findings } = options;
  const witnesses = witnessKeys(manifests);
  const found: WitnessedSize[] = [];
  for (const [path, bytes] of files) {
    if (!path.startsWith('cosigned/')) continue;
    const wrong = (detail: string): void => {
      findings.push({ code: 'COSIGNATURE_INVALID', where: `${where}: ${path}`, detail });
    };
    const key = manifests.ledgerKeyOf(checkpoint.origin);
    const head = key === undefined ? undefined : verifyCheckpoint(textOf(bytes), key);
    if (head?.ok !== true) {
      wrong(head === undefined ? 'no key for it' : `${head.reason}: ${head.detail}`);
      continue;
    }
    const { size, root } = head.value;
    if (cosignedPath(size) !== path || size > tree.leaves.length) {
      wrong(`it is a checkpoint of ${size} entries`);
    } else if (bytesToHex(await tree.rootAt(size)) !== bytesToHex(root)) {
      findings.push({
        code: 'LEDGER_FORKED',
        where: `${where}: ${path}`,
        detail: `the ledger signed another history of its first ${size} entries`,
      });
    } else {
      const cosignatures = verifyCosignatures(head.value, witnesses);
      if (!cosignatures.ok) wrong(`${cosignatures.reason}: ${cosignatures.detail}`);
      else found.push(...cosignatures.value.map(({ witness, timeS }) => ({ witness, size, timeS })));
    }
  }
  return found;
}

function witnessKeys(manifests: BundleManifests): VerifierKey[] {
  const keys = new Map<string, VerifierKey>();
  for (const { manifest } of manifests.all) {
    for (const { witness } of manifest.members) keys.set(witness.vkey, parseVerifierKey(witness.vkey));
  }
  return [...keys.values()];
}

function textOf(bytes: Uint8Array): string {
  try {
    return parseUtf8(bytes);
  } catch {
    return '';
  }
}
