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
  // Plain arithmetic: the bit operators of the language stop at 32 bits.
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(hash, root);
}
