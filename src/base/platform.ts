/**
 * The few primitives that differ between Node and a browser: hashes and base64. The bundle of the browser's auditor swaps
 * this one file; nothing else in `base`, `ledger` or `audit` may name a platform.
 */
import { createHash } from 'node:crypto';

/** SHA-256 over the parts in order, as if they were one byte string. @see FIPS 180-4 */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return viewOf(hash.digest());
}

/** SHA-512 over one byte string. @see FIPS 180-4 */
export function sha512(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return viewOf(createHash('sha512').update(bytes).digest());
}

/** Base64 with the standard alphabet and padding. @see RFC 4648 §4 */
export function bytesToBase64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64');
}

/** Lenient base64 decoding; `parseBase64` in `bytes.ts` is the strict one. */
export function decodeBase64Leniently(text: string): Uint8Array {
  return viewOf(Buffer.from(text, 'base64'));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// A plain Uint8Array, so that equality in tests and `structuredClone` do not depend on Node's Buffer subclass.
function viewOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
