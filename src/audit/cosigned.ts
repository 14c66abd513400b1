/** The cosignatures of a bundle: which witness vouches for how much of the ledger. */
import { equalBytes } from '../base/mod.ts';
import { encodeVerifierKey, verifyCheckpoint, verifyCosignatures, type VerifierKey } from '../ledger/mod.ts';
import { validityObjection, type ListedKey } from '../trust/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import { cosignedPath } from './bundle-layout.ts';
import type { Findings } from './error.ts';
import type { AuditedTree } from './tree.ts';

/** A witness's word that it saw the ledger at this size, and nothing that contradicts it. */
export interface WitnessedSize {
  /** The witness's verifier key name. */
  readonly witness: string;
  /** The key itself, as a manifest lists it. */
  readonly vkey: string;
  readonly size: number;
  /** Unix seconds, by the witness's clock. */
  readonly timeS: number;
}

/** Verifies every cosigned checkpoint: signed by the ledger, a root that the tree has had, and no cosignature that is false. */
export async function readCosigned(options: {
  readonly files: BundleFiles;
  /** The ledger's keys. */
  readonly keys: readonly VerifierKey[];
  readonly witnesses: ReadonlyMap<string, ListedKey>;
  readonly tree: AuditedTree;
  readonly where: string;
  readonly findings: Findings;
}): Promise<WitnessedSize[]> {
  const { files, keys, witnesses, tree, where, findings } = options;
  const witnessKeys = [...witnesses.values()].map(({ key }) => key);
  const found: WitnessedSize[] = [];
  for (const path of files.paths) {
    if (!path.startsWith('cosigned/')) continue;
    const wrong = (detail: string): void => {
      findings.add('COSIGNATURE_INVALID', `${where}: ${path}`, detail);
    };
    const note = await files.readText(path);
    const head = verifyCheckpoint(note, keys);
    if (!head.ok) {
      wrong(`${head.reason}: ${head.detail}`);
      continue;
    }
    const { size, root } = head.value;
    if (cosignedPath(size) !== path || size > tree.size) {
      wrong(`it is a checkpoint of ${size} entries`);
    } else if (!equalBytes(await tree.rootAt(size), root)) {
      const detail = `the ledger signed another history of its first ${size} entries`;
      findings.add('LEDGER_FORKED', `${where}: ${path}`, detail);
    } else {
      const cosignatures = verifyCosignatures(head.value, witnessKeys);
      if (!cosignatures.ok) {
        wrong(`${cosignatures.reason}: ${cosignatures.detail}`);
        continue;
      }
      if (signatureLines(note) !== cosignatures.value.length + 1)
        wrong('it has a line of nobody that a manifest knows');
      for (const { witness, key, timeS } of cosignatures.value) {
        const vkey = encodeVerifierKey(key);
        const objection = validityObjection(witnesses.get(vkey)!, timeS * 1000);
        if (objection === undefined) found.push({ witness, vkey, size, timeS });
        else wrong(`${objection}: the key of ${witness} when it cosigned`);
      }
    }
  }
  return found;
}

// A note's reader passes over lines of keys that it does not know; a bundle has no reason to hold one.
function signatureLines(note: string): number {
  return note.slice(note.lastIndexOf('\n\n') + 2).split('\n').length - 1;
}
