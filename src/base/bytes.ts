import { BaseError } from './error.ts';
import { bytesToBase64, bytesToBase64url, decodeBase64Leniently } from './platform.ts';

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

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
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Each part behind its length as a 32-bit unsigned integer, big-endian, in order: what a hash over several parts is fed with. */
export function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (const part of parts) out.push(uint32ToBytes(part.length), part);
  return out;
}

/** Equality of public values; not constant time, so not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal. */
export function bytesToHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += HEX_OF_BYTE[byte]!;
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

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64_DIGITS = digitsOf(`${ALPHABET}+/`);
const BASE64URL_DIGITS = digitsOf(`${ALPHABET}-_`);
// Hashes and signatures: a call of the platform takes longer than their few digits.
const SHORT_CHARS = 128;

/**
 * Bytes of canonical base64: standard alphabet, padded, unused bits zero, nothing else in the string.
 * @throws {BaseError} BASE_BAD_BASE64
 * @see RFC 4648 §3.5, §4
 */
export function parseBase64(text: string): Uint8Array {
  const digits = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  const bytes = text.length % 4 === 0 ? decodeStrictly(text, digits, BASE64_DIGITS, bytesToBase64) : undefined;
  if (bytes === undefined) throw new BaseError('BASE_BAD_BASE64', 'The text is not canonical base64.');
  return bytes;
}

/**
 * Bytes of canonical base64url: URL alphabet, no padding, unused bits zero, nothing else in the string.
 * @throws {BaseError} BASE_BAD_BASE64
 * @see RFC 7515 §2
 */
export function parseBase64url(text: string): Uint8Array {
  const bytes = decodeStrictly(text, text.length, BASE64URL_DIGITS, bytesToBase64url);
  if (bytes === undefined) throw new BaseError('BASE_BAD_BASE64', 'The text is not canonical base64url.');
  return bytes;
}

function decodeStrictly(
  text: string,
  digits: number,
  values: Int8Array,
  encode: (bytes: Uint8Array) => string,
): Uint8Array | undefined {
  if (text.length <= SHORT_CHARS) return decodeShort(text, digits, values);
  const bytes = decodeBase64Leniently(text);
  return encode(bytes) === text ? bytes : undefined;
}

/** Digit by digit; undefined for what is no digit, for a digit that stands alone at the end, and for unused bits that are not zero. */
function decodeShort(text: string, digits: number, values: Int8Array): Uint8Array | undefined {
  if (digits % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((digits * 3) / 4));
  let [bits, held, at] = [0, 0, 0];
  for (let i = 0; i < digits; i++) {
    // Beyond the table there is no value, which the bit operators would take for zero.
    const value = values[text.charCodeAt(i)] ?? -1;
    if (value < 0) return undefined;
    held = (held << 6) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[at++] = held >>> bits;
    held &= (1 << bits) - 1;
  }
  return held === 0 ? out : undefined;
}

/** Value of each digit by its character code; −1 for all else. */
function digitsOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value;
  return values;
}

/** A 32-bit unsigned integer, big-endian. */
export function uint32ToBytes(value: number): Uint8Array {
  const out = new Uint8Array(4);
  out[0] = value >>> 24;
  out[1] = value >>> 16;
  out[2] = value >>> 8;
  out[3] = value;
  return out;
}

/** A 64-bit unsigned integer, big-endian; `value` is at most 2^53−1. */
export function uint64ToBytes(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}
