import { sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8ToBytes, type JurisdictionCode } from '../../src/base/mod.ts';
import { KEY_TYPES, encodeVerifierKey, verifierKey, verifyCheckpoint, signCheckpoint } from '../../src/ledger/mod.ts';
import {
  addMember,
  applyKeyUpdate,
  diffManifests,
  draftManifest,
  encodeManifest,
  generateCouncilKey,
  generateNodeKeys,
  keysAround,
  keysAt,
  ledgerKeysOf,
  memberByCode,
  parseManifest,
  provePossession,
  publicJwk,
  rawPublicKey,
  signKeyUpdate,
  verifyKeyUpdate,
  KEY_USES,
  type KeyUpdate,
  type KeyUse,
  type KeyValidity,
  type Manifest,
  type NodeKeys,
} from '../../src/trust/mod.ts';
import { statementOf } from '../kit/statement.ts';

const XA = 'XA' as JurisdictionCode;
const NOW = 1_767_225_600_000;
const HOUR = 3_600_000;
let keys: NodeKeys;
let other: NodeKeys;
let third: NodeKeys;
let manifest: Manifest;

beforeAll(async () => {
  [keys, other, third] = (await Promise.all([1, 2, 3].map(() => generateNodeKeys(XA, '', NOW)))) as [
    NodeKeys,
    NodeKeys,
    NodeKeys,
  ];
  const council = generateCouncilKey(NOW);
  manifest = addMember(draftManifest({ threshold: 1, keys: [council.entry] }, NOW), statementOf(XA, keys, NOW), NOW);
});

/** An update that lists the key of this use of other keys for XA. */
function updateOf(use: KeyUse, change: Partial<KeyUpdate> = {}, fresh = other): KeyUpdate {
  const validity = { not_before: NOW + HOUR, not_after: NOW + 100 * HOUR };
  const vkey = (name: string, type: 1 | 4): string =>
    encodeVerifierKey(verifierKey(name, type, rawPublicKey(fresh[use])));
  const member = memberByCode(manifest, XA)!;
  const key = {
    tls: () => ({ sha256: statementOf(XA, fresh, NOW).tls.spki_sha256[0]!.sha256, ...validity }),
    sign: () => ({ ...publicJwk(fresh.sign), ...validity }),
    encrypt: () => ({ ...publicJwk(fresh.encrypt), ...validity }),
    ledger: () => ({ vkey: vkey(member.ledger.origin, KEY_TYPES.ed25519), ...validity }),
    witness: () => ({ vkey: vkey(member.witness.name, KEY_TYPES.cosignature), ...validity }),
  }[use]();
  return { code: XA, use, key, former_not_after: NOW + 2 * HOUR, ...change };
}

const speaker = (use: KeyUse): KeyUse => (use === 'ledger' || use === 'witness' ? use : 'sign');

function signed(update: KeyUpdate, by: { readonly fresh?: NodeKeys; readonly current?: NodeKeys } = {}): string {
  const { use } = update;
  return signKeyUpdate(
    update,
    {
      new: (message) => provePossession((by.fresh ?? other)[use], message),
      current: (message) => provePossession((by.current ?? keys)[speaker(use)], message),
    },
    use === 'tls' ? (by.fresh ?? other).certificates.tls : undefined,
  );
}

function listedFor(use: KeyUse, { members: [member] }: Manifest): readonly KeyValidity[] {
  const { tls, sign, encrypt, ledger, witness } = member!;
  return { tls: tls.spki_sha256, sign, encrypt, ledger: ledger.keys!, witness: witness.keys! }[use];
}

const reasonOf = (text: string, before = manifest, nowMs = NOW): string => {
  const verdict = verifyKeyUpdate(text, before, nowMs);
  return verdict.ok ? 'accepted' : verdict.reason;
};

