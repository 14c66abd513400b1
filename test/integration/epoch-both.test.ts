/**
 * More of what is lost together with a ledger's entries: files of evidence at either end, a message that was given up, and both ledgers at
 * once. Each time both sides go on, and say the same.
 */
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { auditBundles, type AuditReport } from '../../src/audit/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import type { EvidenceAnswer, MessageRecord } from '../../src/exchange/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { keepStore } from '../kit/loss.ts';
import { requestWhenSettled } from '../kit/settled.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WAIT_MS = 120_000;
const deep = process.env['SLOW'] === '1';

async function audit(...nodes: readonly Node[]): Promise<AuditReport> {
  const bundles = nodes.map(async (node) => ({ name: `${node.config.code}.zip`, bytes: await exportedBundle(node) }));
  return auditBundles(await Promise.all(bundles));
}

function codesOf({ findings }: AuditReport): string[] {
  return findings.map(({ code }) => code).sort();
}

const request = (from: Node, to: Node): Promise<MessageRecord> => requestWhenSettled(from, to, WAIT_MS);

async function acknowledge(from: Node, to: Node, id: Uuid): Promise<MessageRecord> {
  const sent = await from.exchange.send(acknowledgementDraft(id), to.config.code);
  return from.exchange.answerOf(sent.message_id, WAIT_MS);
}

async function announce(from: Node, caseId: Uuid): Promise<Uuid> {
  const transfer = { items: [{ item_id: 'e1' }], measure_ids: ['m1'], more_to_follow: true };
  const draft = from.exchange.evidence.drafting({ case_id: caseId, evidence_transfer: transfer }, XA);
  return (await from.exchange.send(draft, XA)).message_id;
}

const fileAt = async (node: Node): Promise<EvidenceAnswer | undefined> => (await node.exchange.evidence.list())[0];

const isSettled = async (a: Node, b: Node): Promise<boolean> =>
  (await fileAt(a))?.verified_at !== undefined && (await fileAt(b))?.offers[0]?.status === 'COMPLETE';

/** Waits until a file is settled at both ends; if that does not happen, the failure says how far it came at either. */
async function untilSettled(a: Node, b: Node): Promise<void> {
  try {
    await until(() => isSettled(a, b), WAIT_MS);
  } catch (cause) {
    const state = [a, b].map(async (node) => ({
      code: node.config.code,
      epoch: node.storage.ledger.epoch,
      file: await fileAt(node),
      messages: (await node.exchange.messages({})).map(({ type, status, recovered }) => ({ type, status, recovered })),
      incidents: await node.exchange.incidents(),
      connections: node.transport.connections(),
    }));
    throw new Error(`not settled: ${JSON.stringify(await Promise.all(state), undefined, 1)}`, { cause });
  }
}

const incidentsOf = async (node: Node): Promise<string[]> =>
  (await node.exchange.incidents()).map(({ kind }) => kind).sort();

