/**
 * The few primitives that differ between Node and a browser: hashes, base64, checksums, and a quick look at signatures. The bundle of the browser's auditor swaps
 * this one file; nothing else in `base`, `ledger` or `audit` may name a platform.
 */
import { isAscii as nodeIsAscii, isUtf8 as nodeIsUtf8 } from 'node:buffer';
import * as crypto from 'node:crypto';
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';

// In one call, and with the digest as text: a tenth of the cost of an object that is fed and asked for a Buffer, and a tree is made of
// short hashes. Node has it since 20.12; the types of Node 20 do not.
const { hash } = crypto as unknown as {
  readonly hash: (name: string, data: Uint8Array, encoding: 'latin1') => string;
};
const SHA256_BYTES = 32;
const SHORT_BYTES = 16_384;
const scratch = Buffer.alloc(SHORT_BYTES);
// Its first bytes, as many as a tree's hashes are of: to make a view takes a third of the time of the hash.
const VIEWS = Array.from({ length: 257 }, (_, length) => scratch.subarray(0, length));

/** SHA-256 over the parts in order, as if they were one byte string. @see FIPS 180-4 */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > SHORT_BYTES) {
    const long = createHash('sha256');
    for (const part of parts) long.update(part);
    return viewOf(long.digest());
  }
  let at = 0;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  const digest = hash('sha256', VIEWS[length] ?? scratch.subarray(0, length), 'latin1');
  const out = new Uint8Array(SHA256_BYTES);
  for (let i = 0; i < SHA256_BYTES; i++) out[i] = digest.charCodeAt(i);
  return out;
}

/** SHA-512 over one byte string. @see FIPS 180-4 */
export function sha512(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return viewOf(createHash('sha512').update(bytes).digest());
}

/** Base64 with the standard alphabet and padding. @see RFC 4648 §4 */
export function bytesToBase64(bytes: Uint8Array): string {
  if (bytes.length > SHORT_BYTES) return bufferOf(bytes).toString('base64');
  // Another view of a short array costs more than a copy: its memory is moved first.
  scratch.set(bytes);
  return scratch.toString('base64', 0, bytes.length);
}

/** Lenient base64 decoding of either alphabet; `parseBase64` and `parseBase64url` in `bytes.ts` are the strict ones. */
export function decodeBase64Leniently(text: string): Uint8Array {
  return viewOf(Buffer.from(text, 'base64'));
}

/** UTF-8 bytes of a string. */
export function utf8ToBytes(text: string): Uint8Array {
  return viewOf(Buffer.from(text, 'utf8'));
}

// A look at so few bytes costs less than asking.
const FEW_BYTES = 48;

/**
 * Reads the text that parts of these bytes spell; undefined for a part that is not UTF-8: an overlong form, a surrogate, beyond U+10FFFF.
 * @see RFC 3629 §3
 */
export function utf8Reader(bytes: Uint8Array): (start: number, end: number) => string | undefined {
  const buffer = bufferOf(bytes);
  return (start, end) => {
    if (isAsciiAt(buffer, start, end)) return buffer.toString('latin1', start, end);
    return nodeIsUtf8(buffer.subarray(start, end)) ? buffer.toString('utf8', start, end) : undefined;
  };
}

function isAsciiAt(buffer: Buffer, start: number, end: number): boolean {
  if (end - start > FEW_BYTES) return nodeIsAscii(buffer.subarray(start, end));
  for (let at = start; at < end; at++) if (buffer[at]! > 0x7f) return false;
  return true;
}

const POOLED_RANDOM_BYTES = 8_192;
let pool = new Uint8Array(0);
let used = 0;

/**
 * A few bytes of the system's random generator, for ids and nonces; keys are made otherwise. A call of the generator costs as much as
 * sealing a short value, however few bytes it is for.
 */
export function randomFew(bytes: number): Uint8Array {
  if (used + bytes > pool.length) {
    pool = viewOf(crypto.randomBytes(Math.max(POOLED_RANDOM_BYTES, bytes)));
    used = 0;
  }
  used += bytes;
  return pool.slice(used - bytes, used);
}

/** CRC-32 of a zip's files. @see ISO 3309, APPNOTE.TXT §4.4.7 */
export function crc32(bytes: Uint8Array): number {
  return zlibCrc32(bytes);
}

const keyObjects = new Map<string, KeyObject>();
const MAX_KEY_OBJECTS = 256;

/**
 * OpenSSL's opinion of an Ed25519 signature under a key that was admitted: true is a proof. What is false is for the auditor's own verifier
 * to say, which is the same on every platform.
 */
export function isSurelyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const x = bufferOf(publicKey).toString('base64url');
  let key = keyObjects.get(x);
  if (key === undefined) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    if (keyObjects.size >= MAX_KEY_OBJECTS) keyObjects.clear();
    keyObjects.set(x, key);
  }
  return verify(null, message, key, signature);
}

/** Base64 with the URL alphabet and no padding. @see RFC 4648 §5 */
export function bytesToBase64url(bytes: Uint8Array): string {
  if (bytes.length > SHORT_BYTES) return bufferOf(bytes).toString('base64url');
  scratch.set(bytes);
  return scratch.toString('base64url', 0, bytes.length);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// A plain Uint8Array, so that equality in tests and `structuredClone` do not depend on Node's Buffer subclass.
function viewOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
