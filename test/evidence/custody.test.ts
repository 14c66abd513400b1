/** Chains of custody: what continues one is accepted, and whatever changes one is found. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { CERTIFICATE_RULES } from '../../src/evidence/certificate.ts';
import {
  VerifiedCustody,
  appendCustody,
  custodyFaults,
  itemFaults,
  mergeCustody,
  type CustodyDraft,
  type CustodySigner,
} from '../../src/evidence/mod.ts';
import { parseJson, type CertificateKind, type CustodyRecord, type Hash } from '../../src/wire/mod.ts';
import { exhibit } from '../kit/evidence.ts';

const pairs = Object.fromEntries(['XA', 'XB'].map((code) => [code, generateKeyPairSync('ed25519')]));
const keys = (code: string, kid: string): ReturnType<typeof generateKeyPairSync>['publicKey'] | undefined =>
  kid === `kid-${code}` ? pairs[code]?.publicKey : undefined;
const signer = (code: string): CustodySigner => ({
  jurisdiction: code as JurisdictionCode,
  kid: `kid-${code}`,
  sign: (message) => new Uint8Array(sign(null, message, pairs[code]!.privateKey)),
});
const hash = (byte: number): Hash => ({ algorithm: 'SHA256', value: new Uint8Array(32).fill(byte) });
const draft = (kind: CustodyDraft['kind'], at: number, more: Partial<CustodyDraft> = {}): CustodyDraft => ({
  kind,
  at,
  to: 'Police of Brethen',
  place: 'Brethen',
  ...more,
});

// Under penalty of perjury, or on oath; a custodian of records speaks for a business, every other for an office.
const SWORN: readonly CertificateKind[] = ['BUSINESS_RECORD_3505', 'AFFIDAVIT_OFFICER'];

/** Collected, imaged, stored by XB, handed to XA, received there. */
function goodChain(): CustodyRecord[] {
  const chain: CustodyRecord[] = [];
  const add = (code: string, event: CustodyDraft): void => {
    chain.push(appendCustody('e1', chain, event, signer(code)));
  };
  add('XB', draft('COLLECT', 1));
  add('XB', draft('ACQUIRE', 2, { hash_after: hash(1) }));
  add('XB', draft('STORE', 2, { hash_before: hash(1), hash_after: hash(1) }));
  add('XB', draft('TRANSFER', 3, { hash_before: hash(1) }));
  add('XA', draft('RECEIVE', 4, { hash_after: hash(1) }));
  return chain;
}

const codesOf = (chain: readonly CustodyRecord[]): string[] =>
  custodyFaults('e1', chain, keys, 'c').map(({ path }) => path);

