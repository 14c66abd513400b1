import { equalBytes } from '../base/mod.ts';
import { HASH_BYTES, nodeHash } from './hash.ts';

/** What an inclusion proof claims: that `leaf` is at `index` in the tree of `size` leaves with this root. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  /** The leaf's hash. */
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/**
 * Whether an inclusion proof holds.
 * @see RFC 9162 §2.1.3.2
 */
export function verifyInclusion({ index, size, leaf, path, root }: InclusionClaim): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  if (path.some((hash) => hash.length !== HASH_BYTES)) return false;
  let at: PathStep | undefined = { fn: index, sn: size - 1, hash: leaf };
  for (const sibling of path) {
    at = stepUp(at, sibling);
    if (at === undefined) return false;
  }
  return at.sn === 0 && equalBytes(at.hash, root);
}

/** A node that a path has come to: where it is, in the two numbers of RFC 9162, and what its hash has to be. */
export interface PathStep {
  readonly fn: number;
  readonly sn: number;
  readonly hash: Uint8Array;
}

/** The node above, or the first of those above that has a sibling; undefined at the root. */
export function stepUp({ fn, sn, hash }: PathStep, sibling: Uint8Array): PathStep | undefined {
  if (sn === 0) return undefined;
  const isRight = fn % 2 === 1 || fn === sn;
  // Plain arithmetic: the bit operators of the language stop at 32 bits.
  for (; isRight && fn % 2 === 0 && fn !== 0; fn /= 2) sn = Math.floor(sn / 2);
  return {
    fn: Math.floor(fn / 2),
    sn: Math.floor(sn / 2),
    hash: isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling),
  };
}
