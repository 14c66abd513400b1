import { equalBytes } from '../base/mod.ts';
import type { TreeHead } from './checkpoint.ts';
import { HASH_BYTES, nodeHash } from './hash.ts';

/**
 * Whether the newer tree continues the older one. From an empty tree nothing can be proved, so it never holds.
 * @see RFC 9162 §2.1.4.2
 */
export function verifyConsistency(older: TreeHead, newer: TreeHead, path: readonly Uint8Array[]): boolean {
  if (!Number.isSafeInteger(older.size) || !Number.isSafeInteger(newer.size)) return false;
  if (older.size < 1 || older.size > newer.size) return false;
  if (path.some((hash) => hash.length !== HASH_BYTES)) return false;
  if (older.size === newer.size) return path.length === 0 && equalBytes(older.root, newer.root);

  let fn = older.size - 1;
  let sn = newer.size - 1;
  while (fn % 2 === 1) {
    fn = (fn - 1) / 2;
    sn = Math.floor(sn / 2);
  }
  // A complete older tree is itself the first node of the path.
  const [first, ...rest] = fn === 0 ? [older.root, ...path] : path;
  if (first === undefined) return false;
  let oldHash = first;
  let newHash = first;
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(oldHash, older.root) && equalBytes(newHash, newer.root);
}