describe('a chain of custody', () => {
  test('that is continued by both sides has no fault', () => {
    expect(codesOf(goodChain())).toEqual([]);
    expect(codesOf([])).toEqual([]);
  });

  test('is verified once, and what is new or changed in it again', () => {
    const verified = new VerifiedCustody();
    const others = (code: string): ReturnType<typeof keys> => pairs[code === 'XA' ? 'XB' : 'XA']?.publicKey;
    const chain = goodChain();
    const known = chain.slice(0, 3);
    expect(custodyFaults('e1', known, keys, 'c', verified)).toEqual([]);
    // With keys under which none of it verifies, only what was not seen before is found.
    const pathsOf = (records: readonly CustodyRecord[]): string[] =>
      custodyFaults('e1', records, others, 'c', verified).map(({ path }) => path);
    expect(pathsOf(chain)).toEqual(['c[3].signature', 'c[4].signature']);
    const changed = known.map((record, at) => (at === 1 ? { ...record, signature: new Uint8Array(64) } : record));
    expect(pathsOf(changed)).toEqual(['c[1].signature']);
  });

  test('without one of its events is broken where it is missing', () => {
    for (let missing = 0; missing < 4; missing++) {
      const chain = goodChain().filter((_, i) => i !== missing);
      expect(codesOf(chain)).toContain(`c[${missing}].event.number`);
      expect(codesOf(chain)).toContain(`c[${missing}].event.previous`);
    }
    const swapped = goodChain();
    [swapped[1], swapped[2]] = [swapped[2]!, swapped[1]!];
    expect(codesOf(swapped)).toContain('c[1].event.previous');
  });

  test('of which any event is changed no longer verifies', () => {
    const changes: Partial<CustodyRecord['event']>[] = [
      { to: 'Somebody else' },
      { place: 'Elsewhere' },
      { at: 3 },
      { seal_no: 'S-1' },
      { hash_after: hash(2) },
    ];
    for (let at = 0; at < 5; at++) {
      for (const change of changes) {
        const chain = goodChain();
        chain[at] = { ...chain[at]!, event: { ...chain[at]!.event, ...change } };
        if (JSON.stringify(chain) === JSON.stringify(goodChain())) continue;
        expect(codesOf(chain)).toContain(`c[${at}].signature`);
      }
    }
    const foreign = goodChain();
    foreign[0] = { ...foreign[0]!, jurisdiction: 'XA' };
    expect(codesOf(foreign)).toContain('c[0].kid');
  });

  test('tells of contents that change between two events, and of times that go back', () => {
    const chain = goodChain();
    const add = (event: CustodyDraft): CustodyRecord[] => [...chain, appendCustody('e1', chain, event, signer('XA'))];
    expect(codesOf(add(draft('STORE', 5, { hash_before: hash(2) })))).toEqual(['c[5].event.hash_before']);
    expect(codesOf(add(draft('COPY', 5, { hash_before: hash(1), hash_after: hash(2) })))).toEqual([
      'c[5].event.hash_after',
    ]);
    expect(codesOf(add(draft('ANALYSE', 5, { hash_before: hash(1), hash_after: hash(2) })))).toEqual([]);
    expect(codesOf(add(draft('STORE', 3)))).toEqual(['c[5].event.at']);
    expect(custodyFaults('e2', chain, keys, 'c').map(({ path }) => path)).toContain('c[0].event.item_id');
  });
});

describe('a chain in two hands', () => {
  const continued = (chain: readonly CustodyRecord[], code: string, ...events: CustodyDraft[]): CustodyRecord[] =>
    events.reduce<CustodyRecord[]>(
      (made, event) => [...made, appendCustody('e1', made, event, signer(code))],
      [...chain],
    );
  const sent = goodChain().slice(0, 4);
  const atA = continued(sent, 'XA', draft('RECEIVE', 4, { hash_after: hash(1) }), draft('ANALYSE', 6));
  const atB = continued(sent, 'XB', draft('STORE', 5), draft('TRANSFER', 7));
  const kinds = (chain: readonly CustodyRecord[]): string[] =>
    chain.map(({ event, jurisdiction }) => `${event.number} ${event.kind} ${jurisdiction}`);

  test('keeps what happened in either, and whoever holds both joins them', () => {
    const merged = mergeCustody(atA, atB);
    expect(kinds(merged).slice(3)).toEqual([
      '4 TRANSFER XB',
      '5 RECEIVE XA',
      '6 ANALYSE XA',
      '5 STORE XB',
      '6 TRANSFER XB',
    ]);
    expect(codesOf(merged)).toEqual([]);
    const received = continued(merged, 'XA', draft('RECEIVE', 8));
    expect(kinds(received).at(-1)).toBe('7 RECEIVE XA');
    expect(received.at(-1)!.event.joins).toHaveLength(1);
    expect(codesOf(received)).toEqual([]);
    // What is joined cannot be left out any more, and what was not joined cannot be claimed.
    expect(codesOf(received.filter(({ event }) => event.kind !== 'ANALYSE'))).toContain('c[7].event.joins');
    const alone = continued(atB, 'XA', draft('RECEIVE', 8));
    expect(codesOf(mergeCustody(atA, alone))).toEqual(['c[8].event.previous']);
  });

  test('is the same for whoever merges, whenever, and as often', () => {
    const once = mergeCustody(atA, atB);
    expect(mergeCustody(once, atB)).toEqual(once);
    expect(mergeCustody(atA, once)).toEqual(once);
    expect(kinds(mergeCustody(atB, atA)).sort()).toEqual(kinds(once).sort());
    expect(codesOf(mergeCustody(atB, atA))).toEqual([]);
    expect(mergeCustody([], atB)).toEqual(atB);
    expect(mergeCustody(atB, sent)).toEqual(atB);
  });

  test('shows when one side tells two stories', () => {
    const other = continued(sent, 'XB', draft('DESTROY', 5));
    expect(codesOf(mergeCustody(other, atB))).toContain('c[5].event.previous');
    expect(codesOf(mergeCustody(continued([], 'XB', draft('COLLECT', 1)), atB))).toEqual([]);
    expect(codesOf(mergeCustody(continued([], 'XB', draft('SEAL', 1)), atB))).not.toEqual([]);
  });
});