describe('a key update', () => {
  test.each(KEY_USES)('%s: lists the new key beside the former one, which ends, and is a manifest again', (use) => {
    const verdict = verifyKeyUpdate(signed(updateOf(use)), manifest, NOW);
    if (!verdict.ok) throw new Error(verdict.detail);
    const next = applyKeyUpdate(manifest, verdict.value, NOW);
    expect(parseManifest(utf8ToBytes(encodeManifest(next)))).toEqual(next);
    const [before, after] = [memberByCode(manifest, XA)!, memberByCode(next, XA)!];
    expect(listedFor(use, next).map((key) => key.not_after)).toEqual([NOW + 2 * HOUR, NOW + 100 * HOUR]);
    // Whatever it is not about is as before.
    expect({ ...after, [use]: before[use] }).toEqual(before);
    // Given again, it would list the key twice.
    expect(reasonOf(signed(updateOf(use)), next)).toBe('UPDATE_MALFORMED');
  });

  test.each(KEY_USES)('%s: needs both proofs, each by the right key', (use) => {
    expect(reasonOf(signed(updateOf(use), { fresh: keys }))).toBe('POSSESSION_UNPROVED');
    expect(reasonOf(signed(updateOf(use), { current: other }))).toBe('UPDATE_NOT_OWN');
    const file = JSON.parse(signed(updateOf(use))) as { update: string; proofs: { new: string; current: string } };
    const { proofs } = file;
    expect(reasonOf(JSON.stringify({ ...file, proofs: { new: proofs.current, current: proofs.new } }))).not.toBe(
      'accepted',
    );
    const later = file.update.replace(String(NOW + 100 * HOUR), String(NOW + 900 * HOUR));
    expect(reasonOf(JSON.stringify({ ...file, update: later }))).toBe('POSSESSION_UNPROVED');
  });

  test('is not a stranger’s, not a revoked or ended key’s, and not any JSON', () => {
    expect(reasonOf(signed(updateOf('sign', { code: 'XC' as JurisdictionCode })))).toBe('UPDATE_NOT_OWN');
    const member = memberByCode(manifest, XA)!;
    const revoked = {
      ...manifest,
      members: [{ ...member, sign: [{ ...member.sign[0]!, revoked_at: NOW - 1, reason: 'stolen' }] }],
    };
    expect(reasonOf(signed(updateOf('sign')), revoked)).toBe('UPDATE_NOT_OWN');
    expect(reasonOf(signed(updateOf('sign')), manifest, member.sign[0]!.not_after)).toBe('UPDATE_NOT_OWN');
    for (const text of ['', '{}', 'null', '{"version":1,"update":"{}"}'])
      expect(reasonOf(text)).toBe('UPDATE_MALFORMED');
    const renamed = updateOf('ledger', {
      key: { ...updateOf('ledger').key, vkey: 'other.example/ledger+00000000+AQ' } as never,
    });
    expect(reasonOf(signed(renamed))).toBe('UPDATE_MALFORMED');
  });

  test('a later key may begin at any time after the one before it, and not before', () => {
    const early = updateOf('witness', { key: { ...updateOf('witness').key, not_before: 0 } });
    expect(reasonOf(signed(early))).toBe('UPDATE_MALFORMED');
  });

  test.each(KEY_USES)('%s: one that is needed at once does not wait for one that is to come, nor end it', (use) => {
    const planned = applyKeyUpdate(manifest, updateOf(use), NOW);
    const { key } = updateOf(use, {}, third);
    const urgent = { key: { ...key, not_before: NOW + 1, not_after: NOW + 99 * HOUR }, former_not_after: NOW + 3 };
    const verdict = verifyKeyUpdate(signed(updateOf(use, urgent), { fresh: third }), planned, NOW);
    if (!verdict.ok) throw new Error(verdict.detail);
    const next = applyKeyUpdate(planned, verdict.value, NOW);
    expect(listedFor(use, next).map((key) => [key.not_before, key.not_after])).toEqual([
      [expect.any(Number), NOW + 3],
      [NOW + 1, NOW + 99 * HOUR],
      [NOW + HOUR, NOW + 100 * HOUR],
    ]);
    expect(listedFor(use, next)[2]).toEqual(listedFor(use, planned)[1]);
    // The council reads every key before it signs, and nothing about it alarms.
    const changes = diffManifests(planned, next);
    expect(changes.filter(({ change }) => change === 'ADDED').map(({ path }) => path)).toHaveLength(1);
    expect(changes.filter(({ warning }) => warning !== undefined)).toEqual([]);
    expect(diffManifests(manifest, planned).filter(({ warning }) => warning !== undefined)).toEqual([]);
  });

  test.each(KEY_USES)(
    '%s: however late the council lists it, no key ends in the past: what it has signed stays signed',
    (use) => {
      const late = NOW + 50 * HOUR;
      const update = updateOf(use);
      expect(reasonOf(signed(update), manifest, late)).toBe('accepted');
      const ends = (asked: number): number =>
        listedFor(use, applyKeyUpdate(manifest, { ...update, former_not_after: asked }, late))[0]!.not_after;
      // As long beside the next one as the member has asked for.
      expect(ends(update.former_not_after)).toBe(late + HOUR);
      expect([ends(0), ends(NOW + HOUR), ends(late + 2 * HOUR)]).toEqual([late, late, late + 51 * HOUR]);
    },
  );

  test.each(['ledger', 'witness'] as const)('%s: a key that takes the place of another is pointed out', (use) => {
    const planned = applyKeyUpdate(manifest, updateOf(use), NOW);
    const [member] = planned.members;
    const hidden = {
      ...planned,
      members: [{ ...member!, [use]: { ...member![use], keys: member![use].keys!.slice(1) } }],
    };
    const warned = (before: Manifest, after: Manifest): (string | undefined)[] =>
      diffManifests(before, after).flatMap(({ warning }) => warning ?? []);
    expect(warned(manifest, hidden)).toEqual(['another ledger or witness']);
    expect(warned(planned, hidden)).toEqual(['auditors need it listed']);
    // Each key of a list that was not there is told by itself.
    const { vkey } = member![use];
    expect(diffManifests(manifest, planned).map(({ path }) => path)).toContain(`members.XA.${use}.keys.${vkey}`);
  });
});

