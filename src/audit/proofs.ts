/** Checks the peers' proofs that a ledger speaks of: each must prove exactly what its entry says. */
import { bytesToBase64, equalBytes, verifyEd25519, type JurisdictionCode, type VerifyEd25519 } from '../base/mod.ts';
import { verifyInclusionProofText, type Checkpoint } from '../ledger/mod.ts';
import { WireError, parseLedgerEntry, parseReceipt, type LedgerEntry, type PeerEntry } from '../wire/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import { parseProofs, proofsPath } from './bundle-layout.ts';
import type { PlacedEntry } from './entries.ts';
import type { Findings } from './error.ts';
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
  readonly entry: LedgerEntry;
}

/** Verifies the proofs that belong to the entries of one entry bundle. */
export class ProofReader {
  readonly #files: BundleFiles;
  readonly #manifests: BundleManifests;
  readonly #where: string;
  readonly #findings: Findings;
  readonly #verify = rememberingVerify();

  constructor(files: BundleFiles, manifests: BundleManifests, where: string, findings: Findings) {
    this.#files = files;
    this.#manifests = manifests;
    this.#where = where;
    this.#findings = findings;
  }

  /** @param bundleIndex the entry bundle that all the entries are of */
  async read(bundleIndex: number, entries: readonly PlacedEntry[]): Promise<HeldEntry[]> {
    const path = proofsPath(bundleIndex);
    const file = await this.#files.read(path);
    const proofs = file === undefined ? [] : parseProofs(file);
    const wanting = entries.flatMap(({ entry, index: at }) =>
      entry.detail?.type === 'peer_entry' || entry.detail?.type === 'recovered'
        ? [{ entry, stated: entry.detail.value, at }]
        : [],
    );
    if (proofs?.length !== wanting.length) {
      const detail = `${proofs?.length ?? 'no readable'} proofs for ${wanting.length} entries`;
      this.#findings.add('PROOF_MISSING', `${this.#where}: ${path}`, detail);
      return [];
    }
    return wanting.flatMap(({ entry, stated, at }, i) => {
      const answer = this.#check(entry, stated, proofs[i]!);
      // An own entry that was lost is nothing that a peer could contradict here.
      if ('held' in answer) return entry.detail?.type === 'recovered' ? [] : [{ ...answer.held, at }];
      this.#findings.add(answer.code, `${this.#where}: entry ${at}`, answer.detail);
      return [];
    });
  }

  #check(entry: LedgerEntry, peerEntry: PeerEntry, bytes: Uint8Array): Answer {
    const isOwn = entry.detail?.type === 'recovered';
    const peer = isOwn ? this.#files.index.code : (entry.peer as JurisdictionCode);
    const origin = peerEntry.checkpoint.slice(0, peerEntry.checkpoint.indexOf('\n'));
    // What was verified at the time of the own entry is judged by the keys of then; an entry that came back is older than that.
    const keys = isOwn
      ? this.#manifests.ledgerKeys(peer, origin)
      : this.#manifests.ledgerKeysAround(peer, origin, entry.time);
    if (keys.length === 0)
      return { code: 'PROOF_INVALID', detail: `no manifest lists a key of the ledger ${origin} of ${peer} for then` };
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
    const proved = verifyInclusionProofText(proof, raw, keys, this.#verify);
    if (!proved.ok) return { code: 'PROOF_INVALID', detail: `${proved.reason}: ${proved.detail}` };
    const { leaf, index, checkpoint } = proved.value;
    const isCommitted = equalBytes(leaf, peerEntry.leaf_hash) && checkpoint.note === peerEntry.checkpoint;
    if (!isCommitted)
      return { code: 'PROOF_MISMATCH', detail: `it proves another entry of ${peer} than this one commits to` };
    if (!isAnswerTo(this.#files.index.code, entry, theirs)) {
      return { code: 'PROOF_MISMATCH', detail: `the entry of ${peer} that it proves is about something else` };
    }
    return { held: { peer, index, leaf, checkpoint, entry: theirs } };
  }
}

type Answer =
  | { readonly held: Omit<HeldEntry, 'at'> }
  | { readonly code: 'PROOF_INVALID' | 'PROOF_MISMATCH'; readonly detail: string };

function isAnswerTo(code: JurisdictionCode, own: LedgerEntry, theirs: LedgerEntry): boolean {
  if (own.kind === 'EVIDENCE_COMPLETE') {
    const isArrival = theirs.kind === own.kind && theirs.detail?.type === 'evidence_arrived';
    const isLost = own.detail?.type === 'recovered';
    if (isLost && own.detail.value.kind !== own.kind) return false;
    return isArrival && theirs.peer === (isLost ? own.peer : code) && theirs.message_id === own.message_id;
  }
  if (own.kind === 'RESUMED')
    return theirs.kind === own.kind && theirs.detail?.type === 'resumed' && theirs.peer === code;
  if (own.detail?.type === 'recovered')
    return theirs.kind === own.detail.value.kind && theirs.peer === own.peer && isSameMessage(own, theirs, true);
  const kinds: readonly string[] = own.kind === 'RECEIPT_HELD' ? ['RECEIVED', 'REFUSED'] : ['SENT', 'VOIDED'];
  const isAbout = kinds.includes(theirs.kind) && theirs.peer === code;
  // Who refuses has a reason of their own; whoever receives has one where the message was given up, and it is that.
  return isAbout && isSameMessage(own, theirs, own.kind !== 'REFUSED');
}

function isSameMessage(own: LedgerEntry, theirs: LedgerEntry, withReason: boolean): boolean {
  return (
    theirs.message_id === own.message_id &&
    theirs.seq === own.seq &&
    theirs.sealed_digest !== undefined &&
    theirs.signed_digest !== undefined &&
    equalBytes(theirs.sealed_digest, own.sealed_digest!) &&
    equalBytes(theirs.signed_digest, own.signed_digest!) &&
    (!withReason || theirs.reason === own.reason)
  );
}

// All receipts of a batch lie under one checkpoint, and arrive one after another.
const REMEMBERED = 64;

function rememberingVerify(): VerifyEd25519 {
  const known = new Map<string, boolean>();
  return (signature, message, publicKey) => {
    const id = `${bytesToBase64(publicKey)} ${bytesToBase64(signature)} ${bytesToBase64(message)}`;
    let answer = known.get(id);
    if (answer === undefined) {
      answer = verifyEd25519(signature, message, publicKey);
      if (known.size >= REMEMBERED) known.clear();
      known.set(id, answer);
    }
    return answer;
  };
}
