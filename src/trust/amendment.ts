/** What a council may change from one version of the manifest to the next. Each returns a new draft and touches no other part of it. */
import { bytesToHex, type JurisdictionCode, type Suite } from '../base/mod.ts';
import { TrustError } from './error.ts';
import {
  memberByCode,
  type Council,
  type KeyValidity,
  type Manifest,
  type Member,
  type MemberKey,
  type MemberStatement,
  type MemberStatus,
  type NoteKey,
  type TlsPin,
} from './manifest.ts';
import { currentEncryptKey } from './member-key.ts';
import { ledgerKeysOf, noteKeyOf, witnessKeysOf, type ListedKey } from './note-key.ts';

/**
 * Adds a jurisdiction, or gives a member its new keys: those go into force beside the old ones, which end after the overlap and stay
 * listed. A key that is listed keeps the validity it has, so that an old enrolment given again revives nothing.
 * @param statement from an enrolment, its keys proved
 * @param overlapMs how long keys that the statement no longer names may still be used
 * @throws {TrustError} TRUST_ALREADY_MEMBER, TRUST_LEDGER_CHANGED
 */
export function addMember(draft: Manifest, statement: MemberStatement, nowMs: number, overlapMs = 0): Manifest {
  const member = memberByCode(draft, statement.code);
  if (member === undefined) {
    return { ...draft, issued_at: nowMs, members: [...draft.members, { ...statement, status: 'ACTIVE' }] };
  }
  // A ledger key that is listed signs the new statement: that is what proves that it is the member's. A node's enrolment speaks for the
  // keys that it began with, so one that has been followed by another will do.
  const isListed = (keys: readonly ListedKey[], vkey: string): boolean =>
    keys.some((key) => key.vkey === vkey && key.revoked_at === undefined);
  if (
    !isListed(ledgerKeysOf(member), statement.ledger.vkey) ||
    !isListed(witnessKeysOf(member), statement.witness.vkey)
  ) {
    throw new TrustError('TRUST_LEDGER_CHANGED', `${statement.code} has another ledger or witness in the manifest.`);
  }
  const endMs = nowMs + overlapMs;
  // The council may have asked for more since the member first enrolled; who brings new keys does not take that back by saying nothing.
  const minimums = statement.minimums ?? member.minimums;
  const updated: Member = {
    ...statement,
    tls: {
      ca: statement.tls.ca,
      spki_sha256: succession(member.tls.spki_sha256, statement.tls.spki_sha256, ({ sha256 }) => sha256, endMs),
    },
    sign: succession(member.sign, statement.sign, kidOf, endMs),
    encrypt: succession(member.encrypt, statement.encrypt, kidOf, endMs),
    // Their keys have an update of their own, and those of before stay listed.
    ledger: member.ledger,
    witness: member.witness,
    ...(minimums === undefined ? {} : { minimums }),
    status: member.status,
  };
  if (JSON.stringify(updated) === JSON.stringify(member)) {
    throw new TrustError('TRUST_ALREADY_MEMBER', `${statement.code} is in the manifest already, with these keys.`);
  }
  return replaceMember(draft, updated, nowMs);
}

/** @throws {TrustError} TRUST_UNKNOWN_MEMBER */
export function setMemberStatus(
  draft: Manifest,
  code: JurisdictionCode,
  status: MemberStatus,
  nowMs: number,
): Manifest {
  return replaceMember(draft, { ...knownMember(draft, code), status }, nowMs);
}

/**
 * Revokes one of a member's keys or TLS pins from a time on.
 * @param name the key's `kid`, the pin's `sha256` or the key id of a ledger or witness key, or its beginning, of at least eight characters
 * @throws {TrustError} TRUST_UNKNOWN_MEMBER, TRUST_UNKNOWN_KEY, TRUST_ALREADY_REVOKED
 */
export function revokeKey(
  draft: Manifest,
  code: JurisdictionCode,
  name: string,
  revocation: { readonly atMs: number; readonly reason: string },
  nowMs: number,
): Manifest {
  const member = knownMember(draft, code);
  const [ledger, witness] = [ledgerKeysOf(member), witnessKeysOf(member)];
  const names = [
    ...[...member.sign, ...member.encrypt].map(kidOf),
    ...member.tls.spki_sha256.map(pinOf),
    ...[...ledger, ...witness].map(noteKeyId),
  ];
  const found = names.filter((full) => full === name || (name.length >= 8 && full.startsWith(name)));
  if (found.length !== 1) {
    throw new TrustError(
      'TRUST_UNKNOWN_KEY',
      `${code} has ${found.length} keys named ${name}; it has ${names.join(', ')}.`,
    );
  }
  const revoke = <T extends KeyValidity>(key: T, full: string): T => {
    if (full !== found[0]) return key;
    if (key.revoked_at !== undefined && key.revoked_at <= revocation.atMs) {
      throw new TrustError('TRUST_ALREADY_REVOKED', `${full} is revoked already, from an earlier time on.`);
    }
    const { not_before, not_after, ...rest } = key;
    return { ...rest, not_before, not_after, revoked_at: revocation.atMs, reason: revocation.reason } as unknown as T;
  };
  // A key that was listed without a time is given one: it has an end now.
  const revokedNoteKeys = (listed: readonly ListedKey[]): { readonly keys?: readonly NoteKey[] } =>
    listed.some((key) => noteKeyId(key) === found[0])
      ? { keys: listed.map((key) => revoke(noteKeyOf(key), noteKeyId(key))) }
      : {};
  const updated: Member = {
    ...member,
    tls: { ...member.tls, spki_sha256: member.tls.spki_sha256.map((pin) => revoke(pin, pin.sha256)) },
    sign: member.sign.map((key) => revoke(key, key.kid)),
    encrypt: member.encrypt.map((key) => revoke(key, key.kid)),
    ledger: { ...member.ledger, ...revokedNoteKeys(ledger) },
    witness: { ...member.witness, ...revokedNoteKeys(witness) },
  };
  return replaceMember(draft, updated, nowMs);
}

