/** What a ledger says that its node cosigned: heads of peers, each under a key that the peer had then. */
import type { JurisdictionCode } from '../base/mod.ts';
import { verifyCheckpoint, type Checkpoint } from '../ledger/mod.ts';
import type { PlacedEntry } from './entries.ts';
import type { Findings } from './error.ts';
import type { BundleManifests } from './manifests.ts';

/** A peer's head in a WITNESSED entry. */
export interface WitnessedHead {
  /** Index of the entry. */
  readonly at: number;
  /** The member whose ledger it is of. */
  readonly peer: JurisdictionCode;
  readonly head: Checkpoint;
}

/**
 * The head that an entry says was cosigned, if it is signed by the peer that the entry names.
 * @param findings a head that is not is added here: nobody who verifies what they cosign cosigns that
 * @returns undefined for other entries, too
 */
export function readWitnessed(
  { index, entry }: PlacedEntry,
  manifests: BundleManifests,
  where: string,
  findings: Findings,
): WitnessedHead | undefined {
  if (entry.kind !== 'WITNESSED' || entry.detail?.type !== 'witnessed') return undefined;
  const peer = entry.peer as JurisdictionCode;
  const note = entry.detail.value.checkpoint;
  const origin = note.slice(0, Math.max(0, note.indexOf('\n')));
  const head = verifyCheckpoint(note, manifests.ledgerKeysAround(peer, origin, entry.time));
  if (head.ok) return { at: index, peer, head: head.value };
  const detail = `it cosigned a checkpoint that ${peer} did not sign: ${head.reason}: ${head.detail}`;
  findings.add('COSIGNATURE_INVALID', `${where}: entry ${index}`, detail);
  return undefined;
}
