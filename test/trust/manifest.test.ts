import { X509Certificate, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { generalVerify } from 'jose';
import forge from 'node-forge';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  bytesToHex,
  bytesToJwk,
  jwkThumbprint,
  sha256,
  utf8ToBytes,
  type JurisdictionCode,
} from '../../src/base/mod.ts';
import {
  TrustError,
  addMember,
  currentEncryptKey,
  draftManifest,
  encodeManifest,
  generateCouncilKey,
  generateNodeKeys,
  issueCertificates,
  provesWith,
  memberByCode,
  parseManifest,
  publicJwk,
  signEnrolment,
  signKeyAt,
  signManifest,
  signWithX25519,
  verifyEnrolment,
  verifyManifest,
  verifyWithX25519,
  type Manifest,
  type MemberStatement,
  type NodeKeys,
} from '../../src/trust/mod.ts';
import { encodeVerifierKey, parseVerifierKey, verifierKey } from '../../src/ledger/mod.ts';
import { bitFlips } from '../kit/mutation.ts';
import { hex } from '../kit/vectors.ts';
import { privateKeyOf, publicBytes } from '../kit/keys.ts';
import { statementOf } from '../kit/statement.ts';

const NOW = 1_767_225_600_000;
let keys: NodeKeys;
let statement: MemberStatement;
let draft: Manifest;
const council = [generateCouncilKey(NOW), generateCouncilKey(NOW), generateCouncilKey(NOW)];

beforeAll(async () => {
  keys = await generateNodeKeys('XA' as JurisdictionCode, '127.0.0.1', Date.now());
  statement = statementOf('XA' as JurisdictionCode, keys, NOW);
  draft = addMember(draftManifest({ threshold: 2, keys: council.map(({ entry }) => entry) }, NOW), statement, NOW);
});

async function signed(manifest: Manifest, ...signers: readonly number[]): Promise<string> {
  let text: string | undefined;
  for (const i of signers) text = await signManifest(manifest, council[i]!.privateKey, text);
  return text!;
}

/** The same authority, as another one vouches for it. */
function crossSigned(authority: string, by: KeyObject): X509Certificate {
  const made = forge.pki.certificateFromPem(authority);
  made.setIssuer([{ name: 'commonName', value: 'Another authority' }]);
  made.sign(
    forge.pki.privateKeyFromPem(by.export({ format: 'pem', type: 'pkcs8' }).toString()),
    forge.md.sha256.create(),
  );
  return new X509Certificate(forge.pki.certificateToPem(made));
}

const reasonOf = (verdict: { readonly ok: boolean; readonly reason?: string }): string =>
  verdict.ok ? 'accepted' : verdict.reason!;

