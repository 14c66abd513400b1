import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { utf8ToBytes } from '../base/mod.ts';
import { StoreError } from './error.ts';

/** Encrypts a secret that is kept in a file of its own, such as a private key: nonce (12) ‖ ciphertext ‖ tag (16). */
export function sealSecret(dataKey: Uint8Array, name: string, secret: Uint8Array): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', dataKey, nonce);
  cipher.setAAD(utf8ToBytes(`rogatory secret ${name}`));
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** @throws {StoreError} STORE_CORRUPT when it was changed, renamed, or sealed under another data key */
export function openSecret(dataKey: Uint8Array, name: string, sealed: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv('aes-256-gcm', dataKey, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(utf8ToBytes(`rogatory secret ${name}`));
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch (cause) {
    throw new StoreError('STORE_CORRUPT', `The secret ${name} was changed on disk, or the data key is another.`, {
      cause,
    });
  }
}
