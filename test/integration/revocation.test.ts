/** T04: a key that is revoked, a member that is suspended, a manifest that expires; and what came before stays as it was judged. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { amendDraft, signDraft, type Node } from '../../src/node/mod.ts';
import { memberByCode, revokeKey, setMemberStatus, signKeyAt, type Manifest } from '../../src/trust/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { Puppet, type PuppetSession } from '../kit/puppet.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const HOUR = 3_600_000;

interface Stage {
  readonly federation: TestFederation;
  readonly node: Node;
  readonly puppet: Puppet;
}

async function stage(): Promise<Stage> {
  const federation = await copyTestFederation([XA, XB]);
  const node = await startNode(federation, XA);
  return { federation, node, puppet: await Puppet.of(federation, XB) };
}

/** The council's next version, in force at the node. */
async function decree(
  { federation, node }: Pick<Stage, 'federation' | 'node'>,
  change: (draft: Manifest, nowMs: number) => Manifest,
): Promise<string> {
  await amendDraft(federation.council, change);
  const text = await signDraft(federation.council);
  expect(await node.exchange.takeManifest(text)).toMatchObject({ ok: true });
  node.transport.manifestChanged();
  return text;
}

const revokeSign = (atMs: number) => (draft: Manifest, nowMs: number) =>
  revokeKey(draft, XB, memberByCode(draft, XB)!.sign[0]!.kid, { atMs, reason: 'stolen' }, nowMs);

type Delivery = Awaited<ReturnType<Puppet['delivery']>>;

async function answerTo(session: PuppetSession, delivery: Delivery): Promise<ReturnType<typeof parseLedgerEntry>> {
  session.send(delivery);
  const frame = await session.next();
  if (frame.type !== 'receipt') throw new Error(`a ${frame.type} came`);
  return parseLedgerEntry(frame.value.entry);
}

const idOf = ({ value }: Delivery): Uuid => value.message_id as Uuid;

