/** What the council may change, and what it is shown of it. */
import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256, utf8ToBytes, type JurisdictionCode } from '../../src/base/mod.ts';
import {
  addMember,
  changeCouncil,
  diffManifests,
  draftManifest,
  encodeManifest,
  fingerprintDigits,
  generateCouncilKey,
  generateNodeKeys,
  isFingerprintOf,
  memberByCode,
  parseManifest,
  publicJwk,
  revokeKey,
  setMemberStatus,
  type Manifest,
  type MemberStatement,
  type NodeKeys,
} from '../../src/trust/mod.ts';
import { statementOf } from '../kit/statement.ts';

const NOW = 1_767_225_600_000;
const DAY = 86_400_000;
const XA = 'XA' as JurisdictionCode;
const council = [generateCouncilKey(NOW), generateCouncilKey(NOW), generateCouncilKey(NOW)];
let keys: NodeKeys;
let statement: MemberStatement;
let renewed: MemberStatement;
let draft: Manifest;

beforeAll(async () => {
  keys = await generateNodeKeys(XA, '', NOW);
  statement = statementOf(XA, keys, NOW);
  const validity = { not_before: NOW + DAY, not_after: NOW + 400 * DAY };
  renewed = {
    ...statement,
    authority: 'Renamed',
    sign: [{ ...publicJwk(generateKeyPairSync('ed25519').privateKey), ...validity }],
  };
  draft = addMember(draftManifest({ threshold: 2, keys: council.map(({ entry }) => entry) }, NOW), statement, NOW);
});

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'done';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a member’s keys', () => {
  test('new ones go beside the old, which end with the overlap and stay listed', () => {
    const next = addMember(draft, renewed, NOW + DAY, 30 * DAY);
    const own = memberByCode(next, XA)!;
    expect(own.authority).toBe('Renamed');
    expect(own.sign.map(({ kid, not_after }) => [kid, not_after])).toEqual([
      [statement.sign[0]!.kid, NOW + 31 * DAY],
      [renewed.sign[0]!.kid, NOW + 400 * DAY],
    ]);
    expect(own.encrypt).toEqual(statement.encrypt);
    expect(parseManifest(utf8ToBytes(encodeManifest(next)))).toEqual(next);
    // The first enrolment, given again later, brings nothing back to life.
    const replayed = memberByCode(addMember(next, statement, NOW + 2 * DAY, 0), XA)!;
    expect(replayed.sign[0]!.not_after).toBe(NOW + 31 * DAY);
  });

  test('an enrolment ends no key that was listed after it was made', () => {
    const renewedDraft = addMember(draft, renewed, NOW + DAY, 30 * DAY);
    const endOf = (next: Manifest, kid: string): number =>
      memberByCode(next, XA)!.sign.find((key) => key.kid === kid)!.not_after;
    const [latest] = renewed.sign;
    expect(endOf(addMember(renewedDraft, statement, NOW + 2 * DAY), latest!.kid)).toBe(latest!.not_after);
    // Nor does one that was made before it and comes to the council after it.
    const validity = { not_before: NOW + DAY / 2, not_after: NOW + 400 * DAY };
    const sign = [{ ...publicJwk(generateKeyPairSync('ed25519').privateKey), ...validity }];
    const late = addMember(renewedDraft, { ...renewed, sign }, NOW + 2 * DAY);
    expect(endOf(late, latest!.kid)).toBe(latest!.not_after);
    expect(endOf(late, statement.sign[0]!.kid)).toBe(NOW + 2 * DAY);
  });

  test('a least suite stays when the keys change, until somebody says another', () => {
    const hardened: Manifest = {
      ...draft,
      members: draft.members.map(({ status, ...member }) => ({ ...member, minimums: { suite: 2 }, status })),
    };
    const suiteAfter = (next: Manifest): number | undefined => memberByCode(next, XA)!.minimums?.suite;
    expect(suiteAfter(addMember(hardened, renewed, NOW + DAY))).toBe(2);
    expect(suiteAfter(addMember(hardened, { ...renewed, minimums: { suite: 1 } }, NOW + DAY))).toBe(1);
    expect(codeOf(() => addMember(hardened, statement, NOW))).toBe('TRUST_ALREADY_MEMBER');
  });

  test('the same again is refused, and so is another ledger or witness', () => {
    expect(codeOf(() => addMember(draft, statement, NOW))).toBe('TRUST_ALREADY_MEMBER');
    for (const name of ['ledger', 'witness']) {
      const stranger = statementOf(XA, { ...keys, [name]: generateKeyPairSync('ed25519').privateKey }, NOW);
      expect(codeOf(() => addMember(draft, stranger, NOW))).toBe('TRUST_LEDGER_CHANGED');
    }
  });

  test('a revocation names one key and is not taken back', () => {
    const { kid } = statement.sign[0]!;
    const at = (atMs: number) => ({ atMs, reason: 'stolen' });
    const revoked = revokeKey(draft, XA, kid.slice(0, 12), at(NOW + 500), NOW + 600);
    expect(memberByCode(revoked, XA)!.sign[0]).toMatchObject({ kid, revoked_at: NOW + 500, reason: 'stolen' });
    expect(parseManifest(utf8ToBytes(encodeManifest(revoked)))).toEqual(revoked);
    expect(codeOf(() => revokeKey(revoked, XA, kid, at(NOW + 501), NOW))).toBe('TRUST_ALREADY_REVOKED');
    expect(memberByCode(revokeKey(revoked, XA, kid, at(NOW + 1), NOW), XA)!.sign[0]!.revoked_at).toBe(NOW + 1);
    for (const name of ['', kid.slice(0, 7), 'A'.repeat(43)])
      expect(codeOf(() => revokeKey(draft, XA, name, at(NOW), NOW))).toBe('TRUST_UNKNOWN_KEY');
    expect(codeOf(() => revokeKey(draft, 'XC' as JurisdictionCode, kid, at(NOW), NOW))).toBe('TRUST_UNKNOWN_MEMBER');
    for (const name of [statement.encrypt[0]!.kid, statement.tls.spki_sha256[0]!.sha256])
      expect(codeOf(() => revokeKey(draft, XA, name, at(NOW), NOW))).toBe('done');
  });
});

