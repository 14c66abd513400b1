/**
 * A value as it rests in a table: encrypted under the data key, with its own key as associated data. A changed bit or a value moved to
 * another key is an error, never an answer. Keys are not encrypted: they name ids and jurisdictions, no content.
 *
 *     01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)
 *
 * Nonces are random, and a data key is good for 2^32 of them.
 * @see NIST SP 800-38D §8.2.2, §8.3
 */
import type { KeyObject } from 'node:crypto';
import { randomFew } from '../base/mod.ts';
import { NONCE_BYTES, TAG_BYTES, openBytes, sealBytes } from './cipher.ts';
import { StoreError } from './error.ts';

// First byte of a sealed value.
const SEALED_VALUE = 1;

/** Seals a value for a table. */
export function sealValue(dataKey: KeyObject, name: string, value: Uint8Array): Uint8Array {
  const nonce = randomFew(NONCE_BYTES);
  const [ciphertext, tag] = sealBytes(dataKey, nonce, Buffer.from(name, 'latin1'), value);
  const sealed = Buffer.allocUnsafe(1 + NONCE_BYTES + ciphertext.length + TAG_BYTES);
  sealed[0] = SEALED_VALUE;
  sealed.set(nonce, 1);
  sealed.set(ciphertext, 1 + NONCE_BYTES);
  sealed.set(tag, sealed.length - TAG_BYTES);
  return sealed;
}

/** Opens a value of a table. @throws {StoreError} STORE_CORRUPT */
export function openValue(dataKey: KeyObject, name: string, sealed: Uint8Array): Uint8Array {
  try {
    if (sealed[0] !== SEALED_VALUE) throw new TypeError('unknown version');
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    return openBytes(dataKey, nonce, Buffer.from(name, 'latin1'), sealed.subarray(1 + NONCE_BYTES));
  } catch (cause) {
    throw changedValue(name, cause);
  }
}

/** The error for a value that does not open. */
export function changedValue(name: string, cause?: unknown): StoreError {
  return new StoreError('STORE_CORRUPT', `The record ${name} was changed on disk, or the data key is another.`, {
    cause,
  });
}
