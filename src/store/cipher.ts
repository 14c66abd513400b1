/**
 * The one cipher of the store: AES-256-GCM with nonces of 96 bits and tags of 128.
 * @see NIST SP 800-38D
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

/** Length of a nonce, in bytes. */
export const NONCE_BYTES = 12;
/** Length of an authentication tag, in bytes. */
export const TAG_BYTES = 16;

/** A ciphertext, as long as its plaintext, and its tag, which stands after it. */
export type Sealed = readonly [ciphertext: Uint8Array, tag: Uint8Array];

/** Encrypts; no two plaintexts may have the same key and nonce. */
export function sealBytes(key: KeyObject, nonce: Uint8Array, about: Uint8Array, plaintext: Uint8Array): Sealed {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(about);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

/**
 * Decrypts.
 * @param sealed ciphertext ‖ tag
 * @throws when a bit of it, of the nonce or of what it is about is another, or the key is
 */
export function openBytes(key: KeyObject, nonce: Uint8Array, about: Uint8Array, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(about);
  decipher.setAuthTag(sealed.subarray(end));
  const opened = decipher.update(sealed.subarray(0, end));
  decipher.final();
  return new Uint8Array(opened.buffer, opened.byteOffset, opened.byteLength);
}