/** Another council: keys that come and go, and how many of them it takes. @throws {TrustError} TRUST_UNKNOWN_KEY, TRUST_COUNCIL_TOO_SMALL */
export function changeCouncil(
  draft: Manifest,
  change: { readonly add: readonly MemberKey[]; readonly remove: readonly string[]; readonly threshold?: number },
  nowMs: number,
): Manifest {
  const { keys: before, threshold: old } = draft.council;
  for (const kid of change.remove) {
    if (!before.some((key) => key.kid === kid))
      throw new TrustError('TRUST_UNKNOWN_KEY', `The council has no key ${kid}.`);
  }
  const added = change.add.filter(({ kid }) => !before.some((key) => key.kid === kid));
  const keys = [...before.filter(({ kid }) => !change.remove.includes(kid)), ...added];
  const council: Council = { threshold: change.threshold ?? old, keys };
  if (council.threshold > keys.length) {
    throw new TrustError(
      'TRUST_COUNCIL_TOO_SMALL',
      `The council would have ${keys.length} keys, and a manifest would need ${council.threshold} signatures.`,
    );
  }
  return { ...draft, issued_at: nowMs, council };
}

/**
 * The least suite that messages are sealed in: everybody's, or those to and from one member.
 * @param code undefined for everybody
 * @throws {TrustError} TRUST_UNKNOWN_MEMBER, TRUST_SUITE_UNREADY when a member that it concerns could not be written to
 */
export function setMinimumSuite(
  draft: Manifest,
  code: JurisdictionCode | undefined,
  suite: Suite,
  nowMs: number,
): Manifest {
  const concerned = code === undefined ? draft.members : [knownMember(draft, code)];
  const unready = concerned.filter(
    (member) => member.status === 'ACTIVE' && currentEncryptKey(member, nowMs, suite) === undefined,
  );
  if (unready.length > 0) {
    const names = unready.map((member) => member.code).join(', ');
    throw new TrustError('TRUST_SUITE_UNREADY', `No encryption key of ${names} is good for suite ${suite}: rotate it.`);
  }
  if (code === undefined) return { ...draft, issued_at: nowMs, minimums: { ...draft.minimums, suite } };
  const { status, minimums: _, ...statement } = knownMember(draft, code);
  const minimums = suite === 1 ? {} : { minimums: { suite } };
  return replaceMember(draft, { ...statement, ...minimums, status }, nowMs);
}

/**
 * New keys first named are added; listed ones keep their validity, and end with the overlap when they are named no more. An enrolment
 * knows nothing of keys that were listed after it was made: those that begin after all that it brings have their time as it is, so that an
 * old one given again ends none.
 */
function succession<T extends MemberKey | TlsPin>(
  before: readonly T[],
  now: readonly T[],
  nameOf: (key: T) => string,
  endMs: number,
): T[] {
  const named = new Set(now.map(nameOf));
  const listed = new Set(before.map(nameOf));
  const fresh = now.filter((key) => !listed.has(nameOf(key)));
  const begins = Math.max(...fresh.map((key) => key.not_before));
  const ended = before.map((key) =>
    named.has(nameOf(key)) || key.not_after <= endMs || key.not_before > begins
      ? key
      : { ...key, not_after: Math.max(endMs, key.not_before + 1) },
  );
  return [...ended, ...fresh];
}

const kidOf = ({ kid }: MemberKey): string => kid;
const pinOf = ({ sha256 }: TlsPin): string => sha256;
const noteKeyId = ({ key }: ListedKey): string => bytesToHex(key.id);

function knownMember(draft: Manifest, code: JurisdictionCode): Member {
  const member = memberByCode(draft, code);
  if (member === undefined) throw new TrustError('TRUST_UNKNOWN_MEMBER', `${code} is not in the manifest.`);
  return member;
}

function replaceMember(draft: Manifest, updated: Member, nowMs: number): Manifest {
  const members = draft.members.map((member) => (member.code === updated.code ? updated : member));
  return { ...draft, issued_at: nowMs, members };
}
