import { sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8ToBytes, type JurisdictionCode } from '../../src/base/mod.ts';
import { KEY_TYPES, encodeVerifierKey, verifierKey, verifyCheckpoint, signCheckpoint } from '../../src/ledger/mod.ts';
import {
  addMember,
  applyKeyUpdate,
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
  type Manifest,
  type NodeKeys,
} from '../../src/trust/mod.ts';
import { statementOf } from '../kit/statement.ts';

const XA = 'XA' as JurisdictionCode;
const NOW = 1_767_225_600_000;
const HOUR = 3_600_000;
let keys: NodeKeys;
let other: NodeKeys;
let manifest: Manifest;

beforeAll(async () => {
  [keys, other] = [await generateNodeKeys(XA, '', NOW), await generateNodeKeys(XA, '', NOW)];
  const council = generateCouncilKey(NOW);
  manifest = addMember(draftManifest({ threshold: 1, keys: [council.entry] }, NOW), statementOf(XA, keys, NOW), NOW);
});

/** An update that lists the `other` node's key of this use for XA. */
function updateOf(use: KeyUse, change: Partial<KeyUpdate> = {}): KeyUpdate {
  const validity = { not_before: NOW + HOUR, not_after: NOW + 100 * HOUR };
  const vkey = (name: string, type: 1 | 4): string =>
    encodeVerifierKey(verifierKey(name, type, rawPublicKey(other[use])));
  const member = memberByCode(manifest, XA)!;
  const key = {
    tls: () => ({ sha256: statementOf(XA, other, NOW).tls.spki_sha256[0]!.sha256, ...validity }),
    sign: () => ({ ...publicJwk(other.sign), ...validity }),
    encrypt: () => ({ ...publicJwk(other.encrypt), ...validity }),
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
    use === 'tls' ? other.certificates.tls : undefined,
  );
}

const reasonOf = (text: string, before = manifest, nowMs = NOW): string => {
  const verdict = verifyKeyUpdate(text, before, nowMs);
  return verdict.ok ? 'accepted' : verdict.reason;
};

describe('a key update', () => {
  test.each(KEY_USES)('%s: lists the new key beside the former one, which ends, and is a manifest again', (use) => {
    const verdict = verifyKeyUpdate(signed(updateOf(use)), manifest, NOW);
    if (!verdict.ok) throw new Error(verdict.detail);
    const next = applyKeyUpdate(manifest, verdict.value);
    expect(parseManifest(utf8ToBytes(encodeManifest(next)))).toEqual(next);
    const [before, after] = [memberByCode(manifest, XA)!, memberByCode(next, XA)!];
    const listed = {
      tls: after.tls.spki_sha256,
      sign: after.sign,
      encrypt: after.encrypt,
      ledger: after.ledger.keys!,
      witness: after.witness.keys!,
    }[use];
    expect(listed.map((key) => key.not_after)).toEqual([NOW + 2 * HOUR, NOW + 100 * HOUR]);
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
});

describe('a ledger under two keys', () => {
  test('each is believed in its own time: five minutes early for a clock that differs, and never after its end', () => {
    const verdict = verifyKeyUpdate(signed(updateOf('ledger')), manifest, NOW);
    if (!verdict.ok) throw new Error(verdict.detail);
    const listed = ledgerKeysOf(memberByCode(applyKeyUpdate(manifest, verdict.value), XA)!);
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
