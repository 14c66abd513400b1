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

/** The keys of a ledger that has had several, in one of its epochs. */
export function epochKeys(first: readonly VerifierKey[], epoch: number): VerifierKey[] {
  return first.map((key) => epochKey(key, epoch));
}

/** Which epoch of a ledger an origin is of; undefined when it is of none. */
export function epochOf(origin: string, firstOrigin: string): number | undefined {
  if (origin === firstOrigin) return 1;
  const match = /^\/([1-9][0-9]{0,2})$/.exec(origin.startsWith(firstOrigin) ? origin.slice(firstOrigin.length) : '');
  const epoch = Number(match?.[1] ?? 0);
  return epoch >= 2 && epoch <= MAX_EPOCH ? epoch : undefined;
}

/**
 * The keys of a ledger in the epoch that a note's first line names, if it is one of that ledger's.
 * @param first its keys under the origin of its first epoch
 */
export function epochKeysOf(
  note: string,
  first: readonly VerifierKey[],
): { readonly keys: VerifierKey[]; readonly epoch: number } | undefined {
  const [known] = first;
  const epoch = known === undefined ? undefined : epochOf(originOf(note), known.name);
  return epoch === undefined ? undefined : { keys: epochKeys(first, epoch), epoch };
}

/** An epoch after a ledger's first, as the entry that began it tells. */
export interface EpochBeginning {
  readonly number: number;
  /** Index of its first entry: so many were kept. */
  readonly start: number;
  /** The epoch that it kept them of. */
  readonly parent: number;
}

/**
 * How many of the first entries of one of its epochs a ledger has for certain: all, of the present one. An epoch that it does not come from
 * may have more in common with it than is known, because it may have parted from the same one; of such a one, and of one still to come, none.
 * @param begun the epochs that the ledger comes through, oldest first; each keeps entries of the one before it
 */
export function keptOfEpoch(begun: readonly EpochBeginning[], epoch: number): number {
  if (!epochsOf(begun).includes(epoch)) return 0;
  return Math.min(Infinity, ...begun.filter(({ number }) => number > epoch).map(({ start }) => start));
}

/**
 * How many of their first entries two ledgers have in common that say of themselves to be one: as many as the last epoch that both come
 * through had when either left it; infinite where both are in it still.
 * @param a the epochs of either, as above
 */
export function keptOfBoth(a: readonly EpochBeginning[], b: readonly EpochBeginning[]): number {
  return Math.max(...epochsOf(a).map((epoch) => Math.min(keptOfEpoch(a, epoch), keptOfEpoch(b, epoch))));
}

function epochsOf(begun: readonly EpochBeginning[]): number[] {
  return [begun[0]?.parent ?? 1, ...begun.map(({ number }) => number)];
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
