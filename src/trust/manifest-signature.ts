/**
 * The manifest's signatures: a JWS in JSON general serialisation, of which there is exactly one spelling.
 * @see RFC 7515 §7.2.1
 */
import {
  RogatoryError,
  accept,
  bytesToHex,
  isoTime,
  jwkToBytes,
  parseBase64url,
  refuse,
  sha256,
  utf8ToBytes,
  verifyEd25519,
  parseUtf8,
  type Verdict,
} from '../base/mod.ts';
import { TrustError } from './error.ts';
import type { Council, Manifest } from './manifest.ts';
import { parseManifest } from './manifest-reader.ts';
import { validityObjection } from './member-key.ts';

/** A manifest whose signatures reach the thresholds; only this room makes one. */
export interface VerifiedManifest {
  readonly [verified]: true;
  readonly manifest: Manifest;
  /** SHA-256 of the payload. */
  readonly digest: Uint8Array;
  /** The file as it is and travels. */
  readonly text: string;
}

declare const verified: unique symbol;

/** Why a manifest is not accepted. */
export type ManifestRefusal =
  | 'MANIFEST_MALFORMED'
  | 'MANIFEST_UNSIGNED'
  /** Of the version in force, or of one before it. */
  | 'MANIFEST_NOT_NEWER'
  /** Of a later version than the next: the ones between have to come first, or nobody could audit how it came about. */
  | 'MANIFEST_SKIPS'
  /** Said to be issued before the one that it follows. */
  | 'MANIFEST_BACKDATED'
  | 'MANIFEST_NOT_PINNED';

/** What a node compares a manifest with. */
export type ManifestAnchor =
  /** The manifest in force: its council must agree to its successor. */
  | { readonly predecessor: VerifiedManifest }
  /** The first manifest: its payload's SHA-256 in lower-case hex, exchanged out of band. */
  | { readonly fingerprint: string }
  /** None: for showing a manifest, or auditing under one that the auditor chose. */
  | { readonly selfSigned: true };

const MAX_CHARS = 1_000_000;
const HEADER = /^\{"alg":"Ed25519","kid":"([A-Za-z0-9_-]{43})","typ":"mla-manifest\+jws"\}$/;

interface GeneralJws {
  readonly payload: string;
  readonly signatures: readonly { readonly protected: string; readonly signature: string }[];
}

/** The protected header that a council key signs under. */
export function manifestHeader(kid: string): {
  readonly alg: 'Ed25519';
  readonly kid: string;
  readonly typ: 'mla-manifest+jws';
} {
  return { alg: 'Ed25519', kid, typ: 'mla-manifest+jws' };
}

/** Verifies a manifest against what the node trusts already. */
export function verifyManifest(text: string, anchor: ManifestAnchor): Verdict<VerifiedManifest, ManifestRefusal> {
  let jws: GeneralJws;
  let payload: Uint8Array;
  let manifest: Manifest;
  try {
    jws = parseGeneralJws(text);
    payload = parseBase64url(jws.payload);
    // Thousands of keys fit into one file, and each takes long to judge: a stranger to the council in force is not read that far.
    const objection = 'predecessor' in anchor ? objectionTo(jws, payload, anchor.predecessor.manifest) : undefined;
    if (objection !== undefined) return objection;
    manifest = parseManifest(payload);
  } catch (error) {
    if (!(error instanceof RogatoryError)) throw error;
    return refuse('MANIFEST_MALFORMED', error.message.replace(/\.$/, ''));
  }
  const signers = validSigners(jws, manifest.council);
  const council = shortOf(manifest.council, signers, manifest);
  if (council !== undefined) return refuse('MANIFEST_UNSIGNED', `${council} by its own council`);
  const digest = sha256(payload);
  if ('fingerprint' in anchor && bytesToHex(digest) !== anchor.fingerprint) {
    return refuse('MANIFEST_NOT_PINNED', `its fingerprint is ${bytesToHex(digest)}`);
  }
  if ('predecessor' in anchor) {
    const { manifest: before } = anchor.predecessor;
    // A council's keys are judged at the time that they themselves sign: one that has ended since could sign as of before its end.
    if (manifest.issued_at < before.issued_at) {
      const times = `${isoTime(manifest.issued_at)}, before version ${before.version} (${isoTime(before.issued_at)})`;
      return refuse('MANIFEST_BACKDATED', `version ${manifest.version} says that it was issued at ${times}`);
    }
    const former = shortOf(before.council, validSigners(jws, before.council), manifest);
    if (former !== undefined) return refuse('MANIFEST_UNSIGNED', `${former} by the council before it`);
  }
  return accept({ manifest, digest, text } as VerifiedManifest);
}

