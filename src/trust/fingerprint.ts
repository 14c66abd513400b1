import { bytesToHex } from '../base/mod.ts';

const BLOCKS = 12;
const BLOCK_DIGITS = 5;

/**
 * A digest for two people to compare over the telephone: 12 blocks of 5 digits, which every language can read out. They are the digest
 * as a big-endian number, modulo 10^60.
 * @param digest SHA-256, 32 bytes
 */
export function fingerprintDigits(digest: Uint8Array): string {
  const number = BigInt(`0x${bytesToHex(digest)}`) % 10n ** BigInt(BLOCKS * BLOCK_DIGITS);
  const digits = number.toString().padStart(BLOCKS * BLOCK_DIGITS, '0');
  return Array.from({ length: BLOCKS }, (_, i) => digits.slice(i * BLOCK_DIGITS, (i + 1) * BLOCK_DIGITS)).join(' ');
}

/** Whether a text that a person typed is the fingerprint of the digest: its 64 hexadecimal characters, or its 60 digits. */
export function isFingerprintOf(text: string, digest: Uint8Array): boolean {
  const plain = text.replace(/[\s-]/g, '').toLowerCase();
  return plain === bytesToHex(digest) || plain === fingerprintDigits(digest).replaceAll(' ', '');
}
