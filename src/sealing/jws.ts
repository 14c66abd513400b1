import { verify, type KeyObject } from 'node:crypto';
import { accept, refuse, utf8ToBytes, type Verdict } from '../base/mod.ts';
import { MAX_JWS_CHARS, decodeCompact, encodeSegment, partsDigest } from './compact.ts';
import { readSigned } from './jws-grammar.ts';
import type { SealingReason } from './reason.ts';

/** What signs messages: a `sign` key, wherever it is kept. */
export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** Ed25519; 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

declare const verified: unique symbol;

/** A payload whose signature was verified; only this room makes one. */
export interface VerifiedMessage {
  readonly [verified]: true;
  readonly payload: Uint8Array;
  readonly kid: string;
  /** The digest that ledger entries commit to. */
  readonly signedDigest: Uint8Array;
}

/** A signed message, and the digest that ledger entries commit to. */
export interface SignedMessage {
  readonly jws: string;
  readonly signedDigest: Uint8Array;
}

/**
 * A compact JWS with exactly the header `{"alg":"Ed25519","kid":…,"typ":"mla-message+jws"}`.
 * @see RFC 7515 §7.1, RFC 9864 §2.2
 */
export function signMessage(payload: Uint8Array, key: SigningKey): SignedMessage {
  const header = utf8ToBytes(`{"alg":"Ed25519","kid":"${key.kid}","typ":"mla-message+jws"}`);
  const input = `${encodeSegment(header)}.${encodeSegment(payload)}`;
  const signature = key.sign(Buffer.from(input, 'latin1'));
  return { jws: `${input}.${encodeSegment(signature)}`, signedDigest: partsDigest([header, payload, signature]) };
}

/**
 * Verifies a compact JWS of this profile.
 * @param keyFor the sender's public Ed25519 key of that name, if there is one; asked only after the grammar was checked
 */
export function verifyMessage(
  jws: string,
  keyFor: (kid: string) => KeyObject | undefined,
): Verdict<VerifiedMessage, SealingReason> {
  if (jws.length > MAX_JWS_CHARS) return refuse('TOO_LARGE', `${jws.length} characters`);
  const signed = readSigned(jws);
  if (signed === undefined)
    return refuse('JWS_MALFORMED', 'not three segments of base64url with the header of the profile');
  const { kid, payload, signature, input, digest } = signed;
  const key = keyFor(kid);
  if (key === undefined) return refuse('JWS_KEY_UNKNOWN', kid);
  if (!verify(null, input, key, signature)) return refuse('JWS_SIGNATURE_INVALID', kid);
  return accept({ payload, kid, signedDigest: digest } as VerifiedMessage);
}

/**
 * The digest of a JWS over its decoded parts.
 * @throws {TypeError} for a text that is not a compact JWS, which `signMessage` never returns
 */
export function signedDigest(jws: string): Uint8Array {
  const parts = decodeCompact(jws, 3);
  if (parts === undefined) throw new TypeError('not a compact JWS');
  return partsDigest(parts);
}
