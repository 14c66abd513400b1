/**
 * Inclusion proofs that come one after another. Those of a batch lie under one checkpoint, and neighbours share all of their paths but the
 * first steps: what a proof has in common with the last one that held, to its end, need not be read or hashed again.
 */
import { accept, equalBytes, type Verdict, type VerifyEd25519 } from '../base/mod.ts';
import { parseDecimal, parseHash } from './checkpoint.ts';
import type { LedgerReason } from './error.ts';
import { leafHash } from './hash.ts';
import { stepUp, type PathStep } from './inclusion.ts';
import { INCLUSION_HEADER, verifyInclusionProofText, type ProvedInclusion } from './proof-text.ts';
import type { VerifierKey } from './verifier-key.ts';

/** A node on the way from a leaf to the root. */
interface Foothold extends PathStep {
  /** Characters from the line of its sibling to the end of the proof's text: what has to be the same for the way on to be the same. */
  readonly left: number;
}

/** A proof that held, in full. */
interface Held {
  readonly text: string;
  readonly keys: readonly VerifierKey[];
  readonly inclusion: ProvedInclusion;
  /** Its way, from the leaf on; made when the first neighbour comes. */
  way?: readonly Foothold[];
}

const INDEX = `${INCLUSION_HEADER}index `;
// Of so many ledgers the last proof is kept.
const MAX_LEDGERS = 256;

/** Verifies as `verifyInclusionProofText` does, and remembers one proof of each ledger. */
export class InclusionVerifier {
  readonly #verify: VerifyEd25519 | undefined;
  readonly #last = new Map<string, Held>();

  constructor(verify?: VerifyEd25519) {
    this.#verify = verify;
  }

  /** Verifies that an entry is in the ledger of these keys, which are one ledger's. */
  verify(text: string, entry: Uint8Array, keys: readonly VerifierKey[]): Verdict<ProvedInclusion, LedgerReason> {
    const name = keys[0]?.name ?? '';
    const last = this.#last.get(name);
    const next = last === undefined ? undefined : follow(last, text, entry, keys);
    if (next !== undefined) {
      this.#last.set(name, next);
      return accept(next.inclusion);
    }
    const verdict = verifyInclusionProofText(text, entry, keys, this.#verify);
    if (!verdict.ok) return verdict;
    if (last === undefined && this.#last.size >= MAX_LEDGERS) this.#last.clear();
    this.#last.set(name, { text, keys, inclusion: verdict.value });
    return verdict;
  }
}

/** The proof, if its way meets that of the one that held, and goes on as that did; undefined says nothing of it. */
function follow(last: Held, text: string, entry: Uint8Array, keys: readonly VerifierKey[]): Held | undefined {
  const { checkpoint } = last.inclusion;
  if (!text.endsWith(`\n\n${checkpoint.note}`) || !areSame(last.keys, keys)) return undefined;
  const start = startOf(text, leafHash(entry), checkpoint.size);
  if (start === undefined) return undefined;
  last.way ??= wayOf(last.text, startOf(last.text, last.inclusion.leaf, checkpoint.size)!);
  const way: Foothold[] = [];
  let met = 0;
  for (let at: Foothold | undefined = start; at !== undefined; at = next(text, at)) {
    while (met < last.way.length && last.way[met]!.sn > at.sn) met++;
    const there = last.way[met];
    if (there?.sn === at.sn && there.fn === at.fn) {
      const isSame = equalBytes(there.hash, at.hash) && there.left === at.left && text.endsWith(rest(last.text, there));
      if (!isSame) return undefined;
      const inclusion = { index: start.fn, leaf: start.hash, checkpoint };
      return { text, keys, inclusion, way: [...way, ...last.way.slice(met)] };
    }
    way.push(at);
  }
  return undefined;
}

/** Where a proof begins: at the leaf. */
function startOf(text: string, leaf: Uint8Array, size: number): Foothold | undefined {
  if (!text.startsWith(INDEX)) return undefined;
  const end = text.indexOf('\n', INDEX.length);
  const index = parseDecimal(text.slice(INDEX.length, end));
  if (index === undefined || index >= size) return undefined;
  return { fn: index, sn: size - 1, hash: leaf, left: text.length - end - 1 };
}

function wayOf(text: string, start: Foothold): Foothold[] {
  const way: Foothold[] = [];
  for (let at: Foothold | undefined = start; at !== undefined; at = next(text, at)) way.push(at);
  return way;
}

/** The node above, by the line of the text that is the sibling's; undefined where there is none. */
function next(text: string, at: Foothold): Foothold | undefined {
  const begin = text.length - at.left;
  const end = text.indexOf('\n', begin);
  const sibling = end <= begin ? undefined : parseHash(text.slice(begin, end));
  const above = sibling === undefined ? undefined : stepUp(at, sibling);
  if (above === undefined) return undefined;
  const { fn, sn, hash } = above;
  return { fn, sn, hash, left: text.length - end - 1 };
}

function rest(text: string, { left }: Foothold): string {
  return text.slice(text.length - left);
}

function areSame(a: readonly VerifierKey[], b: readonly VerifierKey[]): boolean {
  return a.length === b.length && a.every((key, i) => isSame(key, b[i]!));
}

function isSame(a: VerifierKey, b: VerifierKey): boolean {
  return a === b || (a.name === b.name && a.type === b.type && equalBytes(a.publicKey, b.publicKey));
}
