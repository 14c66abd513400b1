import type { KeyWeakness } from './ed25519.ts';

/** How the content key of a message is agreed: 1 with X25519, 2 with ML-KEM-768 and X25519 together. */
export type Suite = 1 | 2;

/** Length of a private ML-KEM-768 key as it is kept: the seed d ‖ z, in bytes. @see FIPS 203 §3.3 and §7.1 */
export const ML_KEM_SEED_BYTES = 64;

/** Length of an ML-KEM-768 encapsulation key, in bytes. @see FIPS 203, table 3 */
export const ML_KEM_KEY_BYTES = 1184;

// The seed of the matrix, which stands behind the coefficients.
const RHO_BYTES = 32;
const MODULUS = 3329;

/**
 * Why an ML-KEM-768 encapsulation key is not to be admitted: a coefficient that is not reduced gives one key several spellings.
 * @param publicKey 1,184 bytes
 * @see FIPS 203 §7.2, modulus check
 */
export function mlKemKeyWeakness(publicKey: Uint8Array): KeyWeakness | undefined {
  for (let i = 0; i + 2 < publicKey.length - RHO_BYTES; i += 3) {
    const [a, b, c] = [publicKey[i]!, publicKey[i + 1]!, publicKey[i + 2]!];
    if ((a | ((b & 0x0f) << 8)) >= MODULUS || ((b >> 4) | (c << 4)) >= MODULUS) return 'KEY_NOT_CANONICAL';
  }
  return undefined;
}
