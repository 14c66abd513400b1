import { sha256 } from '../base/mod.ts';

/** Length of every hash of the tree, in bytes. */
export const HASH_BYTES = 32;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root of the tree without leaves. @see RFC 6962 §2.1 */
export const EMPTY_ROOT: Uint8Array = sha256();

/** SHA-256(00 ‖ entry). @see RFC 6962 §2.1 */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(LEAF, entry);
}

/** SHA-256(01 ‖ left ‖ right). @see RFC 6962 §2.1 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

/** `nodeHash` of two hashes that lie side by side: left ‖ right, 64 bytes. */
export function pairHash(pair: Uint8Array): Uint8Array {
  return sha256(NODE, pair);
}
