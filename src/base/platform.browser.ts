/** The same primitives as `platform.ts`, for a browser: the bundle of the auditor's page takes this file in its place. */
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';

/** SHA-256 over the parts in order, as if they were one byte string. @see FIPS 180-4 */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** SHA-512 over one byte string. @see FIPS 180-4 */
export function sha512(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(nobleSha512(bytes));
}

// `btoa` takes one character a byte, and not too many arguments at a time fit into one call.
const CHUNK = 8192;

/** Base64 with the standard alphabet and padding. @see RFC 4648 §4 */
export function bytesToBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}

/** Base64 with the URL alphabet and no padding. @see RFC 4648 §5 */
export function bytesToBase64url(bytes: Uint8Array): string {
  return bytesToBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Lenient base64 decoding of either alphabet; `parseBase64` and `parseBase64url` in `bytes.ts` are the strict ones. */
export function decodeBase64Leniently(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  } catch {
    // Node's decoder never fails; what it makes of such a text is refused by the comparison that follows, and so is this.
    return new Uint8Array();
  }
}

const encoder = new TextEncoder();

/** UTF-8 bytes of a string. */
export function utf8ToBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the text that parts of these bytes spell; undefined for a part that is not UTF-8. */
export function utf8Reader(bytes: Uint8Array): (start: number, end: number) => string | undefined {
  return (start, end) => {
    try {
      return textDecoder.decode(bytes.subarray(start, end));
    } catch {
      return undefined;
    }
  };
}

/** A few bytes of the system's random generator, for ids and nonces. */
export function randomFew(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

// One row for each byte, by the reversed polynomial.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let row = byte;
  for (let bit = 0; bit < 8; bit++) row = row & 1 ? 0xedb8_8320 ^ (row >>> 1) : row >>> 1;
  return row;
});

/** CRC-32 of a zip's files. @see ISO 3309, APPNOTE.TXT §4.4.7 */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** A browser has no synchronous verifier of its own, so nothing is sure before the auditor's verifier has said so. */
export function isSurelyEd25519(): boolean {
  return false;
}
