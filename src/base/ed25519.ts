import { hashes, Point, verify } from '@noble/ed25519';
import { sha512 } from './platform.ts';

hashes.sha512 = sha512;

/** Verifies a signature: `(signature 64 bytes, message, public key 32 bytes)`. */
export type VerifyEd25519 = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/**
 * The auditor's Ed25519 verification: the same answer on every platform, strict about encodings, never throwing.
 * @see RFC 8032 §5.1.7
 */
export const verifyEd25519: VerifyEd25519 = (signature, message, publicKey) => {
  try {
    return verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
};

/**
 * Whether a public key may be enrolled: canonical encoding, on the curve, in the prime-order subgroup and not the identity.
 * With such keys only, OpenSSL and the auditor's verifier never disagree about a signature.
 */
export function isAdmissibleEd25519Key(publicKey: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(publicKey, false);
    return !point.is0() && !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}
