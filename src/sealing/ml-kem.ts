/** ML-KEM-768, the half of suite 2 that is made for whoever will have a quantum computer. @see FIPS 203 */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

/** Length of an ML-KEM-768 ciphertext, in bytes. @see FIPS 203, table 3 */
export const ML_KEM_CIPHERTEXT_BYTES = 1088;

/** A private ML-KEM-768 key, wherever it is kept. */
export interface DecapsulationKey {
  /** The encapsulation key, 1,184 bytes. */
  readonly publicKey: Uint8Array;
  /** The shared secret, 32 bytes. For a ciphertext that is not for this key it is another one, and nothing tells (implicit rejection). */
  decapsulate(ciphertext: Uint8Array): Uint8Array;
}

/** The key that a seed is. @param seed 64 bytes */
export function decapsulationKey(seed: Uint8Array): DecapsulationKey {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  return { publicKey, decapsulate: (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey) };
}

/**
 * A shared secret and its ciphertext.
 * @param publicKey 1,184 bytes, admitted by the manifest
 * @param random 32 bytes; chosen for published vectors only
 */
export function encapsulate(
  publicKey: Uint8Array,
  random: Uint8Array,
): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } {
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, random);
  return { ciphertext: cipherText, secret: sharedSecret };
}
