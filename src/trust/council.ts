/** The council's work: drafting the next manifest, and signing it. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GeneralSign } from 'jose';
import { utf8ToBytes } from '../base/mod.ts';
import { TrustError } from './error.ts';
import { encodeManifest, type Manifest, type MemberKey } from './manifest.ts';
import { parseManifest } from './manifest-reader.ts';
import { manifestHeader, parseGeneralJws } from './manifest-signature.ts';
import { publicJwk } from './node-keys.ts';

const YEAR_MS = 365 * 24 * 3_600_000;
const COUNCIL_KEY_YEARS = 10;

/** A new council key and its entry in the manifest. */
export function generateCouncilKey(nowMs: number): { readonly privateKey: KeyObject; readonly entry: MemberKey } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    privateKey,
    entry: { ...publicJwk(privateKey), not_before: nowMs, not_after: nowMs + COUNCIL_KEY_YEARS * YEAR_MS },
  };
}

/** The first draft of a federation: a council and no members. */
export function draftManifest(council: Manifest['council'], nowMs: number): Manifest {
  return {
    version: 1,
    issued_at: nowMs,
    expires_at: nowMs + 2 * YEAR_MS,
    council,
    minimums: { protocol: 1, suite: 1 },
    members: [],
  };
}

/**
 * The manifest with one more council signature.
 * @param signed a file with signatures over the same payload, if there is one already
 * @throws {TrustError} TRUST_MALFORMED when the signed file has another payload, or the draft breaks the rules
 */
export async function signManifest(draft: Manifest, key: KeyObject, signed?: string): Promise<string> {
  const payload = utf8ToBytes(encodeManifest(draft));
  parseManifest(payload);
  const { kid } = publicJwk(key);
  const jws = await new GeneralSign(payload).addSignature(key).setProtectedHeader(manifestHeader(kid)).sign();
  const own = jws.signatures.map(({ protected: header, signature }) => ({ protected: header!, signature }));
  const text = `${JSON.stringify({ payload: jws.payload, signatures: own })}\n`;
  return signed === undefined ? text : mergeSignatures(signed, text);
}

/**
 * The signatures of two files over one draft, in one file; of two by the same key, the second's.
 * @throws {TrustError} TRUST_MALFORMED when they are over different drafts
 */
export function mergeSignatures(first: string, second: string): string {
  const [a, b] = [parseGeneralJws(first), parseGeneralJws(second)];
  if (a.payload !== b.payload) throw new TrustError('TRUST_MALFORMED', 'The signed files are over different drafts.');
  const others = a.signatures.filter((item) => !b.signatures.some((own) => own.protected === item.protected));
  const signatures = [...others, ...b.signatures].map((item) => ({
    protected: item.protected,
    signature: item.signature,
  }));
  return `${JSON.stringify({ payload: a.payload, signatures })}\n`;
}