describe('the council', () => {
  test('keys come and go, and never fewer than it takes', () => {
    const { entry } = generateCouncilKey(NOW);
    const [first] = draft.council.keys;
    const next = changeCouncil(draft, { add: [entry], remove: [first!.kid], threshold: 3 }, NOW);
    expect(next.council).toEqual({ threshold: 3, keys: [...draft.council.keys.slice(1), entry] });
    const all = draft.council.keys.map(({ kid }) => kid);
    expect(codeOf(() => changeCouncil(draft, { add: [], remove: all.slice(1) }, NOW))).toBe('TRUST_COUNCIL_TOO_SMALL');
    expect(codeOf(() => changeCouncil(draft, { add: [], remove: ['x'] }, NOW))).toBe('TRUST_UNKNOWN_KEY');
  });
});

describe('differences', () => {
  test('every one is told, and what weakens the federation is pointed out', () => {
    const next: Manifest = {
      ...setMemberStatus(
        revokeKey(draft, XA, statement.sign[0]!.kid, { atMs: NOW, reason: 'lost' }, NOW),
        XA,
        'SUSPENDED',
        NOW,
      ),
      version: 2,
      council: { threshold: 1, keys: draft.council.keys.slice(1) },
    };
    const changes = diffManifests(draft, next);
    expect(changes.map(({ path, change }) => `${change} ${path}`)).toEqual([
      'CHANGED version',
      'CHANGED council.threshold',
      `REMOVED council.keys.${council[0]!.entry.kid}`,
      `ADDED members.XA.sign.${statement.sign[0]!.kid}.revoked_at`,
      `ADDED members.XA.sign.${statement.sign[0]!.kid}.reason`,
      'CHANGED members.XA.status',
    ]);
    expect(changes.filter(({ warning }) => warning !== undefined).map(({ path }) => path)).toEqual([
      'council.threshold',
    ]);
    const back = diffManifests(next, { ...draft, members: [] });
    expect(back.filter(({ warning }) => warning !== undefined).map(({ path }) => path)).toEqual([
      'version',
      'members.XA',
    ]);
    expect(diffManifests(draft, draft)).toEqual([]);
  });
});

describe('fingerprints', () => {
  test('sixty digits, of which every one counts', () => {
    const digest = sha256(utf8ToBytes('manifest'));
    const digits = fingerprintDigits(digest);
    expect(digits).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(BigInt(digits.replaceAll(' ', ''))).toBe(BigInt(`0x${Buffer.from(digest).toString('hex')}`) % 10n ** 60n);
    expect(fingerprintDigits(new Uint8Array(32))).toBe(Array(12).fill('00000').join(' '));
    for (const text of [digits, digits.replaceAll(' ', '-'), Buffer.from(digest).toString('hex').toUpperCase()])
      expect(isFingerprintOf(text, digest)).toBe(true);
    for (const text of ['', digits.slice(1), digits.replace(/\d$/, (last) => String((Number(last) + 1) % 10))])
      expect(isFingerprintOf(text, digest)).toBe(false);
  });
});

test('a ledger or witness key is revoked by its key id, and from then on has a time', () => {
  for (const use of ['ledger', 'witness'] as const) {
    const { vkey } = statement[use];
    const id = vkey.split('+')[1]!;
    const revoked = revokeKey(draft, XA, id, { atMs: NOW + 5, reason: 'stolen' }, NOW);
    const member = memberByCode(revoked, XA)!;
    expect(member[use].keys).toEqual([
      { vkey, not_before: 0, not_after: Number.MAX_SAFE_INTEGER, revoked_at: NOW + 5, reason: 'stolen' },
    ]);
    expect(memberByCode(parseManifest(utf8ToBytes(encodeManifest(revoked))), XA)![use]).toEqual(member[use]);
    const other = use === 'ledger' ? 'witness' : 'ledger';
    expect(member[other]).toEqual(statement[other]);
    // Its holder may be a thief: an enrolment under it is nobody's.
    expect(() => addMember(revoked, renewed, NOW)).toThrow(expect.objectContaining({ code: 'TRUST_LEDGER_CHANGED' }));
    expect(() => addMember(draft, renewed, NOW)).not.toThrow();
  }
});