describe('signatures', () => {
  test('the threshold counts, and the fingerprint is the payload’s hash', async () => {
    expect(reasonOf(verifyManifest(await signed(draft, 0), { selfSigned: true }))).toBe('MANIFEST_UNSIGNED');
    const text = await signed(draft, 0, 2);
    const fingerprint = bytesToHex(sha256(utf8ToBytes(encodeManifest(draft))));
    expect(reasonOf(verifyManifest(text, { fingerprint }))).toBe('accepted');
    expect(reasonOf(verifyManifest(text, { fingerprint: '0'.repeat(64) }))).toBe('MANIFEST_NOT_PINNED');
  });

  test('jose agrees with every signature', async () => {
    const jws = JSON.parse(await signed(draft, 1)) as never;
    const { payload } = await generalVerify(jws, createPublicKey(council[1]!.privateKey));
    expect(Buffer.from(payload).toString()).toBe(encodeManifest(draft));
  });

  test('one key twice is one signature, and a stranger’s is none', async () => {
    const once = JSON.parse(await signed(draft, 0)) as { payload: string; signatures: object[] };
    const twice = `${JSON.stringify({ ...once, signatures: [...once.signatures, ...once.signatures] })}\n`;
    expect(reasonOf(verifyManifest(twice, { selfSigned: true }))).toBe('MANIFEST_UNSIGNED');
    // The first of a key's counts, so that a file of false ones is soon read.
    const good = JSON.parse(await signed(draft, 0, 1)) as { payload: string; signatures: { signature: string }[] };
    const [own, other] = good.signatures;
    const counted = (...signatures: object[]): string =>
      reasonOf(verifyManifest(`${JSON.stringify({ ...good, signatures })}\n`, { selfSigned: true }));
    const spoilt = { ...own!, signature: other!.signature };
    expect(counted(own!, spoilt, other!)).toBe('accepted');
    expect(counted(spoilt, own!, other!)).toBe('MANIFEST_UNSIGNED');
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const withStranger = await signManifest(draft, stranger, await signed(draft, 0));
    expect(reasonOf(verifyManifest(withStranger, { selfSigned: true }))).toBe('MANIFEST_UNSIGNED');
  });

  test('a successor needs the council before it as well as its own', async () => {
    const verified = verifyManifest(await signed(draft, 0, 1), { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    const predecessor = verified.value;
    const next = { ...draft, version: 2 };
    expect(reasonOf(verifyManifest(await signed(next, 1, 2), { predecessor }))).toBe('accepted');
    expect(reasonOf(verifyManifest(await signed(draft, 1, 2), { predecessor }))).toBe('MANIFEST_NOT_NEWER');
    expect(reasonOf(verifyManifest(await signed({ ...draft, version: 3 }, 1, 2), { predecessor }))).toBe(
      'MANIFEST_SKIPS',
    );
    const usurper = generateCouncilKey(NOW);
    const taken = { ...next, council: { threshold: 1, keys: [usurper.entry] } };
    expect(reasonOf(verifyManifest(await signManifest(taken, usurper.privateKey), { predecessor }))).toBe(
      'MANIFEST_UNSIGNED',
    );
    const handed = { ...next, council: { threshold: 1, keys: [usurper.entry, ...draft.council.keys] } };
    expect(reasonOf(verifyManifest(await signed(handed, 0), { predecessor }))).toBe('MANIFEST_UNSIGNED');
    expect(reasonOf(verifyManifest(await signed(handed, 0, 1), { predecessor }))).toBe('accepted');
  });

  test('none is issued before the one that it follows: a key that has ended since would sign as of then', async () => {
    const day = 86_400_000;
    const [ended, ...others] = draft.council.keys;
    const keys = [{ ...ended!, not_after: NOW + day }, ...others];
    const first = { ...draft, issued_at: NOW + 2 * day, council: { ...draft.council, keys } };
    const verified = verifyManifest(await signed(first, 1, 2), { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    const predecessor = verified.value;
    const next = { ...first, version: 2 };
    const backdated = { ...next, issued_at: NOW };
    expect(reasonOf(verifyManifest(await signed(backdated, 0, 1), { predecessor }))).toBe('MANIFEST_BACKDATED');
    expect(reasonOf(verifyManifest(await signed(backdated, 1, 2), { predecessor }))).toBe('MANIFEST_BACKDATED');
    expect(reasonOf(verifyManifest(await signed(next, 0, 1), { predecessor }))).toBe('MANIFEST_UNSIGNED');
    expect(reasonOf(verifyManifest(await signed(next, 1, 2), { predecessor }))).toBe('accepted');
  });

  test('a stranger’s is not read: thousands of keys that each take long to judge fit into one', async () => {
    const verified = verifyManifest(await signed(draft, 0, 1), { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    const predecessor = verified.value;
    const weak = { ...draft.council.keys[0]!, kid: 'none' };
    const next = { ...draft, version: 2, council: { threshold: 1, keys: [weak] } };
    const fileOf = (manifest: Manifest, signatures: object[]): string => {
      const payload = Buffer.from(encodeManifest(manifest)).toString('base64url');
      return `${JSON.stringify({ payload, signatures })}\n`;
    };
    const signatureOver = (manifest: Manifest, by: KeyObject, kid: string): object => {
      const header = Buffer.from(JSON.stringify({ alg: 'Ed25519', kid, typ: 'mla-manifest+jws' })).toString(
        'base64url',
      );
      const input = `${header}.${Buffer.from(encodeManifest(manifest)).toString('base64url')}`;
      return { protected: header, signature: sign(null, Buffer.from(input), by).toString('base64url') };
    };
    const by = (manifest: Manifest, ...signers: readonly number[]): string =>
      fileOf(
        manifest,
        signers.map((i) => signatureOver(manifest, council[i]!.privateKey, council[i]!.entry.kid)),
      );
    expect(reasonOf(verifyManifest(by(next, 0), { predecessor }))).toBe('MANIFEST_UNSIGNED');
    expect(reasonOf(verifyManifest(by(next, 0, 0), { predecessor }))).toBe('MANIFEST_UNSIGNED');
    expect(reasonOf(verifyManifest(by(next, 0, 1), { predecessor }))).toBe('MANIFEST_MALFORMED');
    expect(reasonOf(verifyManifest(by({ ...next, version: 1 }, 0, 1), { predecessor }))).toBe('MANIFEST_NOT_NEWER');
    expect(reasonOf(verifyManifest(by({ ...next, version: 3 }, 0, 1), { predecessor }))).toBe('MANIFEST_SKIPS');
  });

  test('there is one spelling', async () => {
    const text = await signed(draft, 0, 1);
    const jws = JSON.parse(text) as { payload: string; signatures: { protected: string; signature: string }[] };
    const spellings = [
      JSON.stringify(jws, undefined, 1),
      JSON.stringify({ ...jws, extra: 1 }),
      text.replace('{"payload"', '{"payload":"","payload"'),
      JSON.stringify({ signatures: jws.signatures, payload: jws.payload }),
      JSON.stringify({ ...jws, payload: `${jws.payload}=` }),
      JSON.stringify({ ...jws, signatures: [] }),
      ` ${text}`,
      `${text}\n`,
      text.replace('\n', '\r\n'),
      `\ufeff${text}`,
      '['.repeat(900_000),
      'null',
      '{}',
      '',
    ];
    for (const spelling of spellings)
      expect(reasonOf(verifyManifest(spelling, { selfSigned: true }))).toBe('MANIFEST_MALFORMED');
    // The last line feed is lost easily, and says nothing.
    expect(reasonOf(verifyManifest(text.trimEnd(), { selfSigned: true }))).toBe('accepted');
  });

  test('a payload that nests deeper than any stack is malformed, and says nothing of the program', async () => {
    const jws = JSON.parse(await signed(draft, 0, 1)) as object;
    const payload = Buffer.from('['.repeat(300_000) + ']'.repeat(300_000)).toString('base64url');
    const verdict = verifyManifest(JSON.stringify({ ...jws, payload }), { selfSigned: true });
    expect(verdict).toEqual({ ok: false, reason: 'MANIFEST_MALFORMED', detail: 'The manifest is not JSON' });
  });

  test('no changed character leaves it valid', async () => {
    const text = await signed(draft, 0, 1);
    for (let i = 0; i < text.length - 1; i += 17) {
      const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
      expect(reasonOf(verifyManifest(changed, { selfSigned: true }))).toMatch(/^MANIFEST_(MALFORMED|UNSIGNED)$/);
    }
  });

  test('a changed byte of what was signed leaves it without signatures', async () => {
    const jws = JSON.parse(await signed(draft, 0, 1)) as { payload: string; signatures: object[] };
    const forge = (change: (text: string) => string): string => {
      const payload = change(Buffer.from(jws.payload, 'base64url').toString());
      return `${JSON.stringify({ ...jws, payload: Buffer.from(payload).toString('base64url') })}\n`;
    };
    expect(
      reasonOf(
        verifyManifest(
          forge((text) => text),
          { selfSigned: true },
        ),
      ),
    ).toBe('accepted');
    for (const change of [
      (text: string) => text.replace('"XA"', '"XB"'),
      (text: string) => text.replace('"threshold":2', '"threshold":1'),
      (text: string) => text.replace('"suite":1', '"suite":2'),
      (text: string) => text.replace('"ACTIVE"', '"LEFT"'),
    ])
      expect(reasonOf(verifyManifest(forge(change), { selfSigned: true }))).toBe('MANIFEST_UNSIGNED');
  });

  test('a signer that the council does not have counts for nothing, whatever name it takes', async () => {
    const stranger = generateCouncilKey(NOW);
    const alone = JSON.parse(await signManifest(draft, stranger.privateKey)) as { signatures: { protected: string }[] };
    const own = JSON.parse(await signed(draft, 0, 1)) as { signatures: { protected: string }[] };
    const withSignatures = (signatures: readonly object[]): string => `${JSON.stringify({ ...own, signatures })}\n`;
    const [first, second] = own.signatures;
    // Beside enough of the council's own it does no harm; in the place of one, or under its name, it is none.
    expect(
      reasonOf(verifyManifest(withSignatures([first!, second!, alone.signatures[0]!]), { selfSigned: true })),
    ).toBe('accepted');
    for (const other of [alone.signatures[0]!, { ...alone.signatures[0]!, protected: second!.protected }])
      expect(reasonOf(verifyManifest(withSignatures([first!, other]), { selfSigned: true }))).toBe('MANIFEST_UNSIGNED');
    // A member's own keys are not the council's.
    const byMember = await signManifest(draft, keys.sign, await signed(draft, 0));
    expect(reasonOf(verifyManifest(byMember, { selfSigned: true }))).toBe('MANIFEST_UNSIGNED');
  });
});

describe('rules', () => {
  const faultsOf = (change: (json: Record<string, never>) => void): string[] => {
    const json = JSON.parse(encodeManifest(draft)) as Record<string, never>;
    change(json);
    try {
      parseManifest(utf8ToBytes(JSON.stringify(json)));
      return [];
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return error.faults.map(({ path, code }) => `${path} ${code}`);
    }
  };
  const member = (json: Record<string, never>): Record<string, never> =>
    (json['members'] as never as Record<string, never>[])[0]!;

  test.each<[string, (json: Record<string, never>) => void, string]>([
    ['unknown member', (json) => Object.assign(json, { extra: 1 }), 'extra UNKNOWN_FIELD'],
    ['version 0', (json) => Object.assign(json, { version: 0 }), 'version OUT_OF_RANGE'],
    ['fraction', (json) => Object.assign(json, { version: 1.5 }), 'version WRONG_TYPE'],
    [
      'threshold too high',
      (json) => Object.assign(json['council']!, { threshold: 9 }),
      'council.threshold OUT_OF_RANGE',
    ],
    [
      'endpoint without TLS',
      (json) => Object.assign(member(json), { endpoint: 'ws://x/federation' }),
      'members[0].endpoint BAD_FORMAT',
    ],
    [
      'an origin with a scheme',
      (json) => Object.assign(member(json)['ledger']!, { origin: 'https://xa.example/ledger' }),
      'members[0].ledger.origin BAD_FORMAT',
    ],
    [
      'a witness’s name with a scheme',
      (json) => Object.assign(member(json)['witness']!, { name: 'https://xa.example/witness' }),
      'members[0].witness.name BAD_FORMAT',
    ],
    ['bad status', (json) => Object.assign(member(json), { status: 'GONE' }), 'members[0].status WRONG_TYPE'],
    [
      'a kid that is not the thumbprint',
      (json) => Object.assign((member(json)['sign'] as never as object[])[0]!, { kid: 'A'.repeat(43) }),
      'members[0].sign[0].kid BAD_VALUE',
    ],
    [
      'a signing key of small order',
      (json) =>
        Object.assign((member(json)['sign'] as never as { jwk: object }[])[0]!.jwk, {
          x: Buffer.alloc(32).toString('base64url'),
        }),
      'members[0].sign[0].jwk.x KEY_SMALL_ORDER',
    ],
    [
      'an encryption key of small order',
      (json) =>
        Object.assign((member(json)['encrypt'] as never as { jwk: object }[])[0]!.jwk, {
          x: Buffer.alloc(32).toString('base64url'),
        }),
      'members[0].encrypt[0].jwk.x KEY_SMALL_ORDER',
    ],
    [
      'a witness key as ledger key',
      (json) => Object.assign(member(json)['ledger']!, member(json)['witness']),
      'members[0].ledger.name UNKNOWN_FIELD',
    ],
    [
      'half a surrogate pair',
      (json) => Object.assign(member(json), { authority: 'A\ud800' }),
      'members[0].authority BAD_FORMAT',
    ],
    [
      'T25: a name in two scripts',
      (json) => Object.assign(member(json), { name: 'Маlta' }),
      'members[0].name BAD_FORMAT',
    ],
    [
      'a name that is not NFC',
      (json) => Object.assign(member(json), { name: 'Zu\u0308rich' }),
      'members[0].name BAD_FORMAT',
    ],
    [
      'a hidden character',
      (json) => Object.assign(member(json), { name: 'Mal\u200bta' }),
      'members[0].name BAD_FORMAT',
    ],
    ['an integer that JSON does not carry', (json) => Object.assign(json, { version: 2 ** 53 }), 'version WRONG_TYPE'],
    ['a member twice', (json) => (json['members'] as never as object[]).push(member(json)), 'members[1].code CONFLICT'],
  ])('%s', (_name, change, fault) => {
    expect(faultsOf(change)).toContain(fault);
  });

  test('no Ed25519 key is there for two uses or two owners, whatever it is called', () => {
    const pairs: [string, (json: Manifest, key: Uint8Array) => void, string][] = [
      ['ledger', ({ members: [own] }, key) => rename(own!, 'witness', key), 'members[0].witness.vkey CONFLICT'],
      ['ledger', ({ members: [own] }, key) => lists(own!.sign[0]!, key), 'members[0].sign CONFLICT'],
      ['witness', ({ council: all }, key) => lists(all.keys[1]!, key), 'members[0].witness.vkey CONFLICT'],
    ];
    const rename = (own: MemberStatement, use: 'ledger' | 'witness', key: Uint8Array): void => {
      const { name, type } = parseVerifierKey(own[use].vkey);
      Object.assign(own[use], { vkey: encodeVerifierKey(verifierKey(name, type, key)) });
    };
    const lists = (entry: object, key: Uint8Array): void => {
      const jwk = bytesToJwk('Ed25519', key);
      Object.assign(entry, { kid: jwkThumbprint(jwk), jwk });
    };
    for (const [of, change, fault] of pairs) {
      const { publicKey } = parseVerifierKey(statement[of as 'ledger' | 'witness'].vkey);
      expect(faultsOf((json) => change(json as unknown as Manifest, publicKey))).toContain(fault);
    }
  });

  test('an unknown member is refused wherever it is', () => {
    const places: string[] = [];
    const visit = (value: unknown, path: string, find: (json: unknown) => unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Array.isArray(value)) {
        places.push(path);
        const prefix = path === '' ? '' : `${path}.`;
        expect(faultsOf((json) => Object.assign(find(json) as object, { extra: 1 }))).toContain(
          `${prefix}extra UNKNOWN_FIELD`,
        );
      }
      for (const [name, item] of Object.entries(value)) {
        const step = Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
        visit(item, step, (json) => (find(json) as Record<string, unknown>)[name]);
      }
    };
    visit(JSON.parse(encodeManifest(draft)), '', (json) => json);
    expect(places).toEqual(expect.arrayContaining(['', 'council', 'members[0]', 'members[0].ledger', 'minimums']));
  });

  test('JSON that says one thing twice is refused', () => {
    const text = encodeManifest(draft).replace('{"version":1', '{"version":2,"version":1');
    expect(() => parseManifest(utf8ToBytes(text))).toThrow(
      expect.objectContaining({ code: 'TRUST_MALFORMED' }) as Error,
    );
  });

  test('a key is judged as of a time', () => {
    const own = memberByCode(draft, 'XA' as JurisdictionCode)!;
    const { kid } = own.sign[0]!;
    const revoked = { ...own, sign: [{ ...own.sign[0]!, revoked_at: NOW + 500 }] };
    expect(reasonOf(signKeyAt(own, kid, NOW))).toBe('accepted');
    expect(reasonOf(signKeyAt(own, kid, NOW - 1))).toBe('KEY_NOT_YET_VALID');
    expect(reasonOf(signKeyAt(own, kid, NOW + 366 * 86_400_000))).toBe('KEY_EXPIRED');
    expect(reasonOf(signKeyAt(own, 'x', NOW))).toBe('KEY_UNKNOWN');
    expect(reasonOf(signKeyAt(revoked, kid, NOW + 499))).toBe('accepted');
    expect(reasonOf(signKeyAt(revoked, kid, NOW + 500))).toBe('KEY_REVOKED');
    expect(currentEncryptKey(own, NOW - 1)).toBeUndefined();
    const newer = { ...own.encrypt[0]!, not_before: NOW + 5 };
    expect(currentEncryptKey({ ...own, encrypt: [newer, own.encrypt[0]!] }, NOW + 6)).toBe(newer);
  });
});

describe('enrolment', () => {
  test('proves possession of every key, and each proof stands for its own key only', () => {
    const text = signEnrolment(statement, keys.certificates.tls, provesWith(keys));
    expect(verifyEnrolment(text)).toMatchObject({ ok: true, value: { code: 'XA' } });
    const file = JSON.parse(text) as { statement: string; proofs: Record<string, string> };
    for (const name of Object.keys(file.proofs)) {
      for (const other of Object.keys(file.proofs)) {
        if (other === name) continue;
        const swapped = { ...file, proofs: { ...file.proofs, [name]: file.proofs[other]! } };
        expect(reasonOf(verifyEnrolment(JSON.stringify(swapped)))).toBe('POSSESSION_UNPROVED');
      }
    }
    const renamed = { ...file, statement: file.statement.replace('Aldovia', 'Brethen') };
    expect(reasonOf(verifyEnrolment(JSON.stringify(renamed)))).toBe('POSSESSION_UNPROVED');
    for (const bad of ['', '{}', 'null', text.replace('"version": 1', '"version": 2')]) {
      expect(reasonOf(verifyEnrolment(bad))).toBe('ENROLMENT_MALFORMED');
    }
  });

  test('an authority that is none is refused', () => {
    const ca = (der: Buffer): string => {
      const stated = { ...statement, tls: { ...statement.tls, ca: der.toString('base64') } };
      return reasonOf(verifyEnrolment(signEnrolment(stated, keys.certificates.tls, provesWith(keys))));
    };
    expect(ca(Buffer.from('no certificate'))).toBe('ENROLMENT_MALFORMED');
    // Its signature is right, but peers trust it only together with the one that issued it.
    expect(ca(new X509Certificate(keys.certificates.tls).raw)).toBe('CERTIFICATE_UNSUITABLE');
    const below = crossSigned(keys.certificates.ca, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
    expect(ca(below.raw)).toBe('CERTIFICATE_UNSUITABLE');
  });

  test('another’s key cannot be enrolled', async () => {
    const others = await generateNodeKeys('XB' as JurisdictionCode, '', Date.now());
    for (const kind of ['sign', 'encrypt'] as const) {
      const stolen = { ...statement, [kind]: [{ ...statement[kind][0]!, ...publicJwk(others[kind]) }] };
      expect(reasonOf(verifyEnrolment(signEnrolment(stolen, keys.certificates.tls, provesWith(keys))))).toBe(
        'POSSESSION_UNPROVED',
      );
    }
    const twoKeys = { ...statement, sign: [...statement.sign, { ...statement.sign[0]!, ...publicJwk(others.sign) }] };
    expect(reasonOf(verifyEnrolment(signEnrolment(twoKeys, keys.certificates.tls, provesWith(keys))))).toBe(
      'POSSESSION_UNPROVED',
    );
  });
});

describe('weak keys (T10)', () => {
  const reasonFor = (change: (text: string) => string): string => {
    const file = JSON.parse(signEnrolment(statement, keys.certificates.tls, provesWith(keys))) as { statement: string };
    return reasonOf(verifyEnrolment(JSON.stringify({ ...file, statement: change(file.statement) })));
  };
  const withKey = (kind: 'sign' | 'encrypt', raw: Uint8Array): string =>
    reasonFor((text) => text.replace(statement[kind][0]!.jwk.x, Buffer.from(raw).toString('base64url')));
  const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
  // Points of order 8 and of mixed order, and y = 2^255 - 18: one more than the prime.
  const order8 = hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const mixed = hex('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d');
  const unreduced = hex(`ee${'ff'.repeat(30)}7f`);

  test.each([
    ['sign', identity, 'KEY_SMALL_ORDER'],
    ['sign', order8, 'KEY_SMALL_ORDER'],
    ['sign', mixed, 'KEY_MIXED_ORDER'],
    ['sign', unreduced, 'KEY_NOT_CANONICAL'],
    ['encrypt', new Uint8Array(32), 'KEY_SMALL_ORDER'],
    ['encrypt', identity, 'KEY_SMALL_ORDER'],
    ['encrypt', unreduced, 'KEY_NOT_CANONICAL'],
  ] as const)('T10: a %s key %#: %s', (kind, raw, reason) => {
    expect(withKey(kind, raw)).toBe(reason);
  });

  test.each(['ledger', 'witness'] as const)('T10: a %s key of small order', (kind) => {
    const { vkey } = statement[kind];
    const weak = encodeVerifierKey({
      ...verifierKey(parseVerifierKey(vkey).name, parseVerifierKey(vkey).type, identity),
    });
    expect(reasonFor((text) => text.replace(vkey, weak))).toBe('KEY_SMALL_ORDER');
  });

  test('T10: a TLS key that is too short', () => {
    const tls = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const certificates = issueCertificates({ code: statement.code, host: '', nowMs: NOW, ca: keys.ca, tls });
    const short = { ...keys, tls, certificates };
    expect(
      reasonOf(
        verifyEnrolment(
          signEnrolment(statementOf(statement.code, short, NOW), short.certificates.tls, provesWith(short)),
        ),
      ),
    ).toBe('TLS_KEY_WEAK');
  });

  test('a certificate of another authority, or for another jurisdiction', () => {
    const foreign = issueCertificates({
      code: 'XB' as JurisdictionCode,
      host: '',
      nowMs: NOW,
      ca: keys.ca,
      tls: keys.tls,
    });
    const named = { ...keys, certificates: foreign };
    expect(
      reasonOf(
        verifyEnrolment(
          signEnrolment(statementOf(statement.code, named, NOW), named.certificates.tls, provesWith(named)),
        ),
      ),
    ).toBe('CERTIFICATE_UNSUITABLE');
    const rogue = issueCertificates({ code: statement.code, host: '', nowMs: NOW, ca: keys.tls, tls: keys.tls });
    const swapped = { ...keys, certificates: { ...keys.certificates, tls: rogue.tls } };
    expect(
      reasonOf(
        verifyEnrolment(
          signEnrolment(statementOf(statement.code, swapped, NOW), swapped.certificates.tls, provesWith(swapped)),
        ),
      ),
    ).toBe('CERTIFICATE_UNSUITABLE');
  });
});

describe('XEdDSA', () => {
  test('signatures by X25519 keys verify, and no changed one does', () => {
    for (let i = 1; i <= 8; i++) {
      const key = privateKeyOf('x25519', i.toString(16).padStart(2, '0').repeat(32));
      const message = utf8ToBytes(`message ${i}`);
      const signature = signWithX25519(key, message);
      expect(verifyWithX25519(signature, message, publicBytes(key))).toBe(true);
      expect(verifyWithX25519(signature, utf8ToBytes('other'), publicBytes(key))).toBe(false);
      if (i > 2) continue;
      for (const flipped of bitFlips(signature.subarray(30, 34))) {
        const changed = signature.slice();
        changed.set(flipped, 30);
        expect(verifyWithX25519(changed, message, publicBytes(key))).toBe(false);
      }
    }
  });

  test('degenerate keys verify nothing', () => {
    for (const key of ['00'.repeat(32), '01'.padEnd(64, '0'), 'ec'.padEnd(62, 'f') + '7f', 'ff'.repeat(32)]) {
      expect(verifyWithX25519(new Uint8Array(64), new Uint8Array(), hex(key))).toBe(false);
    }
  });
});
