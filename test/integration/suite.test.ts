/** Which suite messages are sealed in: the manifest decides, and what is sealed in less is refused. */
import { describe, expect, test } from 'vitest';
import { parseUtf8, type JurisdictionCode } from '../../src/base/mod.ts';
import { amendDraft, installManifest, signDraft, type Node } from '../../src/node/mod.ts';
import {
  currentEncryptKey,
  memberByCode,
  parseManifest,
  encodeManifest,
  requiredSuite,
  setMinimumSuite,
  type Manifest,
} from '../../src/trust/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { Puppet, type DeliverySpoils } from '../kit/puppet.ts';

const [XA, XB, XC] = ['XA', 'XB', 'XC'] as JurisdictionCode[] as [JurisdictionCode, JurisdictionCode, JurisdictionCode];

/** The next version, with suite 2 as the least for everybody or for one. */
async function raised(federation: TestFederation, code?: JurisdictionCode): Promise<string> {
  await amendDraft(federation.council, (draft, nowMs) => setMinimumSuite(draft, code, 2, nowMs));
  return signDraft(federation.council);
}

async function headerOf(node: Node, messageId: string): Promise<string> {
  const sealed = parseUtf8((await node.storage.store.get(`sealed/${messageId}`))!);
  return Buffer.from(sealed.split('.')[0]!, 'base64url').toString();
}

describe('two nodes', () => {
  test('seal in suite 1 until the manifest asks for suite 2, and then in that, without a restart', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const first = await a.exchange.send(requestDraft(), XB);
    expect(await a.exchange.answerOf(first.message_id, 30_000)).toMatchObject({ status: 'RECEIVED', suite: 1 });
    expect(await headerOf(a, first.message_id)).toContain('"alg":"ECDH-ES"');

    expect((await a.exchange.takeManifest(await raised(federation))).ok).toBe(true);
    a.transport.manifestChanged();
    await until(() => b.exchange.manifest.version === 2, 60_000);
    const second = await a.exchange.send(requestDraft(), XB);
    expect(await a.exchange.answerOf(second.message_id, 30_000)).toMatchObject({ status: 'RECEIVED', suite: 2 });
    expect(await headerOf(a, second.message_id)).toContain('"alg":"mla-X25519MLKEM768-v1"');
    expect((await b.exchange.message(second.message_id)).record).toMatchObject({ suite: 2 });
    const back = await b.exchange.send(requestDraft(), XA);
    expect(await b.exchange.answerOf(back.message_id, 30_000)).toMatchObject({ status: 'RECEIVED', suite: 2 });
  });
});

describe('T01: a member that seals in less than the manifest asks for', () => {
  test.each<[string, DeliverySpoils, object]>([
    ['is refused', {}, { kind: 'REFUSED', reason: 'SUITE_TOO_LOW' }],
    ['is refused whatever version it names', { header: { manifest_version: 2 } }, { reason: 'SUITE_TOO_LOW' }],
    ['and names no version that was ever there', { header: { manifest_version: 9 } }, { reason: 'SUITE_TOO_LOW' }],
    ['is received in suite 2', { sealedTo: { suite: 2 } }, { kind: 'RECEIVED' }],
    ['is received for what it queued under the manifest before', { header: { issued_at: 0 } }, { kind: 'RECEIVED' }],
  ])('%s', async (_name, spoils, entry) => {
    const federation = await copyTestFederation([XA, XB]);
    const before = Date.now() - 1000;
    const text = await raised(federation, XB);
    await installManifest(federation.dirOf(XA), text, undefined);
    const node = await startNode(federation, XA);
    const puppet = await Puppet.of(federation, XB);
    puppet.adopt(text);
    const session = await puppet.converse(XA);
    const header = spoils.header?.issued_at === 0 ? { issued_at: before } : spoils.header;
    session.send(await puppet.delivery(XA, { ...spoils, ...(header && { header }) }));
    const answer = await session.next();
    if (answer.type !== 'receipt') throw new Error(`a ${answer.type} came`);
    expect(parseLedgerEntry(answer.value.entry)).toMatchObject(entry);
    expect(await node.exchange.cases()).toHaveLength('kind' in entry && entry.kind === 'RECEIVED' ? 1 : 0);
    session.close();
  });

  test('and whose text was changed on the way is not even looked into', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XA);
    const puppet = await Puppet.of(federation, XB);
    const session = await puppet.converse(XA);
    const { value } = await puppet.delivery(XA, { sealedTo: { suite: 2 } });
    const [, , ...rest] = value.sealed!.split('.');
    const inSuite1 = await puppet.delivery(XA);
    const [header] = inSuite1.value.sealed!.split('.');
    session.send({ type: 'deliver', value: { ...value, sealed: [header, '', ...rest].join('.') } });
    expect((await session.ended).code).toBe(4010);
    expect(node.storage.ledger.size).toBe(1);
  });
});

