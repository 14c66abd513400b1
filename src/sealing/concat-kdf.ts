import { concatBytes, sha256, uint32ToBytes, utf8ToBytes } from '../base/mod.ts';

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
  const id = utf8ToBytes(algorithm);
  const lengthOf = (bytes: Uint8Array): Uint8Array => uint32ToBytes(bytes.length);
  const info = concatBytes(lengthOf(id), id, lengthOf(apu), apu, lengthOf(apv), apv, uint32ToBytes(keyBytes * 8));
  return sha256(uint32ToBytes(1), secret, info).subarray(0, keyBytes);
}
