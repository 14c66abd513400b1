import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { parseBase64, bytesToBase64, utf8ToBytes } from '../base/mod.ts';
import { StoreError } from './error.ts';

/** Length of a data key, in bytes. */
export const DATA_KEY_BYTES = 32;

// OWASP's recommendation for scrypt: 128 MiB and about 0.3 s a guess.
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const AAD = utf8ToBytes('rogatory data key 1');

interface WrappedKey {
  readonly version: 1;
  readonly kdf: 'none' | 'scrypt';
  readonly salt?: string;
  readonly nonce?: string;
  readonly key: string;
}

/**
 * Wraps a data key for its file: encrypted under the passphrase, or as it is when there is none, which is for sandboxes.
 * @see RFC 7914
 */
export function wrapDataKey(dataKey: Uint8Array, passphrase: string | undefined): string {
  if (passphrase === undefined) return encode({ version: 1, kdf: 'none', key: bytesToBase64(dataKey) });
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', scryptSync(passphrase.normalize('NFC'), salt, 32, SCRYPT), nonce);
  cipher.setAAD(AAD);
  const ciphertext = Buffer.concat([cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
  const text = { salt: bytesToBase64(salt), nonce: bytesToBase64(nonce), key: bytesToBase64(ciphertext) };
  return encode({ version: 1, kdf: 'scrypt', ...text });
}

/**
 * The data key of a file made by `wrapDataKey`.
 * @throws {StoreError} STORE_PASSPHRASE_NEEDED, STORE_PASSPHRASE_WRONG
 */
export function unwrapDataKey(text: string, passphrase: string | undefined): Uint8Array {
  let dataKey: Uint8Array;
  try {
    const wrapped = JSON.parse(text) as WrappedKey;
    if (wrapped.kdf === 'none') {
      dataKey = parseBase64(wrapped.key);
    } else {
      if (passphrase === undefined) {
        throw new StoreError(
          'STORE_PASSPHRASE_NEEDED',
          'The node’s data key is under a passphrase: set ROGATORY_PASSPHRASE or ROGATORY_PASSPHRASE_FILE.',
        );
      }
      const secret = scryptSync(passphrase.normalize('NFC'), parseBase64(wrapped.salt!), 32, SCRYPT);
      const bytes = parseBase64(wrapped.key);
      const decipher = createDecipheriv('aes-256-gcm', secret, parseBase64(wrapped.nonce!), { authTagLength: 16 });
      decipher.setAAD(AAD);
      decipher.setAuthTag(bytes.subarray(-16));
      dataKey = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    }
    if (dataKey.length !== DATA_KEY_BYTES) throw new TypeError('not a data key');
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(
      'STORE_PASSPHRASE_WRONG',
      'The passphrase is wrong, or the file of the data key was changed.',
      { cause },
    );
  }
  return dataKey;
}

function encode(wrapped: WrappedKey): string {
  return `${JSON.stringify(wrapped, undefined, 2)}\n`;
}
