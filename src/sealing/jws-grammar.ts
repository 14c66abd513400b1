/** The grammar of a signed message, without any key: what verifies it in a node and in an auditor's browser begins here. */
import { parseUtf8, utf8ToBytes } from '../base/mod.ts';
import { decodeCompact, partsDigest } from './compact.ts';

/** A compact JWS of the profile, taken apart. */
export interface SignedParts {
  /** Name of the key that is said to have signed. */
  readonly kid: string;
  readonly payload: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** What was signed: header and payload segments in ASCII. */
  readonly input: Uint8Array;
  /** The digest that ledger entries commit to. */
  readonly digest: Uint8Array;
}

// The header is a fixed text around the key's name: comparing it needs no JSON parser that an attacker could confuse.
const HEADER = /^\{"alg":"Ed25519","kid":"([A-Za-z0-9_-]{43})","typ":"mla-message\+jws"\}$/;

/**
 * Takes a JWS apart; nothing is verified.
 * @returns undefined unless it is three canonical segments with exactly the header of the profile
 * @see RFC 7515 §3.1
 */
export function readSigned(jws: string): SignedParts | undefined {
  const parts = decodeCompact(jws, 3);
  if (parts === undefined) return undefined;
  const [header, payload, signature] = parts as [Uint8Array, Uint8Array, Uint8Array];
  const kid = HEADER.exec(textOf(header))?.[1];
  if (kid === undefined || signature.length !== 64) return undefined;
  const input = utf8ToBytes(jws.slice(0, jws.lastIndexOf('.')));
  return { kid, payload, signature, input, digest: partsDigest(parts) };
}

function textOf(bytes: Uint8Array): string {
  try {
    return parseUtf8(bytes);
  } catch {
    return '';
  }
}
