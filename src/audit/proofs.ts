/** Checks the peers' proofs that a ledger speaks of: each must prove exactly what its entry says. */
import { equalBytes, type JurisdictionCode } from '../base/mod.ts';
import { TILE_WIDTH, verifyInclusionProofText, type Checkpoint } from '../ledger/mod.ts';
import { WireError, parseLedgerEntry, parseReceipt, type LedgerEntry, type PeerEntry } from '../wire/mod.ts';
import type { ArchiveFiles } from './archive.ts';
import { parseProofs, proofsPath } from './bundle.ts';
import type { Finding } from './error.ts';
import type { BundleManifests } from './manifests.ts';

/** What one node holds of another's ledger. */
export interface HeldEntry {
  readonly peer: JurisdictionCode;
  /** Index of the own entry that speaks of it. */
  readonly at: number;
  /** Index, leaf hash and head in the peer's ledger. */
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly checkpoint: Checkpoint;
}

/** Verifies every proof of a bundle. */
export function readProofs(options: {
  readonly files: ArchiveFiles;
  readonly code: JurisdictionCode;
  readonly entries: readonly LedgerEntry[];
  readonly manifests: BundleManifests;
  readonly where: string;
  readonly findings: Finding[];
}): HeldEntry[] {
  const { files, code, entries, manifests, where, findings } = options;
  const held: HeldEntry[] = [];
  for (let start = 0; start < entries.length; start += TILE_WIDTH) {
    const path = proofsPath(start / TILE_WIDTH);
    const file = files.get(path);
    const proofs = file === undefined ? [] : parseProofs(file);
    const wanting = entries
      .slice(start, start + TILE_WIDTH)
      .flatMap((entry, i) =>
        entry.detail?.type === 'peer_entry' ? [{ entry, peerEntry: entry.detail.value, at: start + i }] : [],
      );
    if (proofs?.length !== wanting.length) {
      findings.push({
        code: 'PROOF_MISSING',
        where: `${where}: ${path}`,
        detail: `${proofs?.length ?? 'no readable'} proofs for ${wanting.length} entries`,
      });
      continue;
    }
    wanting.forEach(({ entry, peerEntry, at }, i) => {
      const answer = checkProof(code, entry, peerEntry, proofs[i]!, manifests);
      if ('held' in answer) held.push({ ...answer.held, at });
      else findings.push({ code: answer.code, where: `${where}: entry ${at}`, detail: answer.detail });
    });
  }
  return held;
}

type Answer =
  | { readonly held: Omit<HeldEntry, 'at'> }
  | { readonly code: 'PROOF_INVALID' | 'PROOF_MISMATCH'; readonly detail: string };

function checkProof(
  code: JurisdictionCode,
  entry: LedgerEntry,
  peerEntry: PeerEntry,
  bytes: Uint8Array,
  manifests: BundleManifests,
): Answer {
  const peer = entry.peer as JurisdictionCode;
  const key = manifests.ledgerKey(peer);
  if (key === undefined) return { code: 'PROOF_INVALID', detail: `no manifest lists ${peer}` };
  let theirs: LedgerEntry;
  let proof: string;
  let raw: Uint8Array;
  try {
    ({ entry: raw, proof } = parseReceipt(bytes));
    theirs = parseLedgerEntry(raw);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { code: 'PROOF_INVALID', detail: error.message };
  }
  const proved = verifyInclusionProofText(proof, raw, key);
  if (!proved.ok) return { code: 'PROOF_INVALID', detail: `${proved.reason}: ${proved.detail}` };
  const { leaf, index, checkpoint } = proved.value;
  const isCommitted = equalBytes(leaf, peerEntry.leaf_hash) && checkpoint.note === peerEntry.checkpoint;
  if (!isCommitted)
    return { code: 'PROOF_MISMATCH', detail: `it proves another entry of ${peer} than this one commits to` };
  if (!isAnswerTo(code, entry, theirs)) {
    return { code: 'PROOF_MISMATCH', detail: `the entry of ${peer} that it proves is about something else` };
  }
  return { held: { peer, index, leaf, checkpoint } };
}

function isAnswerTo(code: JurisdictionCode, own: LedgerEntry, theirs: LedgerEntry): boolean {
  const kinds: readonly string[] = own.kind === 'RECEIPT_HELD' ? ['RECEIVED', 'REFUSED'] : ['SENT', 'VOIDED'];
  return (
    kinds.includes(theirs.kind) &&
    theirs.peer === code &&
    theirs.message_id === own.message_id &&
    theirs.seq === own.seq &&
    theirs.sealed_digest !== undefined &&
    theirs.signed_digest !== undefined &&
    equalBytes(theirs.sealed_digest, own.sealed_digest!) &&
    equalBytes(theirs.signed_digest, own.signed_digest!) &&
    (own.kind !== 'RECEIPT_HELD' || theirs.reason === own.reason)
  );
}
