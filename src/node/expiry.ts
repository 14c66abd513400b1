/** What ends, and how soon: of this node and of its peers. One computation for logs, metrics, `status`, `peers` and `doctor`. */
import { X509Certificate } from 'node:crypto';
import { isoTime, parseBase64, type JurisdictionCode } from '../base/mod.ts';
import {
  KEY_USES,
  ledgerKeysOf,
  witnessKeysOf,
  type KeyUse,
  type KeyValidity,
  type Manifest,
  type Member,
} from '../trust/mod.ts';

/** Days before an end on which its owner is told. */
export const WARNING_DAYS = [60, 30, 7, 1] as const;

/** Something that ends. */
export interface Ending {
  readonly what: 'manifest' | 'tls certificate' | 'authority certificate' | `${KeyUse} key`;
  /** Whose it is; empty for the federation's. */
  readonly owner: JurisdictionCode | '';
  /** `kid`, pin, verifier key, serial number or version. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly endsAt: number;
  /** Whole days that are left; negative when it has ended. */
  readonly daysLeft: number;
  /** The tightest of the warnings that is due: 60, 30, 7 or 1 days; 0 when it has ended; undefined while there is time. */
  readonly warning: (typeof WARNING_DAYS)[number] | 0 | undefined;
}

/** The certificate that a node presents. */
export interface PresentedCertificate {
  readonly owner: JurisdictionCode;
  readonly certificate: X509Certificate;
}

type NamedKey = KeyValidity & { readonly name: string };

const DAY_MS = 24 * 3_600_000;
// Of what is made for a short time only the last quarter is worth a warning, or it would be due all the time.
const LAST_PART = 1 / 4;

/**
 * The end of the manifest, of the certificates that are presented, and of every active member's authority and keys. A key that ends while
 * another for its use goes on is a rotation, and nothing to worry about: what counts is when the member is first left without one.
 */
export function endingsOf(manifest: Manifest, presented: readonly PresentedCertificate[], nowMs: number): Ending[] {
  const active = manifest.members.filter(({ status }) => status === 'ACTIVE');
  return [
    ending('manifest', '', `version ${manifest.version}`, manifest.issued_at, manifest.expires_at, nowMs),
    ...presented.map(({ owner, certificate }) => certificateEnding('tls certificate', owner, certificate, nowMs)),
    ...active.flatMap((member) => [
      certificateEnding('authority certificate', member.code, authorityOf(member), nowMs),
      ...keyEndings(member, nowMs),
    ]),
  ];
}

/** Those of which a warning is due. */
export function dueEndings(endings: readonly Ending[]): (Ending & { readonly warning: number })[] {
  return endings.flatMap((item) => (item.warning === undefined ? [] : [{ ...item, warning: item.warning }]));
}

/** An ending in words, for people. */
export function endingText({ what, owner, name, endsAt, daysLeft, warning }: Ending): string {
  const days = daysLeft < 1 ? 'in less than a day' : `in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`;
  return `${owner === '' ? 'the' : owner} ${what} (${name}) ${warning === 0 ? 'ended' : `ends ${days}`}, ${isoTime(endsAt)}`;
}

function certificateEnding(
  what: 'tls certificate' | 'authority certificate',
  owner: JurisdictionCode,
  certificate: X509Certificate,
  nowMs: number,
): Ending {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return ending(what, owner, `serial ${certificate.serialNumber}`, from, to, nowMs);
}

function authorityOf({ tls }: Member): X509Certificate {
  return new X509Certificate(parseBase64(tls.ca));
}

function keyEndings(member: Member, nowMs: number): Ending[] {
  const keys = keysOf(member);
  return KEY_USES.flatMap((use) => {
    const last = lastWithoutGap(keys[use], nowMs);
    const what = `${use} key` as const;
    // A ledger or witness key that was never rotated is listed without an end.
    if (last === undefined || endOf(last) === Number.MAX_SAFE_INTEGER) return [];
    return [ending(what, member.code, last.name, last.not_before, endOf(last), nowMs)];
  });
}

function keysOf(member: Member): Readonly<Record<KeyUse, readonly NamedKey[]>> {
  const named = (keys: readonly (KeyValidity & { readonly vkey: string })[]): NamedKey[] =>
    keys.map((key) => ({ ...key, name: key.vkey }));
  return {
    tls: member.tls.spki_sha256.map((pin) => ({ ...pin, name: pin.sha256 })),
    sign: member.sign.map((key) => ({ ...key, name: key.kid })),
    encrypt: member.encrypt.map((key) => ({ ...key, name: key.kid })),
    ledger: named(ledgerKeysOf(member)),
    witness: named(witnessKeysOf(member)),
  };
}

/** The key with which the keys that are valid from now on break off; where none is valid now, the last that was. */
function lastWithoutGap(keys: readonly NamedKey[], nowMs: number): NamedKey | undefined {
  const begun = keys.filter(({ not_before: from }) => from <= nowMs);
  let last = lastToEnd(begun.length > 0 ? begun : keys);
  if (last === undefined || endOf(last) <= nowMs) return last;
  for (;;) {
    const end = endOf(last);
    const next = lastToEnd(keys.filter((key) => key.not_before <= end && endOf(key) > end));
    if (next === undefined) return last;
    last = next;
  }
}

function lastToEnd(keys: readonly NamedKey[]): NamedKey | undefined {
  return keys.reduce<NamedKey | undefined>(
    (best, key) => (best === undefined || endOf(key) > endOf(best) ? key : best),
    undefined,
  );
}

function endOf({ not_after, revoked_at }: KeyValidity): number {
  return revoked_at === undefined ? not_after : Math.min(not_after, revoked_at);
}

function ending(
  what: Ending['what'],
  owner: Ending['owner'],
  name: string,
  from: number,
  endsAt: number,
  nowMs: number,
): Ending {
  const left = endsAt - nowMs;
  const due = WARNING_DAYS.filter((days) => left <= days * DAY_MS).at(-1);
  const warning = left <= 0 ? 0 : left > (endsAt - from) * LAST_PART ? undefined : due;
  return { what, owner, name, endsAt, daysLeft: Math.floor(left / DAY_MS), warning };
}
