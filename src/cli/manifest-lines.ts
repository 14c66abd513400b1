/** A manifest in words. */
import { isoTime, jwkToBytes, sha256, utf8ToBytes } from '../base/mod.ts';
import { fingerprintDigits, type KeyValidity, type Manifest, type Member } from '../trust/mod.ts';

/** Every council key and member, with the keys and how long they last. */
export function manifestLines(manifest: Manifest, nowMs: number): string[] {
  const { council } = manifest;
  return [
    `Version ${manifest.version}, issued ${isoTime(manifest.issued_at)}, valid until ${isoTime(manifest.expires_at)}${manifest.expires_at <= nowMs ? ' (EXPIRED)' : ''}`,
    `Council: ${council.threshold} of ${council.keys.length} signatures`,
    ...council.keys.map((key) => `  ${key.kid}  ${validity(key, nowMs)}\n    ${keyDigits(key)}`),
    ...manifest.members.flatMap((member) => memberLines(member, nowMs)),
  ];
}

function memberLines(member: Member, nowMs: number): string[] {
  const { code, status, endpoint, authority, tls, sign, encrypt, ledger, witness } = member;
  return [
    `${code.padEnd(6)} ${status.padEnd(9)} ${endpoint || '(dials out)'}  ${authority}`,
    ...sign.map((key) => `  sign     ${key.kid}  ${validity(key, nowMs)}`),
    ...encrypt.map((key) => `  encrypt  ${key.kid}  ${validity(key, nowMs)}`),
    ...tls.spki_sha256.map((pin) => `  tls      ${pin.sha256}  ${validity(pin, nowMs)}`),
    ...noteKeyLines('ledger', ledger, nowMs),
    ...noteKeyLines('witness', witness, nowMs),
  ];
}

function noteKeyLines(use: string, { vkey, keys }: Member['ledger'] | Member['witness'], nowMs: number): string[] {
  return keys === undefined
    ? [`  ${use.padEnd(7)}  ${vkey}`]
    : keys.map((key) => `  ${use.padEnd(7)}  ${key.vkey}  ${validity(key, nowMs)}`);
}

/** A council key for two people to compare. */
export function keyDigits({ jwk }: { readonly jwk: Parameters<typeof jwkToBytes>[0] }): string {
  return fingerprintDigits(sha256(jwkToBytes(jwk)));
}

/** An enrolment for two people to compare: of the statement that its keys have signed. */
export function statementDigits(statement: string): string {
  return fingerprintDigits(sha256(utf8ToBytes(statement)));
}

function validity(key: KeyValidity, nowMs: number): string {
  if (key.revoked_at !== undefined)
    return `REVOKED from ${isoTime(key.revoked_at)} (${key.reason ?? 'no reason given'})`;
  if (key.not_after <= nowMs) return `ended ${isoTime(key.not_after)}`;
  return key.not_before > nowMs ? `from ${isoTime(key.not_before)}` : `until ${isoTime(key.not_after)}`;
}