describe.each([
  ['the recipient', XA, false],
  ['the recipient, with the content,', XA, true],
  ['the sender', XB, false],
] as const)('%s of a file', (_who, loser, withContent) => {
  test.skipIf(!deep)(
    'loses what it knew of its arrival, and has it again',
    async () => {
      const federation = await copyTestFederation([XA, XB]);
      let [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
      const caseId = await caseUnderExecution(a, b);
      await b.exchange.evidence.putItem(caseId, exhibit('e1'));
      const content = (async function* (): AsyncIterable<Uint8Array> {
        yield noise(300_000, 5);
      })();
      const label = { case_id: caseId, name: 'e1.bin', media_type: 'application/octet-stream' };
      const { file_id: fileId } = await b.exchange.evidence.add(content, label);
      await b.exchange.evidence.addToItem(caseId, 'e1', [fileId]);
      await Promise.all([a.stop(), b.stop()]);
      const putBack = keepStore(federation, loser);
      [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
      const id = await announce(b, caseId);
      await b.exchange.answerOf(id, WAIT_MS);
      await untilSettled(a, b);
      await Promise.all([a.stop(), b.stop()]);
      await putBack();
      if (withContent) rmSync(a.config.paths.evidence, { recursive: true });

      [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
      await untilSettled(a, b);
      expect(await fileAt(a)).toMatchObject({ status: 'STORED', peer: XB });
      const report = await audit(a, b);
      // What came back is no loss any more: that entries were lost is said once, by the ledger itself.
      expect(codesOf(report)).toEqual(['ENTRIES_LOST', 'INCIDENT_RECORDED']);
      expect(report.ledgers.map(({ kinds }) => kinds['EVIDENCE_COMPLETE'])).toEqual([1, 1]);
      expect(report.ledgers[loser === XA ? 0 : 1]).toMatchObject({
        epochs: [{ number: 2, recovered: loser === XA ? 2 : 1 }],
      });
      await Promise.all([a.stop(), b.stop()]);
    },
    600_000,
  );
});

test.skipIf(!deep)(
  'a sender that has lost the file as well goes on without it',
  async () => {
    const federation = await copyTestFederation([XA, XB]);
    let [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const caseId = await caseUnderExecution(a, b);
    await Promise.all([a.stop(), b.stop()]);
    const putBack = keepStore(federation, XB);
    [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    await b.exchange.evidence.putItem(caseId, exhibit('e1'));
    const content = (async function* (): AsyncIterable<Uint8Array> {
      yield noise(3_000, 5);
    })();
    const label = { case_id: caseId, name: 'e1.bin', media_type: 'application/octet-stream' };
    const { file_id: fileId } = await b.exchange.evidence.add(content, label);
    await b.exchange.evidence.addToItem(caseId, 'e1', [fileId]);
    await announce(b, caseId);
    await untilSettled(a, b);
    await Promise.all([a.stop(), b.stop()]);
    await putBack();

    [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    expect((await request(a, b)).status).toBe('RECEIVED');
    expect(await incidentsOf(a)).toEqual(['RESTARTED_LEDGER']);
    expect(await incidentsOf(b)).toEqual(['RECOVERY_INCOMPLETE']);
    await Promise.all([a.stop(), b.stop()]);
  },
  600_000,
);

test.skipIf(!deep)(
  'a message that was given up before the loss stays given up, and its number used',
  async () => {
    const federation = await copyTestFederation([XA, XB]);
    let a = await startNode(federation, XA);
    let b = await startNode(federation, XB);
    const first = await request(a, b);
    await b.stop();
    const { message_id: id } = await a.exchange.send(requestDraft(), XB);
    await a.stop();
    const putBack = keepStore(federation, XA);
    a = await startNode(federation, XA);
    await a.exchange.withdraw(id);
    b = await startNode(federation, XB);
    expect((await a.exchange.answerOf(id, WAIT_MS)).status).toBe('VOIDED');
    await until(async () => (await b.exchange.message(id)).record.status === 'VOIDED', WAIT_MS);
    await Promise.all([a.stop(), b.stop()]);
    await putBack();

    [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const later = await request(a, b);
    expect([later.status, later.seq]).toEqual(['RECEIVED', first.seq + 2]);
    for (const node of [a, b])
      expect((await node.exchange.message(id)).record).toMatchObject({ status: 'VOIDED', seq: 2 });
    expect((await a.exchange.cases()).length).toBe((await b.exchange.cases()).length);
    const report = await audit(a, b);
    expect(codesOf(report)).toEqual(['ENTRIES_LOST', 'INCIDENT_RECORDED']);
    for (const direction of report.exchange) expect(direction).toMatchObject({ unanswered: 0, receipt_not_held: 0 });
    await Promise.all([a.stop(), b.stop()]);
  },
  600_000,
);

test.skipIf(!deep)(
  'both ledgers begin again at once, each from another day',
  async () => {
    const federation = await copyTestFederation([XA, XB]);
    const start = (): Promise<[Node, Node]> => Promise.all([startNode(federation, XA), startNode(federation, XB)]);
    let [a, b] = await start();
    const first = await request(a, b);
    await Promise.all([a.stop(), b.stop()]);
    const putBackA = keepStore(federation, XA);
    [a, b] = await start();
    // XA will have forgotten this, and XB will know it.
    const known = [await acknowledge(b, a, first.message_id), await request(a, b), await request(b, a)];
    await Promise.all([a.stop(), b.stop()]);
    const putBackB = keepStore(federation, XB);
    [a, b] = await start();
    // Nobody will know this.
    const gone = [await request(a, b), await request(b, a)];
    await Promise.all([a.stop(), b.stop()]);
    await putBackA();
    await putBackB();

    [a, b] = await start();
    const later = [await request(a, b), await request(b, a)];
    expect(later.map(({ status, seq }) => [status, seq])).toEqual([
      ['RECEIVED', 3],
      ['RECEIVED', 3],
    ]);
    const idsOf = async (node: Node): Promise<string[]> =>
      (await node.exchange.messages({})).map((record) => record.message_id).sort();
    expect(await idsOf(a)).toEqual(await idsOf(b));
    const ids = await idsOf(a);
    for (const { message_id: id } of [...known, ...later]) expect(ids).toContain(id);
    for (const { message_id: id } of gone) expect(ids).not.toContain(id);
    for (const node of [a, b]) expect(await incidentsOf(node)).toEqual(['RESTARTED_LEDGER']);
    const report = await audit(a, b);
    expect(codesOf(report)).toEqual(['ENTRIES_LOST', 'ENTRIES_LOST', 'INCIDENT_RECORDED', 'INCIDENT_RECORDED']);
    expect(report.ledgers.map(({ epochs }) => epochs?.map(({ number }) => number))).toEqual([[2], [2]]);
    await Promise.all([a.stop(), b.stop()]);
  },
  600_000,
);
