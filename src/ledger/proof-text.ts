/**
 * Proofs as text, each with the checkpoint it is under: what travels, what is kept and what an auditor gets.
 * @see C2SP tlog-proof@v1
 */
import { accept, bytesToBase64, refuse, utf8ToBytes, type Verdict, type VerifyEd25519 } from '../base/mod.ts';
import { parseDecimal, parseHash, verifyCheckpoint, type Checkpoint, type TreeHead } from './checkpoint.ts';
import { verifyConsistency } from './consistency.ts';
import type { LedgerReason } from './error.ts';
import { leafHash } from './hash.ts';
import { verifyInclusion } from './inclusion.ts';
import type { VerifierKey } from './verifier-key.ts';

/** An entry that was proved to be in a ledger. */
export interface ProvedInclusion {
  readonly index: number;
  /** The entry's leaf hash. */
  readonly leaf: Uint8Array;
  readonly checkpoint: Checkpoint;
}

// A tree of 2^53 leaves has paths of at most 53 hashes for inclusion, twice that for consistency.
const MAX_PATH = 106;
// Whoever believes a proof writes its checkpoint into an entry, signature lines of strangers and all, and an entry has room for so much. One
// that was longer would stand in the reader's own ledger for good, where nobody can read it.
const MAX_CHECKPOINT_BYTES = 8192;
/** The first line of an inclusion proof. */
export const INCLUSION_HEADER = 'c2sp.org/tlog-proof@v1\n';

/** The text of an inclusion proof. */
export function encodeInclusionProofText(index: number, path: readonly Uint8Array[], checkpointNote: string): string {
  return `${INCLUSION_HEADER}index ${index}\n${encodePath(path)}\n${checkpointNote}`;
}

/** Verifies that an entry is in the ledger of this key. */
export function verifyInclusionProofText(
  text: string,
  entry: Uint8Array,
  keys: VerifierKey | readonly VerifierKey[],
  verify?: VerifyEd25519,
): Verdict<ProvedInclusion, LedgerReason> {
  const parsed = text.startsWith(INCLUSION_HEADER)
    ? parseProof(text.slice(INCLUSION_HEADER.length), 'index')
    : undefined;
  if (parsed === undefined) return refuse('PROOF_MALFORMED', 'not a c2sp.org/tlog-proof@v1');
  if (utf8ToBytes(parsed.note).length > MAX_CHECKPOINT_BYTES)
    return refuse('PROOF_MALFORMED', `its checkpoint is longer than ${MAX_CHECKPOINT_BYTES} bytes`);
  const checkpoint = verifyCheckpoint(parsed.note, keys, verify);
  if (!checkpoint.ok) return checkpoint;
  const leaf = leafHash(entry);
  const { size, root } = checkpoint.value;
  if (!verifyInclusion({ index: parsed.number, size, leaf, path: parsed.path, root })) {
    return refuse('INCLUSION_INVALID', `not entry ${parsed.number} of the tree of ${size}`);
  }
  return accept({ index: parsed.number, leaf, checkpoint: checkpoint.value });
}

/** The text of a consistency proof. */
export function encodeConsistencyProofText(
  oldSize: number,
  path: readonly Uint8Array[],
  checkpointNote: string,
): string {
  return `old ${oldSize}\n${encodePath(path)}\n${checkpointNote}`;
}

/** Verifies that the ledger of this key continues from an older head, and gives the checkpoint it has now. */
export function verifyConsistencyProofText(
  text: string,
  older: TreeHead,
  keys: VerifierKey | readonly VerifierKey[],
  verify?: VerifyEd25519,
): Verdict<Checkpoint, LedgerReason> {
  const parsed = parseProof(text, 'old');
  if (parsed === undefined) return refuse('PROOF_MALFORMED', 'not a consistency proof');
  const checkpoint = verifyCheckpoint(parsed.note, keys, verify);
  if (!checkpoint.ok) return checkpoint;
  if (parsed.number !== older.size || !verifyConsistency(older, checkpoint.value, parsed.path)) {
    return refuse(
      'CONSISTENCY_INVALID',
      `the tree of ${checkpoint.value.size} does not continue that of ${older.size}`,
    );
  }
  return checkpoint;
}

function encodePath(path: readonly Uint8Array[]): string {
  return path.map((hash) => `${bytesToBase64(hash)}\n`).join('');
}

function parseProof(
  text: string,
  word: 'index' | 'old',
): { readonly number: number; readonly path: Uint8Array[]; readonly note: string } | undefined {
  // The proof's own lines end at the first blank line; what follows is the note, with a blank line of its own.
  const split = text.indexOf('\n\n');
  if (split < 0) return undefined;
  const [first, ...rest] = text.slice(0, split).split('\n');
  if (!first!.startsWith(`${word} `) || rest.length > MAX_PATH) return undefined;
  const number = parseDecimal(first!.slice(word.length + 1));
  if (number === undefined) return undefined;
  const path: Uint8Array[] = [];
  for (const line of rest) {
    const hash = parseHash(line);
    if (hash === undefined) return undefined;
    path.push(hash);
  }
  return { number, path, note: text.slice(split + 2) };
}
