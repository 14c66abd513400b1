/**
 * Compact serialisation, strictly: exactly so many segments, each canonical base64url. General JOSE libraries accept trailing bits and
 * white space in some segments, so that one message has several texts; here a message has one.
 */
import { bytesToBase64url, lengthPrefixed, parseBase64url, sha256, utf8ToBytes } from '../base/mod.ts';

/** Longest compact JWS: header, 524,288 bytes of payload and a signature, in base64url. */
export const MAX_JWS_CHARS = 700_000;

/** Longest compact JWE: a header, an ML-KEM ciphertext, the longest JWS as ciphertext, IV and tag, in base64url. */
export const MAX_JWE_CHARS = 936_000;

/**
 * The segments of a compact serialisation, decoded.
 * @returns undefined unless there are exactly `count` segments, all canonical base64url
 * @see RFC 7515 §3.1, RFC 7516 §3.1
 */
export function decodeCompact(text: string, count: number): Uint8Array[] | undefined {
  const segments = text.split('.', count + 1);
  if (segments.length !== count) return undefined;
  const parts: Uint8Array[] = [];
  for (const segment of segments) {
    const bytes = tryBase64url(segment);
    if (bytes === undefined) return undefined;
    parts.push(bytes);
  }
  return parts;
}

/** SHA-256 over, for each part in order, its length as u32 big-endian and its bytes: the identity of a message, whatever its text. */
export function partsDigest(parts: readonly Uint8Array[]): Uint8Array {
  return sha256(...lengthPrefixed(parts));
}

/** Base64url without padding. @see RFC 7515 §2 */
export function encodeSegment(bytes: Uint8Array | string): string {
  return bytesToBase64url(typeof bytes === 'string' ? utf8ToBytes(bytes) : bytes);
}

function tryBase64url(segment: string): Uint8Array | undefined {
  try {
    return parseBase64url(segment);
  } catch {
    return undefined;
  }
}
