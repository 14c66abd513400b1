/**
 * One loss after another. An index says nothing about another epoch: entries that were lost at indices which the ledger has used again since
 * come back all the same, also when it is what came back that is lost.
 */
import { expect, test } from 'vitest';
import { auditBundles, type AuditReport } from '../../src/audit/mod.ts';
import { newUuid, type JurisdictionCode } from '../../src/base/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { acknowledgementDraft } from '../kit/drafts.ts';
import { noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { keepStore } from '../kit/loss.ts';
import { requestWhenSettled } from '../kit/settled.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WAIT_MS = 120_000;
const deep = process.env['SLOW'] === '1';

const request = (from: Node, to: Node): Promise<MessageRecord> => requestWhenSettled(from, to, WAIT_MS);

async function acknowledge(from: Node, to: Node, { message_id: id }: MessageRecord): Promise<MessageRecord> {
  const sent = await from.exchange.send(acknowledgementDraft(id), to.config.code);
  return from.exchange.answerOf(sent.message_id, WAIT_MS);
}

/** Lets the ledger grow to so many entries without any peer: a file is taken in and deleted. */
async function growTo(node: Node, size: number): Promise<void> {
  const { evidence } = node.exchange;
  const label = { case_id: newUuid(1, noise(10)), name: 'a.bin', media_type: 'image/tiff' };
  for (let seed = node.storage.ledger.size; seed < size; seed++) {
    const content = (async function* (): AsyncIterable<Uint8Array> {
      yield noise(100, seed);
    })();
    await evidence.delete((await evidence.add(content, label)).file_id, 'MISTAKE');
  }
  expect(node.storage.ledger.size).toBe(size);
}

/** What the only peer vouches for, once it has heard of all that it is asked to cosign: what is about witnessing at the end is not. */
async function cosignedSize({ exchange }: Node): Promise<number> {
  const size = async (): Promise<number> => (await exchange.cosignatures())[0]?.size ?? 0;
  await until(async () => (await size()) >= exchange.grownTo, WAIT_MS);
  return size();
}

async function holds(node: Node, records: readonly MessageRecord[]): Promise<boolean> {
  const ids = new Set((await node.exchange.messages({})).map(({ message_id: id }) => id));
  return records.every(({ message_id: id }) => ids.has(id));
}

/** Both sides have the same messages, and the same cases. */
async function agree(a: Node, b: Node): Promise<void> {
  const messages = async (node: Node): Promise<unknown> =>
    (await node.exchange.messages({})).map(({ message_id: id, seq, type }) => [id, seq, type]).sort();
  const cases = async (node: Node): Promise<unknown> =>
    (await node.exchange.cases())
      .map(({ case_id: id, state, steps }) => [id, state, steps.map(({ message_id: step }) => step)])
      .sort();
  expect([await messages(a), await cases(a)]).toEqual([await messages(b), await cases(b)]);
}

function codesOf({ findings }: AuditReport): Set<string> {
  return new Set(findings.map(({ code }) => code));
}

async function audit(...nodes: readonly Node[]): Promise<AuditReport> {
  const bundles = nodes.map(async (node) => ({ name: `${node.config.code}.zip`, bytes: await exportedBundle(node) }));
  return auditBundles(await Promise.all(bundles));
}

test.skipIf(!deep).each([
  ['is given back again after the next', true],
  ['comes back after the next, where the peer has met neither', false],
])(
  'what one loss took %s',
  async (_what, meetsBetween) => {
    const federation = await copyTestFederation([XA, XB]);
    const witnessing = { witnessIntervalMs: 50 };
    let [a, b] = [await startNode(federation, XA, witnessing), await startNode(federation, XB)];
    const first = await request(a, b);
    await a.stop();
    const putBack = keepStore(federation, XA);
    a = await startNode(federation, XA, witnessing);
    const lost = [await acknowledge(b, a, first), await request(a, b), await request(b, a)];
    const size = await cosignedSize(a);
    await Promise.all([a.stop(), b.stop()]);
    await putBack();

    // As many entries as before, and the peer has cosigned another tree of so many.
    a = await startNode(federation, XA);
    await growTo(a, size);
    await a.stop();
    const putBackAgain = keepStore(federation, XA);
    a = await startNode(federation, XA);
    if (meetsBetween) {
      b = await startNode(federation, XB);
      await until(() => holds(a, lost), WAIT_MS);
      lost.push(await request(a, b), await acknowledge(b, a, lost[1]!), await request(b, a));
      await b.stop();
    } else {
      await growTo(a, size + 1);
    }
    await a.stop();
    await putBackAgain();

    [a, b] = [await startNode(federation, XA, witnessing), await startNode(federation, XB)];
    await until(() => holds(a, lost), WAIT_MS);
    const later = [await request(a, b), await request(b, a)];
    const sent = meetsBetween ? [4, 5] : [3, 3];
    expect(later.map(({ status, seq }) => [status, seq])).toEqual(sent.map((seq) => ['RECEIVED', seq]));
    await agree(a, b);
    const kinds = (await b.exchange.incidents()).map(({ kind }) => kind);
    expect(kinds).toEqual(Array(meetsBetween ? 2 : 1).fill('RESTARTED_LEDGER'));
    const report = await audit(a, b);
    const codes = report.findings.map(({ code }) => code).filter((code) => code !== 'INCIDENT_RECORDED');
    expect(new Set(codes)).toEqual(new Set(['ENTRIES_LOST']));
    expect(report.ledgers[0]!.epochs?.map(({ number }) => number)).toEqual([2, 3]);
    for (const direction of report.exchange)
      expect(direction).toMatchObject({ not_received: 0, unanswered: 0, receipt_not_held: 0, refused: 0 });
    await Promise.all([a.stop(), b.stop()]);
  },
  600_000,
);

test('a ledger that goes on from a copy newer than the beginning of its last epoch', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const witnessing = { witnessIntervalMs: 50 };
  const b = await startNode(federation, XB);
  let a = await startNode(federation, XA);
  await request(a, b);
  await a.stop();
  const putBackOlder = keepStore(federation, XA);
  a = await startNode(federation, XA);
  await request(a, b);
  await request(b, a);
  const newer = a.storage.ledger.size;
  await a.stop();
  const putBackNewer = keepStore(federation, XA);

  await putBackOlder();
  a = await startNode(federation, XA, witnessing);
  await request(a, b);
  const left = { name: 'left.zip', bytes: await exportedBundle(a) };
  const size = await cosignedSize(a);
  expect([a.storage.ledger.epoch, a.storage.ledger.epochEntries[0]! < newer, newer < size]).toEqual([2, true, true]);
  await a.stop();

  await putBackNewer();
  a = await startNode(federation, XA, witnessing);
  const later = [await request(a, b), await request(b, a)];
  expect(later.map(({ status, seq }) => [status, seq])).toEqual([
    ['RECEIVED', 4],
    ['RECEIVED', 2],
  ]);
  expect(a.storage.ledger.epochEntries).toEqual([newer]);
  await agree(a, b);
  const report = await audit(a, b);
  expect(codesOf(report)).toEqual(new Set(['ENTRIES_LOST', 'INCIDENT_RECORDED']));
  expect(report.ledgers[0]!.epochs?.map(({ number, kept }) => [number, kept])).toEqual([[3, newer]]);
  for (const direction of report.exchange)
    expect(direction).toMatchObject({ not_received: 0, unanswered: 0, receipt_not_held: 0, refused: 0 });
  // Either is the same ledger up to where the first of the two began, and no further.
  const present = { name: 'present.zip', bytes: await exportedBundle(a) };
  const codes = codesOf(await auditBundles([left, present]));
  expect([codes.has('SAME_LEDGER_TWICE'), codes.has('LEDGER_FORKED')]).toEqual([true, false]);
  await Promise.all([a.stop(), b.stop()]);
}, 600_000);
