/** Sealing and opening of chunks. Every chunk stands by itself, and none can take another's place. */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { TAG_BYTES } from './geometry.ts';

/** Length of a file's key, in bytes. */
export const FILE_KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** The cipher of one file: key = HKDF-SHA-256(file key, no salt, info = file id), associated data = file id. @see RFC 5869, SP 800-38D */
export class ChunkCipher {
  readonly #key: KeyObject;
  readonly #aad: Uint8Array;

  /** @param fileKey 32 bytes @param fileId the UUID as text */
  constructor(fileKey: Uint8Array, fileId: string) {
    // Nothing of another room is needed here, so that the thread that ciphers starts at once.
    this.#aad = Buffer.from(fileId, 'utf8');
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', fileKey, new Uint8Array(0), this.#aad, 32)));
  }

  /** A sealed chunk is the one, then the other. */
  seal(
    plain: Uint8Array,
    index: number,
    isLast: boolean,
  ): { readonly ciphertext: Buffer<ArrayBuffer>; readonly tag: Buffer } {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(index, isLast));
    cipher.setAAD(this.#aad);
    const ciphertext = cipher.update(plain);
    cipher.final();
    return { ciphertext, tag: cipher.getAuthTag() };
  }

  /** The plaintext; undefined when this is not that chunk of this file. */
  open(sealed: Uint8Array, index: number, isLast: boolean): Buffer<ArrayBuffer> | undefined {
    if (sealed.length <= TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(index, isLast), { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#aad);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plain;
  }
}

// 11 bytes big-endian, of which a safe integer needs seven, and the flag that says where the file ends.
function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
