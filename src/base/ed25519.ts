import { hashes, Point, verify } from '@noble/ed25519';
import { isSurelyEd25519, sha512 } from './platform.ts';

hashes.sha512 = sha512;

/** Verifies a signature: `(signature 64 bytes, message, public key 32 bytes)`. */
export type VerifyEd25519 = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

// Looking at a key costs more than a verification, an audit meets the same few keys a million times, and a federation's are read with every
// copy of its manifest.
const judged = new Map<string, KeyWeakness | undefined>();
const MAX_REMEMBERED_KEYS = 4096;
const POINT_BYTES = 32;

/**
 * The auditor's Ed25519 verification: the same answer on every platform, strict about encodings, never throwing. The answer is the one
 * without the cofactor, as OpenSSL gives it. RFC 8032 leaves the choice, and whoever holds a key can make signatures that hold with the
 * cofactor alone: nodes would refuse what auditors believe. Nothing is believed under a key that is not admissible.
 * @see RFC 8032 §5.1.7
 */
export const verifyEd25519: VerifyEd25519 = (signature, message, publicKey) => {
  try {
    if (!isAdmissibleEd25519Key(publicKey)) return false;
    if (isSurelyEd25519(signature, message, publicKey)) return true;
    return verify(signature, message, publicKey, { zip215: false }) && isInSubgroup(signature.subarray(0, POINT_BYTES));
  } catch {
    return false;
  }
};

/**
 * Whether R has no part of small order. With the cofactor the equation holds whatever such part R has; under a key that has none itself, it
 * holds without the cofactor exactly where R has none either.
 */
function isInSubgroup(r: Uint8Array): boolean {
  return Point.fromBytes(r, false).isTorsionFree();
}

/** Why a public key must not be enrolled. */
export type KeyWeakness =
  /** It does not encode a point of the curve in its one form. */
  | 'KEY_NOT_CANONICAL'
  /** The identity, or another point of an order below nine: many signatures verify under it. */
  | 'KEY_SMALL_ORDER'
  /** A point outside the prime-order subgroup: two right verifiers may disagree about a signature. */
  | 'KEY_MIXED_ORDER';

/** What is wrong with an Ed25519 public key; undefined when nothing is. @see RFC 8032 §5.1.3 */
export function ed25519KeyWeakness(publicKey: Uint8Array): KeyWeakness | undefined {
  if (publicKey.length !== POINT_BYTES) return 'KEY_NOT_CANONICAL';
  const id = String.fromCharCode(...publicKey);
  if (judged.has(id)) return judged.get(id);
  const weakness = weaknessOf(publicKey);
  if (judged.size >= MAX_REMEMBERED_KEYS) judged.clear();
  judged.set(id, weakness);
  return weakness;
}

function weaknessOf(publicKey: Uint8Array): KeyWeakness | undefined {
  let point: Point;
  try {
    point = Point.fromBytes(publicKey, false);
  } catch {
    return 'KEY_NOT_CANONICAL';
  }
  if (point.is0() || point.isSmallOrder()) return 'KEY_SMALL_ORDER';
  return point.isTorsionFree() ? undefined : 'KEY_MIXED_ORDER';
}

/**
 * Whether a public key may be enrolled: canonical encoding, on the curve, in the prime-order subgroup and not the identity.
 * With such keys only, OpenSSL and the auditor's verifier never disagree about a signature.
 */
export function isAdmissibleEd25519Key(publicKey: Uint8Array): boolean {
  return ed25519KeyWeakness(publicKey) === undefined;
}