describe('a ledger under two keys', () => {
  test('each is believed in its own time: five minutes early for a clock that differs, and never after its end', () => {
    const verdict = verifyKeyUpdate(signed(updateOf('ledger')), manifest, NOW);
    if (!verdict.ok) throw new Error(verdict.detail);
    const listed = ledgerKeysOf(memberByCode(applyKeyUpdate(manifest, verdict.value, NOW), XA)!);
    const ids = (found: readonly { readonly publicKey: Uint8Array }[]): number[] =>
      found.map(({ publicKey }) => listed.findIndex(({ key }) => Buffer.from(key.publicKey).equals(publicKey)));
    expect(ids(keysAround(listed, NOW))).toEqual([0]);
    expect(ids(keysAround(listed, NOW + HOUR - 60_000))).toEqual([1, 0]);
    expect(ids(keysAt(listed, NOW + HOUR - 60_000))).toEqual([0]);
    expect(ids(keysAround(listed, NOW + 2 * HOUR))).toEqual([1]);
    expect(ids(keysAround(listed, NOW + 100 * HOUR))).toEqual([]);
  });

  test('a note needs the signature of one of them, and a false one by any refuses it', () => {
    const [first, second] = [keys.ledger, other.ledger].map((privateKey) => ({
      key: verifierKey('xa.example/ledger', KEY_TYPES.ed25519, rawPublicKey(privateKey)),
      sign: (message: Uint8Array) => sign(null, message, privateKey),
    }));
    const head = { size: 7, root: new Uint8Array(32) };
    const [a, b] = [
      signCheckpoint(head, first!.key, first!.sign).note,
      signCheckpoint(head, second!.key, second!.sign).note,
    ];
    const both = a + b.split('\n\n')[1]!;
    const verify = (note: string, ...known: (typeof first)[]): string => {
      const verdict = verifyCheckpoint(
        note,
        known.map((signer) => signer!.key),
      );
      return verdict.ok ? 'accepted' : verdict.reason;
    };
    expect(verify(a, first, second)).toBe('accepted');
    expect(verify(b, first, second)).toBe('accepted');
    expect(verify(both, first, second)).toBe('accepted');
    expect(verify(b, first)).toBe('NOTE_UNSIGNED');
    expect(verify(a)).toBe('NOTE_UNSIGNED');
    const forged = signCheckpoint({ ...head, size: 8 }, second!.key, second!.sign).note.split('\n\n')[1]!;
    expect(verify(a + forged, first, second)).toBe('NOTE_SIGNATURE_INVALID');
    expect(verify(a + forged, first)).toBe('accepted');
  });
});