describe('a signing key', () => {
  test('T04: what comes under it after its revocation is quarantined, whatever date it claims; what came before stays', async () => {
    const { federation, node, puppet } = await stage();
    const before = await puppet.converse(XA);
    const early = await puppet.delivery(XA);
    expect(await answerTo(before, early)).toMatchObject({ kind: 'RECEIVED' });
    puppet.adopt(await decree({ federation, node }, revokeSign(Date.now())));
    expect((await before.ended).code).toBe(4005);

    const session = await puppet.converse(XA);
    const late = await puppet.delivery(XA, { header: { issued_at: Date.now() - HOUR, manifest_version: 1 } });
    const later = await puppet.delivery(XA, { header: { issued_at: Date.now() + 1000 } });
    for (const delivery of [late, later]) {
      const answer = await answerTo(session, delivery);
      expect(answer).toMatchObject({ kind: 'REFUSED', reason: 'SIGNING_KEY_REVOKED' });
      expect(await answerTo(session, delivery)).toEqual(answer);
    }
    const quarantined = await node.exchange.messages({ status: 'QUARANTINED' });
    expect(quarantined.map(({ message_id }) => message_id).toSorted()).toEqual([idOf(late), idOf(later)].toSorted());
    // It can be read, and has changed no case.
    expect((await node.exchange.message(idOf(late))).content).toHaveProperty('assistance_request');
    expect((await node.exchange.cases()).map(({ case_id }) => case_id)).toHaveLength(1);
    // Refusing is not accusing: the peer has contradicted nothing.
    expect(await node.exchange.incidents()).toEqual([]);

    // The message from before: still received, still proved, and still judged as of when it was signed.
    const { record, proof } = await node.exchange.message(idOf(early));
    expect({ status: record.status, verified: proof!.verified }).toEqual({ status: 'RECEIVED', verified: true });
    const member = memberByCode(node.exchange.manifest, XB)!;
    const { kid } = member.sign[0]!;
    expect(signKeyAt(member, kid, record.issued_at!).ok).toBe(true);
    expect(signKeyAt(member, kid, Date.now())).toMatchObject({ ok: false, reason: 'KEY_REVOKED' });
    const bundle = await exportedBundle(node);
    expect((await auditBundles([{ name: 'xa.zip', bytes: bundle }])).findings).toEqual([]);
    session.close();
  });

  test('T04: only what this node had cosigned in the sender’s ledger before the revocation is still believed', async () => {
    const { federation, node, puppet } = await stage();
    const [first, second, third] = [await puppet.delivery(XA), await puppet.delivery(XA), await puppet.delivery(XA)];
    const witness = await puppet.converse(XA);
    const cosign = async (session: PuppetSession, old: number, size: number): Promise<void> => {
      session.send(await puppet.offer(old, size));
      expect(await session.next()).toMatchObject({ type: 'cosignature', value: { size } });
    };
    await cosign(witness, 0, 2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    puppet.adopt(await decree({ federation, node }, revokeSign(Date.now())));
    await witness.ended;
    const session = await puppet.converse(XA);
    await cosign(session, 2, 3);
    const under = async (delivery: Delivery, index: number, size: number): Promise<Delivery> => ({
      ...delivery,
      value: { ...delivery.value, sent: await puppet.receipt(index, size) },
    });
    // The first two entries were seen in time: proved in that tree, or in one that was shown to continue it.
    expect(await answerTo(session, await under(first, 0, 2))).toMatchObject({ kind: 'RECEIVED' });
    expect(await answerTo(session, await under(second, 1, 3))).toMatchObject({ kind: 'RECEIVED' });
    // The third was cosigned as well, but afterwards.
    expect(await answerTo(session, await under(third, 2, 3))).toMatchObject({ reason: 'SIGNING_KEY_REVOKED' });
    // A tree that nobody cosigned proves nothing of the past, wherever in it the entry is.
    const fourth = await puppet.delivery(XA);
    expect(await answerTo(session, fourth)).toMatchObject({ reason: 'SIGNING_KEY_REVOKED' });
    session.close();
  });

  test('a key that has ended is judged as of the time in the message', async () => {
    const { federation, node, puppet } = await stage();
    const end = Date.now() - HOUR;
    const ended = (draft: Manifest): Manifest => ({
      ...draft,
      members: draft.members.map((member) =>
        member.code === XB ? { ...member, sign: [{ ...member.sign[0]!, not_after: end }] } : member,
      ),
    });
    puppet.adopt(await decree({ federation, node }, ended));
    const session = await puppet.converse(XA);
    const old = await puppet.delivery(XA, { header: { issued_at: end - 1 } });
    expect(await answerTo(session, old)).toMatchObject({ kind: 'RECEIVED' });
    const late = await puppet.delivery(XA, { header: { issued_at: end } });
    expect(await answerTo(session, late)).toMatchObject({ kind: 'REFUSED', reason: 'SIGNING_KEY_NOT_VALID' });
    session.close();
  });

  test('a revocation to come changes nothing yet', async () => {
    const { federation, node, puppet } = await stage();
    puppet.adopt(await decree({ federation, node }, revokeSign(Date.now() + HOUR)));
    const session = await puppet.converse(XA);
    expect(await answerTo(session, await puppet.delivery(XA))).toMatchObject({ kind: 'RECEIVED' });
    session.close();
  });
});

describe('a connection', () => {
  const connection = ({ node }: Pick<Stage, 'node'>) => node.transport.connections()[0]!;

  test.each<[string, number]>([
    ['by a manifest', 0],
    ['at a time that the manifest named', 1000],
  ])('T04: a TLS key that is revoked %s: the live session ends, and none comes back', async (_name, delayMs) => {
    const federation = await copyTestFederation([XA, XB]);
    const refused: unknown[] = [];
    const a = await startNode(federation, XA, {
      log: (_level, event, fields) => {
        if (event === 'transport.connection_refused') refused.push(fields?.['detail']);
      },
    });
    await startNode(federation, XB);
    await until(() => connection({ node: a }).connected);
    const atMs = Date.now() + delayMs;
    const revoke = (draft: Manifest, nowMs: number): Manifest =>
      revokeKey(draft, XB, memberByCode(draft, XB)!.tls.spki_sha256[0]!.sha256, { atMs, reason: 'stolen' }, nowMs);
    await decree({ federation, node: a }, revoke);
    const cut = performance.now();
    await until(() => refused.includes('CERTIFICATE_NOT_PINNED'));
    expect(connection({ node: a })).toMatchObject({ connected: false });
    expect(performance.now() - cut).toBeLessThan(15_000);
  });

  test('a member that is suspended takes no part, and takes part again when it is reactivated', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    await until(() => connection({ node: a }).connected);
    const set = (status: 'SUSPENDED' | 'ACTIVE') => (draft: Manifest, nowMs: number) =>
      setMemberStatus(draft, XB, status, nowMs);
    await decree({ federation, node: a }, set('SUSPENDED'));
    await until(() => a.transport.connections().length === 0);
    await expect(a.exchange.send(requestDraft(), XB)).rejects.toMatchObject({ code: 'EXCHANGE_RECIPIENT_INACTIVE' });
    const puppet = await Puppet.of(federation, XB);
    await expect(puppet.connect(XA)).rejects.toThrow();
    const waiting = await b.exchange.send(requestDraft(), XA);
    await decree({ federation, node: a }, set('ACTIVE'));
    expect((await b.exchange.answerOf(waiting.message_id, 60_000)).status).toBe('RECEIVED');
    expect(b.exchange.manifest.version).toBe(3);
  });
});

test('under a manifest that has expired nothing new is sent, and what arrives is received and answered', async () => {
  const { federation, node, puppet } = await stage();
  const queued = await node.exchange.send(requestDraft(), XB);
  puppet.adopt(await decree({ federation, node }, (draft, nowMs) => ({ ...draft, expires_at: nowMs + 1 })));
  await until(() => Date.now() > node.exchange.manifest.expires_at);
  await expect(node.exchange.send(requestDraft(), XB)).rejects.toMatchObject({ code: 'EXCHANGE_MANIFEST_EXPIRED' });
  const session = await puppet.converse(XA);
  // What was queued before is still delivered.
  expect(await session.next()).toMatchObject({ type: 'deliver', value: { message_id: queued.message_id } });
  expect(await answerTo(session, await puppet.delivery(XA))).toMatchObject({ kind: 'RECEIVED' });
  puppet.adopt(await decree({ federation, node }, (draft, nowMs) => ({ ...draft, expires_at: nowMs + HOUR })));
  await node.exchange.send(requestDraft(), XB);
  session.close();
});
