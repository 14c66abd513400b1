/**
 * Proof of possession of an encryption key: a signature by the X25519 private key itself, verified like any Ed25519 signature under the
 * Edwards form of its public key.
 * @see The XEdDSA and VXEdDSA Signature Schemes, revision 1, §2.3 and §2.4; RFC 7748 §4.1
 */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { concatBytes, sha512, verifyEd25519 } from '../base/mod.ts';

const ORDER = Point.CURVE().n;
const PRIME = 2n ** 255n - 19n;
// hash_1 of the scheme: a prefix that no Ed25519 signature hashes.
const NONCE_PREFIX = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xfe : 0xff));

/** Signs with an X25519 private key. */
export function signWithX25519(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  const scalar = clampedScalar(Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'));
  const point = Point.BASE.multiply(scalar);
  const publicKey = point.toBytes();
  const negative = publicKey[31]! >= 0x80;
  const secret = negative ? ORDER - scalar : scalar;
  publicKey[31]! &= 0x7f;
  const nonce = reduce(sha512(concatBytes(NONCE_PREFIX, littleEndian(secret), message, randomBytes(64))));
  const commitment = Point.BASE.multiply(nonce).toBytes();
  const challenge = reduce(sha512(concatBytes(commitment, publicKey, message)));
  return concatBytes(commitment, littleEndian((nonce + challenge * secret) % ORDER));
}

/** Whether the holder of an X25519 public key (32 bytes) signed the message. */
export function verifyWithX25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const u = fromLittleEndian(publicKey);
  if (u >= PRIME || u === PRIME - 1n) return false;
  // The birational map of RFC 7748 §4.1, with the sign bit fixed at zero.
  const y = (mod(u - 1n) * inverse(mod(u + 1n))) % PRIME;
  return verifyEd25519(signature, message, littleEndian(y));
}

/** The raw public key of an X25519 or Ed25519 key. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'));
}

function clampedScalar(seed: Uint8Array): bigint {
  const bytes = seed.slice();
  bytes[0]! &= 248;
  bytes[31] = (bytes[31]! & 127) | 64;
  return fromLittleEndian(bytes) % ORDER;
}

function reduce(hash: Uint8Array): bigint {
  return fromLittleEndian(hash) % ORDER;
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

function mod(value: bigint): bigint {
  return ((value % PRIME) + PRIME) % PRIME;
}

function inverse(value: bigint): bigint {
  let [result, base] = [1n, value];
  for (let exponent = PRIME - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % PRIME;
    base = (base * base) % PRIME;
  }
  return result;
}
