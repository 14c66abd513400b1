/** Two real nodes: real stores, real certificates, real mutual TLS, real WebSockets. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const deep = process.env['SLOW'] === '1';

const isConnected = (node: Node): boolean => node.transport.connections().every(({ connected }) => connected);
const settled = async (node: Node, peer: JurisdictionCode): Promise<boolean> =>
  (await node.exchange.backlog(peer)).count === 0;

async function bundleOf(node: Node): Promise<{ name: string; bytes: Uint8Array }> {
  return {
    name: `${node.config.code.toLowerCase()}.zip`,
    bytes: await exportedBundle(node),
  };
}

async function audited(...nodes: readonly Node[]): Promise<Awaited<ReturnType<typeof auditBundles>>> {
  return auditBundles(await Promise.all(nodes.map(bundleOf)));
}

describe('two nodes', () => {
  test('exchange messages both ways over one session, and an auditor finds nothing wrong', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    await until(() => isConnected(a) && isConnected(b));
    // Whoever dialled: both ends keep the same session.
    await until(() => a.transport.connections()[0]!.dialled_by === b.transport.connections()[0]!.dialled_by);

    const sent = await a.exchange.send(requestDraft(), XB);
    const held = await a.exchange.answerOf(sent.message_id, 60_000);
    expect(held).toMatchObject({ status: 'RECEIVED', seq: 1, answer: { index: 1 } });
    const received = await b.exchange.message(sent.message_id);
    expect(received.record).toMatchObject({
      direction: 'IN',
      status: 'RECEIVED',
      sent: held.sent,
      answer: held.answer,
    });
    expect(received.proof).toMatchObject({ kind: 'SENT', verified: true });
    expect(received.content).toMatchObject({ assistance_request: { facts: { text: 'Invented facts.' } } });

    const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), XA);
    expect((await b.exchange.answerOf(answer.message_id, 60_000)).status).toBe('RECEIVED');
    const [caseA] = await a.exchange.cases();
    const [caseB] = await b.exchange.cases();
    expect(caseA).toEqual(caseB);
    expect(caseA).toMatchObject({ state: 'RECEIVED', case_id: sent.case_id });

    const report = await audited(a, b);
    expect(report.findings).toEqual([]);
    expect(report.exchange).toMatchObject([
      { from: 'XA', sent: 1, received: 1, unanswered: 0 },
      { from: 'XB', sent: 1, received: 1, unanswered: 0 },
    ]);
  });

  test('hundreds at once, in both directions: contiguous numbers, few flushes, nothing twice', async () => {
    const count = deep ? 2000 : 300;
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    await until(() => isConnected(a) && isConnected(b));
    const send = (from: Node, to: JurisdictionCode): Promise<MessageRecord[]> =>
      Promise.all(Array.from({ length: count }, (_, i) => from.exchange.send(requestDraft(`Facts ${i}`), to)));
    const [fromA, fromB] = await Promise.all([send(a, XB), send(b, XA)]);
    await until(async () => (await settled(a, XB)) && (await settled(b, XA)), 60_000);
    for (const records of [fromA, fromB]) {
      expect(records.map(({ seq }) => seq).sort((x, y) => x - y)).toEqual(
        Array.from({ length: count }, (_, i) => i + 1),
      );
    }
    // A batch can be read from the store a moment before it is under the signed checkpoint.
    await until(() => [a, b].every(({ storage }) => storage.ledger.size === 3 * count + 1));
    const report = await audited(a, b);
    expect(report.findings).toEqual([]);
    expect(report.exchange.map(({ received }) => received)).toEqual([count, count]);
    expect(report.ledgers.map(({ size }) => size)).toEqual([3 * count + 1, 3 * count + 1]);
  });

  test('a peer that is away gets everything once it is back, in order, and a restart of either loses nothing', async () => {
    const federation = await copyTestFederation([XA, XB]);
    let a = await startNode(federation, XA);
    for (let i = 0; i < 20; i++) await a.exchange.send(requestDraft(`Facts ${i}`), XB);
    expect((await a.exchange.backlog(XB)).count).toBe(20);
    await a.stop();
    a = await startNode(federation, XA);
    const b = await startNode(federation, XB);
    await until(() => settled(a, XB));
    const arrived = (await b.exchange.messages({})).sort((x, y) => x.seq - y.seq);
    expect(
      arrived.map(({ content: _content, ...record }: MessageRecord & { content?: unknown }) => record.seq),
    ).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const size = b.storage.ledger.size;
    // The session is lost in the middle of more: what was not answered comes again, and is answered with the same entry.
    const sending = Promise.all(Array.from({ length: 30 }, (_, i) => a.exchange.send(requestDraft(`More ${i}`), XB)));
    await b.stop();
    await sending;
    const again = await startNode(federation, XB);
    await until(() => settled(a, XB));
    expect(again.storage.ledger.size).toBe(size + 30);
    expect((await audited(a, again)).findings).toEqual([]);
  });

  test('a step that the case does not allow is refused by the sender, and nothing is sent', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const sent = await a.exchange.send(requestDraft(), XB);
    await a.exchange.answerOf(sent.message_id, 60_000);
    const size = a.storage.ledger.size;
    const withCode = (code: string): Error => expect.objectContaining({ code }) as Error;
    await expect(a.exchange.send(acknowledgementDraft(sent.message_id), XB)).rejects.toThrow(
      withCode('CASE_ILLEGAL_STEP'),
    );
    await expect(
      b.exchange.send(acknowledgementDraft('019b0000-0000-7000-8000-000000000009' as Uuid), XA),
    ).rejects.toThrow(withCode('EXCHANGE_UNKNOWN_MESSAGE'));
    await expect(a.exchange.send(requestDraft(), 'XC' as JurisdictionCode)).rejects.toThrow(
      withCode('EXCHANGE_UNKNOWN_RECIPIENT'),
    );
    await expect(a.exchange.send(requestDraft(), XA)).rejects.toThrow(withCode('EXCHANGE_UNKNOWN_RECIPIENT'));
    await expect(a.exchange.send(requestDraft('x', { expires_at: 1 }), XB)).rejects.toThrow(
      withCode('WIRE_FIELDS_INVALID'),
    );
    expect(a.storage.ledger.size).toBe(size);
  });

  test('a message that expires before its peer is ever there is given up, and the peer learns of the number', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const a = await startNode(federation, XA);
    const expiring = await a.exchange.send(requestDraft('Late.', { expires_at: Date.now() + 500 }), XB);
    const after = await a.exchange.send(requestDraft('In time.'), XB);
    await new Promise((resolve) => setTimeout(resolve, 510));
    const b = await startNode(federation, XB);
    await until(() => settled(a, XB));
    expect((await a.exchange.message(expiring.message_id)).record).toMatchObject({
      status: 'VOIDED',
      reason: 'VOIDED_EXPIRED',
    });
    expect((await b.exchange.message(expiring.message_id)).record).toMatchObject({
      status: 'VOIDED',
      reason: 'VOIDED_EXPIRED',
    });
    expect((await b.exchange.message(after.message_id)).record).toMatchObject({ status: 'RECEIVED', seq: 2 });
    expect(await a.exchange.cases(expiring.case_id)).toEqual([]);
    const report = await audited(a, b);
    expect(report.findings).toEqual([]);
    expect(report.exchange[0]).toMatchObject({ sent: 2, received: 2, voided: 1 });
  });
});
