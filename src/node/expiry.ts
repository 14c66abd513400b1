/** What ends, and how soon: of this node and of its peers. One computation for logs, metrics, `status` and `doctor`. */
import { X509Certificate } from 'node:crypto';
import type { JurisdictionCode } from '../base/mod.ts';
import type { KeyValidity, Manifest, Member } from '../trust/mod.ts';

/** Days before an end on which its owner is told. */
export const WARNING_DAYS = [60, 30, 7, 1] as const;

/** Something that ends. */
export interface Ending {
  readonly what: 'manifest' | 'tls certificate' | 'authority certificate' | 'tls key' | 'sign key' | 'encrypt key';
  /** Whose it is; empty for the federation's. */
  readonly owner: JurisdictionCode | '';
  /** `kid`, pin or version. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly endsAt: number;
  /** Whole days that are left; negative when it has ended. */
  readonly daysLeft: number;
  /** The tightest of the warnings that is due: 60, 30, 7 or 1 days; 0 when it has ended; undefined while there is time. */
  readonly warning: (typeof WARNING_DAYS)[number] | 0 | undefined;
}

const DAY_MS = 24 * 3_600_000;
// Of what is made for a short time only the last quarter is worth a warning, or it would be due all the time.
const LAST_PART = 1 / 4;

/** A certificate that a node holds. */
export interface HeldCertificate {
  readonly what: 'tls certificate' | 'authority certificate';
  readonly owner: JurisdictionCode;
  /** PEM. */
  readonly pem: string;
}

/**
 * The end of the manifest, of the certificates given, and of every active member's keys. Of a member's keys for one use the last to end
 * counts: one that ends while another goes on is a rotation, and nothing to worry about.
 */
export function endingsOf(manifest: Manifest, certificates: readonly HeldCertificate[], nowMs: number): Ending[] {
  return [
    ending('manifest', '', `version ${manifest.version}`, manifest.issued_at, manifest.expires_at, nowMs),
    ...certificates.map(({ what, owner, pem }) => certificateEnding(what, owner, new X509Certificate(pem), nowMs)),
    ...manifest.members.filter(({ status }) => status === 'ACTIVE').flatMap((member) => keyEndings(member, nowMs)),
  ];
}

/** The end of one certificate. */
export function certificateEnding(
  what: HeldCertificate['what'],
  owner: JurisdictionCode,
  certificate: X509Certificate,
  nowMs: number,
): Ending {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return ending(what, owner, `serial ${certificate.serialNumber}`, from, to, nowMs);
}

function keyEndings(member: Member, nowMs: number): Ending[] {
  const uses = [
    ['tls key', member.tls.spki_sha256.map((pin) => ({ ...pin, name: pin.sha256 }))],
    ['sign key', member.sign.map((key) => ({ ...key, name: key.kid }))],
    ['encrypt key', member.encrypt.map((key) => ({ ...key, name: key.kid }))],
  ] as const;
  return uses.flatMap(([what, keys]) => {
    const last = lastToEnd(keys);
    return last === undefined ? [] : [ending(what, member.code, last.name, last.not_before, endOf(last), nowMs)];
  });
}

type NamedKey = KeyValidity & { readonly name: string };

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
