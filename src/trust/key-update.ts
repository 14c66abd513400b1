/**
 * A key update: what a member hands to the council to have one more key listed. The new key proves that it is held, and a key that the
 * member is already known by says that the update is the member's.
 */
import { X509Certificate, verify } from 'node:crypto';
import {
  accept,
  bytesToBase64url,
  isJurisdictionCode,
  jwkToBytes,
  parseBase64,
  parseBase64url,
  refuse,
  utf8ToBytes,
  verifyEd25519,
  type JurisdictionCode,
  type Verdict,
} from '../base/mod.ts';
import { parseVerifierKey } from '../ledger/mod.ts';
import { KEY_USES, type KeyUse } from './key-provider.ts';
import {
  encodeManifest,
  type KeyValidity,
  type Manifest,
  type Member,
  type MemberKey,
  type NoteKey,
  type TlsPin,
} from './manifest.ts';
import { parseManifest } from './manifest-reader.ts';
import { validityObjection } from './member-key.ts';
import { ledgerKeysOf, noteKeyOf, witnessKeysOf } from './note-key.ts';
import { spkiSha256 } from './peer-certificate.ts';
import { verifyWithX25519 } from './possession.ts';

/** The entry of a new key in the manifest, whatever its use. */
export type UpdatedKey = MemberKey | NoteKey | TlsPin;

/** What a member asks for. */
export interface KeyUpdate {
  readonly code: JurisdictionCode;
  readonly use: KeyUse;
  readonly key: UpdatedKey;
  /**
   * When the keys end that the member has for this use so far, unless they end before. Unix milliseconds. Where the new key is listed late, as
   * long after that.
   */
  readonly former_not_after: number;
}

interface KeyUpdateFile {
  readonly version: 1;
  /** A KeyUpdate: JSON text, signed as it stands. */
  readonly update: string;
  /** The certificate of a new TLS key: DER in base64. */
  readonly certificate?: string;
  /** In base64url: by the new key; and by a current key of the same use, or for tls and encrypt by the current sign key. */
  readonly proofs: { readonly new: string; readonly current: string };
}

/** Why an update is not accepted. */
export type KeyUpdateRefusal = 'UPDATE_MALFORMED' | 'UPDATE_NOT_OWN' | 'POSSESSION_UNPROVED';

/**
 * The text of a key update.
 * @param certificate PEM of a new TLS key's
 */
