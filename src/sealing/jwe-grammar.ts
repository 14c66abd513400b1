/** The two fixed headers of a sealed message, one for each suite. They are compared as text: no JSON parser to confuse. */
import {
  accept,
  isJurisdictionCode,
  refuse,
  utf8ToBytes,
  type JurisdictionCode,
  type Suite,
  type Verdict,
} from '../base/mod.ts';
import { decodeCompact, encodeSegment, partsDigest } from './compact.ts';
import { ML_KEM_CIPHERTEXT_BYTES } from './ml-kem.ts';
import type { SealingReason } from './reason.ts';

/** The `alg` of each suite. That of suite 2 is a private name, and carries its version (RFC 7515 §4.1.1). */
export const ALGORITHMS: Readonly<Record<Suite, string>> = { 1: 'ECDH-ES', 2: 'mla-X25519MLKEM768-v1' };

/** A compact JWE of the profile, taken apart. */
export interface SealedParts {
  readonly suite: Suite;
  /** Name of the recipient's key. */
  readonly kid: string;
  /** The ephemeral X25519 public key in base64url. */
  readonly epk: string;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  /** The codes as they go into key derivation. */
  readonly apu: Uint8Array;
  readonly apv: Uint8Array;
  /** The ML-KEM-768 ciphertext; empty in suite 1. */
  readonly kemCiphertext: Uint8Array;
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
  /** The digest that ledger entries commit to. */
  readonly digest: Uint8Array;
}

export const IV_BYTES = 12;
export const TAG_BYTES = 16;

const HEADER = new RegExp(
  `^\\{"alg":"(${Object.values(ALGORITHMS).join('|')})","enc":"A256GCM","kid":"([A-Za-z0-9_-]{43})","typ":"mla-sealed\\+jwe",` +
    '"cty":"mla-message\\+jws","epk":\\{"kty":"OKP","crv":"X25519","x":"([A-Za-z0-9_-]{43})"\\},' +
    '"apu":"([A-Za-z0-9_-]{3,8})","apv":"([A-Za-z0-9_-]{3,8})"\\}$',
);

/** The protected header of a sealed message. */
export function sealedHeader(suite: Suite, kid: string, epk: string, apu: Uint8Array, apv: Uint8Array): string {
  return (
    `{"alg":"${ALGORITHMS[suite]}","enc":"A256GCM","kid":"${kid}","typ":"mla-sealed+jwe","cty":"mla-message+jws",` +
    `"epk":{"kty":"OKP","crv":"X25519","x":"${epk}"},"apu":"${encodeSegment(apu)}","apv":"${encodeSegment(apv)}"}`
  );
}

/** The segments of a JWE, decoded, and their digest. */
export interface SealedSegments {
  readonly parts: Uint8Array[];
  readonly digest: Uint8Array;
}

// What arrives is digested, to compare it with its entry, and opened next: one text, taken apart once.
let last: (SealedSegments & { readonly sealed: string }) | undefined;

/** The five segments of a JWE, whatever they say; undefined for any other text. The caller has looked at its length. */
export function unpackSealed(sealed: string): SealedSegments | undefined {
  if (last?.sealed === sealed) return last;
  const parts = decodeCompact(sealed, 5);
  if (parts === undefined) return undefined;
  last = { sealed, parts, digest: partsDigest(parts) };
  return last;
}

/** Takes a JWE apart; nothing is opened. The caller has looked at its length. */
export function readSealed(sealed: string): Verdict<SealedParts, SealingReason> {
  const segments = unpackSealed(sealed);
  if (segments === undefined) return refuse('JWE_MALFORMED', 'not five segments of base64url');
  const { parts, digest } = segments;
  const [header, encryptedKey, iv, ciphertext, tag] = parts as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const match = HEADER.exec(Buffer.from(header).toString('latin1'));
  const suite = match?.[1] === ALGORITHMS[2] ? 2 : 1;
  const keyBytes = suite === 2 ? ML_KEM_CIPHERTEXT_BYTES : 0;
  if (match === null || encryptedKey.length !== keyBytes || iv.length !== IV_BYTES || tag.length !== TAG_BYTES) {
    return refuse('JWE_MALFORMED', 'not the header of a suite');
  }
  const [, , kid, epk, apuText, apvText] = match as unknown as [string, string, string, string, string, string];
  const [apu, apv] = [Buffer.from(apuText, 'base64url'), Buffer.from(apvText, 'base64url')];
  const [from, to] = [apu.toString('latin1'), apv.toString('latin1')];
  const canonical = apu.toString('base64url') === apuText && apv.toString('base64url') === apvText;
  if (!canonical || !isJurisdictionCode(from) || !isJurisdictionCode(to)) {
    return refuse('JWE_PARTY_INVALID', 'apu or apv is not a jurisdiction code');
  }
  if (Buffer.from(epk, 'base64url').toString('base64url') !== epk)
    return refuse('JWE_MALFORMED', 'epk is not canonical');
  return accept({ suite, kid, epk, from, to, apu, apv, kemCiphertext: encryptedKey, iv, ciphertext, tag, digest });
}

/** The code of a party as it goes into the header and into key derivation. */
export function partyInfo(code: JurisdictionCode): Uint8Array {
  return utf8ToBytes(code);
}
