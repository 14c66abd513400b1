/** The council's work: drafting the next manifest, and signing it. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GeneralSign } from 'jose';
import { utf8ToBytes } from '../base/mod.ts';
import { TrustError } from './error.ts';
import { encodeManifest, parseManifest, type Manifest, type MemberKey, type MemberStatement } from './manifest.ts';
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
 * A draft with one more member.
 * @throws {TrustError} TRUST_ALREADY_MEMBER
 */
export function addMember(draft: Manifest, statement: MemberStatement, nowMs: number): Manifest {
  if (draft.members.some(({ code }) => code === statement.code)) {
    throw new TrustError('TRUST_ALREADY_MEMBER', `${statement.code} is in the manifest already.`);
  }
  return { ...draft, issued_at: nowMs, members: [...draft.members, { ...statement, status: 'ACTIVE' }] };
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
  const earlier = signed === undefined ? undefined : parseGeneralJws(signed);
  if (earlier !== undefined && earlier.payload !== jws.payload) {
    throw new TrustError('TRUST_MALFORMED', 'The signed file is over another draft.');
  }
  const own = jws.signatures.map(({ protected: header, signature }) => ({ protected: header!, signature }));
  const others = (earlier?.signatures ?? []).filter((item) => item.protected !== own[0]!.protected);
  const signatures = [...others, ...own].map((item) => ({ protected: item.protected, signature: item.signature }));
  return `${JSON.stringify({ payload: jws.payload, signatures })}\n`;
}
