import { BaseError } from './error.ts';
import { bytesToBase64, bytesToBase64url, decodeBase64Leniently } from './platform.ts';

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a string. */
export function utf8ToBytes(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/**
 * Text of UTF-8 bytes; a byte-order mark is kept as a character.
 * @throws {BaseError} BASE_BAD_UTF8
 */
export function parseUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch (cause) {
    throw new BaseError('BASE_BAD_UTF8', 'The bytes are not UTF-8.', { cause });
  }
}

/** One byte string out of several, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Equality of public values; not constant time, so not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lower-case hexadecimal. */
export function bytesToHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

/**
 * Bytes of lower-case hexadecimal.
 * @throws {BaseError} BASE_BAD_HEX
 */
export function parseHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new BaseError('BASE_BAD_HEX', 'Expected pairs of lower-case hexadecimal digits.');
  }
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/**
 * Bytes of canonical base64: standard alphabet, padded, unused bits zero, nothing else in the string.
 * @throws {BaseError} BASE_BAD_BASE64
 * @see RFC 4648 §3.5, §4
 */
export function parseBase64(text: string): Uint8Array {
  const bytes = decodeBase64Leniently(text);
  if (bytesToBase64(bytes) !== text) throw new BaseError('BASE_BAD_BASE64', 'The text is not canonical base64.');
  return bytes;
}

/**
 * Bytes of canonical base64url: URL alphabet, no padding, unused bits zero, nothing else in the string.
 * @throws {BaseError} BASE_BAD_BASE64
 * @see RFC 7515 §2
 */
export function parseBase64url(text: string): Uint8Array {
  // Either alphabet is decoded; the comparison knows one.
  const bytes = decodeBase64Leniently(text);
  if (bytesToBase64url(bytes) !== text) throw new BaseError('BASE_BAD_BASE64', 'The text is not canonical base64url.');
  return bytes;
}

/** A 32-bit unsigned integer, big-endian. */
export function uint32ToBytes(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

/** A 64-bit unsigned integer, big-endian; `value` is at most 2^53−1. */
export function uint64ToBytes(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}