describe('an exhibit', () => {
  const pathsOf = (change: object): string[] =>
    itemFaults(parseJson('EvidenceItem', { ...exhibit(), ...change }), 'item').map(
      ({ path, code }) => `${path} ${code}`,
    );
  const digest = (algorithm: string, length: number): object => ({
    algorithm,
    value: Buffer.alloc(length, 1).toString('base64url'),
  });
  const text = (words: string): object => ({ lang: 'en', text: words });

  test.each([
    ['nothing wrong', {}, []],
    ['a digest of another length', { hashes: [digest('SHA256', 20)] }, ['item.hashes[0].value BAD_VALUE']],
    ['only old digests', { hashes: [digest('MD5', 16), digest('SHA1', 20)] }, ['item.hashes REQUIRED']],
    ['an old digest beside a new one', { hashes: [digest('MD5', 16), digest('SHA3_256', 32)] }, []],
    ['digital without acquisition', { kind: 'DIGITAL' }, ['item.acquisition REQUIRED']],
    ['a formality nobody asked for', { formalities_met: [text('under oath')] }, ['item.formalities_met[0] BAD_VALUE']],
    ['itself as its source', { derived_from: ['e1'] }, ['item.derived_from CONFLICT']],
  ])('%s', (_name, change, expected) => {
    expect(pathsOf(change)).toEqual(expected);
  });

  test.each(Object.keys(CERTIFICATE_RULES) as CertificateKind[])(
    'a certificate of kind %s needs each of its particulars',
    (kind) => {
      const { particulars } = CERTIFICATE_RULES[kind];
      const certificate = {
        kind,
        by: 'Dr. Carla Example',
        function: 'custodian',
        authority: 'Invented Bank',
        place: 'Brethen',
        date: '2026-11-02',
        sworn: true,
        statement: text('I certify.'),
        particulars: particulars.map((name) => ({ name, value: text('Stated.') })),
      };
      expect(pathsOf({ certificates: [certificate] })).toEqual([]);
      for (const name of particulars) {
        const without = {
          ...certificate,
          particulars: certificate.particulars.filter((stated) => stated.name !== name),
        };
        expect(pathsOf({ certificates: [without] })).toEqual(['item.certificates[0].particulars REQUIRED']);
      }
      expect(pathsOf({ certificates: [{ ...certificate, sworn: false }] })).toEqual(
        SWORN.includes(kind) ? ['item.certificates[0].sworn REQUIRED'] : [],
      );
      const { authority: _authority, ...unnamed } = certificate;
      expect(pathsOf({ certificates: [unnamed] })).toEqual(
        kind === 'BUSINESS_RECORD_3505' ? [] : ['item.certificates[0].authority REQUIRED'],
      );
    },
  );
});