describe('the manifest', () => {
  async function manifestOf(codes: readonly JurisdictionCode[]): Promise<Manifest> {
    const federation = await copyTestFederation(codes);
    return (await Puppet.of(federation, codes[0]!)).manifest.manifest;
  }
  const reread = (manifest: Manifest): Manifest => parseManifest(Buffer.from(encodeManifest(manifest)));

  test('asks for suite 2 between two when it does for all, or for either of them', async () => {
    const manifest = await manifestOf([XA, XB, XC]);
    expect(requiredSuite(manifest, XA, XB)).toBe(1);
    const one = reread(setMinimumSuite(manifest, XB, 2, Date.now()));
    expect([requiredSuite(one, XA, XB), requiredSuite(one, XB, XC), requiredSuite(one, XA, XC)]).toEqual([2, 2, 1]);
    const all = reread(setMinimumSuite(manifest, undefined, 2, Date.now()));
    expect(requiredSuite(all, XA, XC)).toBe(2);
    expect(requiredSuite(setMinimumSuite(one, XB, 1, Date.now()), XA, XB)).toBe(1);
  });

  test('cannot ask for it of a member without a key for it, and such a member is not written to', async () => {
    const manifest = await manifestOf([XA, XB]);
    const members = manifest.members.map((member) =>
      member.code === XB ? { ...member, encrypt: member.encrypt.map(({ mlkem768: _, ...key }) => key) } : member,
    );
    const lacking = reread({ ...manifest, members });
    const refused = expect.objectContaining({ code: 'TRUST_SUITE_UNREADY' }) as Error;
    expect(() => setMinimumSuite(lacking, undefined, 2, Date.now())).toThrow(refused);
    expect(() => setMinimumSuite(lacking, XB, 2, Date.now())).toThrow(refused);
    expect(currentEncryptKey(memberByCode(lacking, XB)!, Date.now(), 2)).toBeUndefined();
    expect(currentEncryptKey(memberByCode(lacking, XB)!, Date.now(), 1)).toBeDefined();
  });

  test('names no suite that is not known, no key that is none, and no key twice', async () => {
    const manifest = await manifestOf([XA, XB]);
    const [one, other] = manifest.members;
    const malformed = expect.objectContaining({ code: 'TRUST_MALFORMED' }) as Error;
    const withKey = (mlkem768: unknown): Manifest =>
      ({
        ...manifest,
        members: [one, { ...other, encrypt: [{ ...other!.encrypt[0], mlkem768 }] }],
      }) as Manifest;
    expect(() => reread(withKey(other!.encrypt[0]!.mlkem768))).not.toThrow();
    const unreduced = Buffer.from(other!.encrypt[0]!.mlkem768!, 'base64url').fill(0xff, 0, 3).toString('base64url');
    const changed = [one!.encrypt[0]!.mlkem768, unreduced, 'AAAA', '', 7, `${other!.encrypt[0]!.mlkem768}A`];
    for (const key of changed) expect(() => reread(withKey(key))).toThrow(malformed);
    const suite = (value: unknown): Manifest =>
      ({ ...manifest, minimums: { protocol: 1, suite: value } }) as unknown as Manifest;
    for (const value of [0, 3, '2', null]) expect(() => reread(suite(value))).toThrow(malformed);
  });
});
