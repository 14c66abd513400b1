/**
 * Epochs of a ledger. A ledger that has lost entries must not sign their places again: it goes on under another origin, which is another
 * log with the same public key, and its first entry there says what it keeps and what it had signed.
 */
import { verifierKey, type VerifierKey } from './verifier-key.ts';

/** The most epochs a ledger can have. */
const MAX_EPOCH = 512;

// Above any number of entries, and small enough that 512 of them stay exact.
const PLACES_PER_EPOCH = 2 ** 44;

/** The key of a ledger in one of its epochs: the first has the origin that the manifest lists, the others that and `/<number>`. */
export function epochKey(first: VerifierKey, epoch: number): VerifierKey {
  return epoch === 1 ? first : verifierKey(`${first.name}/${epoch}`, first.type, first.publicKey);
}

/** Which epoch of a ledger an origin is of; undefined when it is of none. */
export function epochOf(origin: string, firstOrigin: string): number | undefined {
  if (origin === firstOrigin) return 1;
  const match = /^\/([1-9][0-9]{0,2})$/.exec(origin.startsWith(firstOrigin) ? origin.slice(firstOrigin.length) : '');
  const epoch = Number(match?.[1] ?? 0);
  return epoch >= 2 && epoch <= MAX_EPOCH ? epoch : undefined;
}

/** The key that a note's first line names, if it is one of the ledger's. */
export function epochKeyOf(
  note: string,
  first: VerifierKey,
): { readonly key: VerifierKey; readonly epoch: number } | undefined {
  const epoch = epochOf(originOf(note), first.name);
  return epoch === undefined ? undefined : { key: epochKey(first, epoch), epoch };
}

/** The origin that a checkpoint states, unverified; of the text of an inclusion proof, that of its checkpoint. */
function originOf(note: string): string {
  const start = note.startsWith('c2sp.org/') ? note.indexOf('\n\n') + 2 : 0;
  return note.slice(start, Math.max(start, note.indexOf('\n', start)));
}

/**
 * A number that orders the entries of all epochs: what was signed in an earlier one comes before everything in a later one, also where an
 * index is used again.
 */
export function placeInOrder(epoch: number, index: number): number {
  return (epoch - 1) * PLACES_PER_EPOCH + index;
}
