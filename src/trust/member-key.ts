import { accept, refuse, type JurisdictionCode, type Suite, type Verdict } from '../base/mod.ts';
import type { KeyObjection } from './error.ts';
import {
  memberByCode,
  type EncryptKey,
  type KeyValidity,
  type Manifest,
  type Member,
  type MemberKey,
} from './manifest.ts';

/** Why a key was not to be used at a time; undefined when it was. */
export function validityObjection(key: KeyValidity, timeMs: number): KeyObjection | undefined {
  if (key.revoked_at !== undefined && timeMs >= key.revoked_at) return 'KEY_REVOKED';
  if (timeMs < key.not_before) return 'KEY_NOT_YET_VALID';
  return timeMs >= key.not_after ? 'KEY_EXPIRED' : undefined;
}

/** How far the clocks of two nodes may differ before either doubts the other. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Whether a key that a peer uses now is to be believed: the peer's clock may be ahead, so a key may begin a little early. */
export function isValidAround(key: KeyValidity, nowMs: number): boolean {
  const objection = validityObjection(key, nowMs);
  if (objection !== 'KEY_NOT_YET_VALID') return objection === undefined;
  return validityObjection(key, nowMs + CLOCK_TOLERANCE_MS) === undefined;
}

/** The member's signing key of that name, if it was to be used at that time. */
export function signKeyAt(member: Member, kid: string, timeMs: number): Verdict<MemberKey, KeyObjection> {
  const key = member.sign.find((candidate) => candidate.kid === kid);
  if (key === undefined) return refuse('KEY_UNKNOWN', `${member.code} has no signing key ${kid}`);
  const objection = validityObjection(key, timeMs);
  return objection === undefined ? accept(key) : refuse(objection, `signing key ${kid} of ${member.code}`);
}

/** The newest of the member's encryption keys that are valid now and can be sealed to in the suite. */
export function currentEncryptKey(member: Member, nowMs: number, suite: Suite = 1): EncryptKey | undefined {
  return member.encrypt
    .filter((key) => validityObjection(key, nowMs) === undefined && (suite === 1 || key.mlkem768 !== undefined))
    .reduce<EncryptKey | undefined>(
      (best, key) => (best === undefined || key.not_before > best.not_before ? key : best),
      undefined,
    );
}

/** The least suite for messages between two members: the highest of what the federation and either of them asks for. */
export function requiredSuite(manifest: Manifest, one: JurisdictionCode, other: JurisdictionCode): Suite {
  const asked = [manifest.minimums, memberByCode(manifest, one)?.minimums, memberByCode(manifest, other)?.minimums];
  return asked.some((minimums) => minimums?.suite === 2) ? 2 : 1;
}
