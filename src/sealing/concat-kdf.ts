import { lengthPrefixed, sha256, uint32ToBytes, utf8ToBytes } from '../base/mod.ts';

/**
 * The Concat KDF with SHA-256, for keys of at most one hash length.
 * @param secret the shared secret Z
 * @param algorithm the AlgorithmID: `enc` in direct key agreement
 * @param keyBytes at most 32
 * @param apu PartyUInfo, decoded
 * @param apv PartyVInfo, decoded
 * @see RFC 7518 §4.6.2, NIST SP 800-56A §5.8.1
 */
export function concatKdf(
  secret: Uint8Array,
  algorithm: string,
  keyBytes: number,
  apu: Uint8Array,
  apv: Uint8Array,
): Uint8Array {
  const info = lengthPrefixed([utf8ToBytes(algorithm), apu, apv]);
  return sha256(uint32ToBytes(1), secret, ...info, uint32ToBytes(keyBytes * 8)).subarray(0, keyBytes);
}