export function signKeyUpdate(
  update: KeyUpdate,
  provers: Readonly<Record<'new' | 'current', (message: Uint8Array) => Uint8Array>>,
  certificate?: string,
): string {
  const text = JSON.stringify(update);
  const proof = (by: 'new' | 'current'): string => bytesToBase64url(provers[by](proofMessage(by, text)));
  const file: KeyUpdateFile = {
    version: 1,
    update: text,
    ...(certificate === undefined ? {} : { certificate: new X509Certificate(certificate).raw.toString('base64') }),
    proofs: { new: proof('new'), current: proof('current') },
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Verifies a key update against what the manifest says of its member so far. */
export function verifyKeyUpdate(text: string, manifest: Manifest, nowMs: number): Verdict<KeyUpdate, KeyUpdateRefusal> {
  let file: KeyUpdateFile;
  let update: KeyUpdate;
  try {
    file = JSON.parse(text) as KeyUpdateFile;
    update = JSON.parse(file.update) as KeyUpdate;
    const { version }: { readonly version: number } = file;
    const fits =
      version === 1 &&
      JSON.stringify(update) === file.update &&
      isJurisdictionCode(update.code) &&
      KEY_USES.includes(update.use) &&
      Number.isSafeInteger(update.former_not_after);
    if (!fits) throw new TypeError('its members are not those of an update');
  } catch (error) {
    return refuse('UPDATE_MALFORMED', error instanceof Error ? error.message : 'malformed');
  }
  const member = manifest.members.find(({ code }) => code === update.code);
  if (member === undefined) return refuse('UPDATE_NOT_OWN', `${update.code} is not a member`);
  try {
    // What the update makes of the manifest is judged by the manifest's own rules.
    parseManifest(utf8ToBytes(encodeManifest(applyKeyUpdate(manifest, update, nowMs))));
    if (!isHeld(file, update))
      return refuse('POSSESSION_UNPROVED', `the new ${update.use} key does not prove that it is held`);
    const proof = parseBase64url(file.proofs.current);
    const message = proofMessage('current', file.update);
    if (!currentKeys(member, update.use, nowMs).some((key) => verifyEd25519(proof, message, key)))
      return refuse('UPDATE_NOT_OWN', `no current key of ${update.code} says that the update is its own`);
  } catch (error) {
    return refuse('UPDATE_MALFORMED', error instanceof Error ? error.message : 'malformed');
  }
  return accept(update);
}

/**
 * The manifest with the new key listed, and the former ones of its use ending in time: never in the past, because the member went on with
 * them until now, and what they have signed would be signed by nobody.
 */
export function applyKeyUpdate(manifest: Manifest, update: KeyUpdate, nowMs: number): Manifest {
  const overlapMs = Math.max(0, update.former_not_after - update.key.not_before);
  const listed = { ...update, former_not_after: Math.max(update.former_not_after, nowMs + overlapMs) };
  const members = manifest.members.map((member) => (member.code === listed.code ? withKey(member, listed) : member));
  return { ...manifest, members };
}

function withKey(member: Member, update: KeyUpdate): Member {
  const { use, key } = update;
  switch (use) {
    case 'tls':
      return {
        ...member,
        tls: { ...member.tls, spki_sha256: inserted(member.tls.spki_sha256, key as TlsPin, update) },
      };
    case 'sign':
    case 'encrypt':
      return { ...member, [use]: inserted(member[use], key as MemberKey, update) };
    case 'ledger':
      return {
        ...member,
        ledger: { origin: member.ledger.origin, ...noteKeys(ledgerKeysOf(member), key as NoteKey, update) },
      };
    case 'witness':
      return {
        ...member,
        witness: { name: member.witness.name, ...noteKeys(witnessKeysOf(member), key as NoteKey, update) },
      };
    default:
      return use satisfies never;
  }
}

function noteKeys(
  listed: readonly NoteKey[],
  key: NoteKey,
  update: KeyUpdate,
): { readonly vkey: string; readonly keys: NoteKey[] } {
  const keys = inserted(listed.map(noteKeyOf), key, update);
  return { vkey: keys.at(-1)!.vkey, keys };
}

/** The keys in the order in which they begin. Those before the new one end; one that is to begin after it has its turn as it was planned. */
function inserted<T extends KeyValidity>(listed: readonly T[], key: T, { former_not_after: end }: KeyUpdate): T[] {
  const ending = (former: T): T => ({
    ...former,
    not_after: Math.max(former.not_before + 1, Math.min(former.not_after, end)),
  });
  const isLater = (other: T): boolean => other.not_before > key.not_before;
  return [...listed.filter((other) => !isLater(other)).map(ending), key, ...listed.filter(isLater)];
}

function isHeld(file: KeyUpdateFile, { use, key }: KeyUpdate): boolean {
  const proof = parseBase64url(file.proofs.new);
  const message = proofMessage('new', file.update);
  switch (use) {
    case 'tls': {
      const certificate = new X509Certificate(parseBase64(file.certificate ?? ''));
      const { publicKey } = certificate;
      const algorithm = publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
      return spkiSha256(certificate) === (key as TlsPin).sha256 && verify(algorithm, message, publicKey, proof);
    }
    case 'encrypt':
      return verifyWithX25519(proof, message, jwkToBytes((key as MemberKey).jwk));
    case 'sign':
      return verifyEd25519(proof, message, jwkToBytes((key as MemberKey).jwk));
    case 'ledger':
    case 'witness':
      return verifyEd25519(proof, message, parseVerifierKey((key as NoteKey).vkey).publicKey);
    default:
      return use satisfies never;
  }
}

/** Public keys that may speak for the member. An encryption key in a token cannot sign, and a TLS pin is no key. */
function currentKeys(member: Member, use: KeyUse, nowMs: number): Uint8Array[] {
  const isCurrent = (key: KeyValidity): boolean => validityObjection(key, nowMs) === undefined;
  if (use === 'ledger' || use === 'witness') {
    const listed = use === 'ledger' ? ledgerKeysOf(member) : witnessKeysOf(member);
    return listed.filter(isCurrent).map(({ key }) => key.publicKey);
  }
  return member.sign.filter(isCurrent).map(({ jwk }) => jwkToBytes(jwk));
}

/** The proof of one key cannot stand for the other's. */
function proofMessage(by: 'new' | 'current', update: string): Uint8Array {
  return utf8ToBytes(`rogatory-key-update/v1\n${by}\n${update}`);
}