/** What stands against a successor before anything of it is read but its version: its place, or the council that has to agree. */
function objectionTo(
  jws: GeneralJws,
  payload: Uint8Array,
  before: Manifest,
): { ok: false; reason: ManifestRefusal; detail: string } | undefined {
  const version = statedVersion(payload);
  if (version <= before.version)
    return refuse('MANIFEST_NOT_NEWER', `version ${version} is not after ${before.version}`);
  if (version > before.version + 1)
    return refuse('MANIFEST_SKIPS', `version ${version} does not follow ${before.version}`);
  const { threshold } = before.council;
  const { size } = validSigners(jws, before.council);
  if (size >= threshold) return undefined;
  return refuse('MANIFEST_UNSIGNED', `${size} of ${threshold} signatures by the council before it`);
}

/** @throws {TrustError} TRUST_MALFORMED */
function statedVersion(payload: Uint8Array): number {
  let version: unknown;
  try {
    ({ version } = JSON.parse(parseUtf8(payload)) as { readonly version?: unknown });
  } catch (cause) {
    throw new TrustError('TRUST_MALFORMED', 'The manifest is not JSON.', { cause });
  }
  if (typeof version !== 'number') throw new TrustError('TRUST_MALFORMED', 'The manifest has no version.');
  return version;
}

/** Takes the file apart. @throws {TrustError} TRUST_MALFORMED */
export function parseGeneralJws(text: string): GeneralJws {
  if (text.length > MAX_CHARS) throw new TrustError('TRUST_MALFORMED', 'The manifest is too long.');
  let jws: GeneralJws;
  try {
    jws = JSON.parse(text) as GeneralJws;
    const signatures = jws.signatures.map((item) => ({ protected: item.protected, signature: item.signature }));
    const strings = [jws.payload, ...signatures.flatMap((item) => [item.protected, item.signature])];
    if (strings.some((item) => typeof item !== 'string') || signatures.length === 0 || signatures.length > 64)
      throw new TypeError();
    // Comparing with its one spelling refuses unknown and duplicate members, white space and escapes all at once.
    // A text that lost its last line feed on the way, between two mail programs, is still the same manifest.
    const spelled = JSON.stringify({ payload: jws.payload, signatures });
    if (text !== `${spelled}\n` && text !== spelled) throw new TypeError();
  } catch (cause) {
    throw new TrustError('TRUST_MALFORMED', 'The manifest is not a JWS in JSON general serialisation.', { cause });
  }
  return jws;
}

/**
 * Whether every signature of a file is one by these keys over what it says, and no key's is there twice.
 * @throws {TrustError} TRUST_MALFORMED
 */
export function isSignedByThese(text: string, keys: Council['keys']): boolean {
  const jws = parseGeneralJws(text);
  return validSigners(jws, { keys }).size === jws.signatures.length;
}

/** The kids of a council whose signatures verify. */
function validSigners(jws: GeneralJws, council: Pick<Council, 'keys'>): Set<string> {
  const signers = new Set<string>();
  const tried = new Set<string>();
  for (const item of jws.signatures) {
    try {
      const kid = HEADER.exec(parseUtf8(parseBase64url(item.protected)))?.[1];
      const key = council.keys.find((candidate) => candidate.kid === kid);
      // The first of each key's: a file of false ones would be long to verify.
      if (key === undefined || kid === undefined || tried.has(kid)) continue;
      tried.add(kid);
      const input = utf8ToBytes(`${item.protected}.${jws.payload}`);
      if (verifyEd25519(parseBase64url(item.signature), input, jwkToBytes(key.jwk))) signers.add(kid);
    } catch {
      // A signature that cannot be read counts for nothing.
    }
  }
  return signers;
}

function shortOf(council: Council, signers: ReadonlySet<string>, { issued_at }: Manifest): string | undefined {
  const valid = council.keys.filter((key) => signers.has(key.kid) && validityObjection(key, issued_at) === undefined);
  return valid.length >= council.threshold ? undefined : `${valid.length} of ${council.threshold} signatures`;
}
