/**
 * A ledger that has lost entries for good goes on in a new epoch. What its peers hold of the lost entries comes back; nothing is
 * acknowledged twice, no number is used again; the peers keep the proof of the old head; audits name what is lost.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { auditBundles, type AuditReport } from '../../src/audit/mod.ts';
import { codeOf, type FailpointName, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { parseCheckpointNote } from '../../src/ledger/mod.ts';
import { bundleOf, openNodeStorage, type Node } from '../../src/node/mod.ts';
import { expectBlame } from '../kit/blame.ts';
import { collect, exportedBundle } from '../kit/bundle.ts';
import { runCommand } from '../kit/command.ts';
import { acknowledgementDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory } from '../kit/process.ts';
import { requestWhenSettled } from '../kit/settled.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WAIT_MS = 120_000;

const request = (from: Node, to: Node): Promise<MessageRecord> => requestWhenSettled(from, to, WAIT_MS);

async function acknowledge(from: Node, to: Node, { message_id: id }: MessageRecord): Promise<MessageRecord> {
  const sent = await from.exchange.send(acknowledgementDraft(id), to.config.code);
  return from.exchange.answerOf(sent.message_id, WAIT_MS);
}

/** XA has exchanged with XB, was copied, and has gone on; then its store is lost and the copy is put back. */
async function loss(): Promise<{
  readonly federation: TestFederation;
  readonly b: Node;
  readonly old: string;
  readonly lost: readonly Uuid[];
}> {
  const federation = await copyTestFederation([XA, XB]);
  const b = await startNode(federation, XB);
  let a = await startNode(federation, XA);
  const first = await request(a, b);
  await a.stop();
  const old = join(temporaryFolder(), 'old');
  cpSync(federation.dirOf(XA), old, { recursive: true });
  a = await startNode(federation, XA);
  const answers = [await acknowledge(b, a, first)];
  const second = await request(a, b);
  answers.push(second, await acknowledge(b, a, second), await request(b, a));
  await a.stop();
  rmSync(join(federation.dirOf(XA), 'store'), { recursive: true });
  cpSync(join(old, 'store'), join(federation.dirOf(XA), 'store'), { recursive: true });
  return { federation, b, old, lost: answers.map((record) => record.message_id) };
}

function codesOf({ findings }: AuditReport): string[] {
  return findings.map(({ code }) => code).sort();
}

async function audit(...nodes: readonly Node[]): Promise<AuditReport> {
  const bundles = nodes.map(async (node) => ({ name: `${node.config.code}.zip`, bytes: await exportedBundle(node) }));
  return auditBundles(await Promise.all(bundles));
}

test('what the peer holds comes back, both go on, and audits name the loss', async () => {
  const { federation, b, old, lost } = await loss();
  const dir = federation.dirOf(XA);
  const before = (await b.exchange.messages({})).map(({ message_id: id, status }) => [id, status]);
  const refused = await rogatory('restore', '--node', dir);
  expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining('--new-epoch')]);
  const begun = await rogatory('restore', '--node', dir, '--new-epoch', '--json');
  expect([begun.status, JSON.parse(begun.stdout)]).toMatchObject([0, { epoch: { number: 2, kept: 3, signed: 8 } }]);
  // Once is enough: now nothing is lost any more.
  expect((await rogatory('restore', '--node', dir, '--new-epoch')).stderr).toContain('NODE_EPOCH_REFUSED');

  // As it stands before anybody was asked: whatever the peer has the proof of is missing.
  const storage = await openNodeStorage(loadNodeConfig(nodePaths(dir).config, {}), undefined);
  const alone = await collect(await bundleOf(XA, storage));
  await storage.close();
  const missing = await auditBundles([
    { name: 'XA.zip', bytes: alone },
    { name: 'XB.zip', bytes: await exportedBundle(b) },
  ]);
  // The loss itself; four messages that the peer can prove; of those, that XA sent one is not even known.
  expect(codesOf(missing)).toEqual([
    'ENTRIES_LOST',
    'ENTRIES_LOST',
    'ENTRIES_LOST',
    'ENTRIES_LOST',
    'ENTRIES_LOST',
    'ENTRY_CONTRADICTED',
  ]);

  let a = await startNode(federation, XA);
  await until(async () => (await b.exchange.incidents()).length > 0, WAIT_MS);
  const [incident] = await b.exchange.incidents();
  await until(() => b.transport.connections()[0]!.connected, WAIT_MS);
  const api = await ApiServer.open(b);
  onTestFinished(() => api.close());
  const { stdout } = await runCommand('status', '--node', federation.dirOf(XB));
  expect(stdout).toContain(`incidents 1, the latest at ${incident!.noticed_at}, by XA: ${incident!.kind}`);
  expect(stdout).toContain('rogatory ledger incidents');
  expect(incident).toMatchObject({ peer: XA, kind: 'RESTARTED_LEDGER' });
  expect(incident!.exhibits.slice(0, 3).map((note) => parseCheckpointNote(note).origin)).toEqual([
    'xa.test.example/ledger',
    'xa.test.example/ledger',
    'xa.test.example/ledger/2',
  ]);
  const ids = (await a.exchange.messages({})).map(({ message_id: id }) => id);
  expect(ids).toEqual(expect.arrayContaining([...lost]));
  const after = (await b.exchange.messages({})).map(({ message_id: id, status }) => [id, status]);
  expect(after).toEqual(before);
  for (const id of lost) expect((await a.exchange.message(id)).content).toBeDefined();

  const later = await request(a, b);
  expect([later.status, later.seq]).toEqual(['RECEIVED', 3]);
  const answer = await acknowledge(b, a, later);
  expect([answer.status, answer.seq]).toEqual(['RECEIVED', 4]);
  const casesOf = async (node: Node): Promise<unknown> =>
    (await node.exchange.cases())
      .map(({ case_id: id, state, steps }) => [id, state, steps.map(({ message_id: step, index }) => [step, index])])
      .sort();
  expect(await casesOf(a)).toEqual(await casesOf(b));

  const report = await audit(a, b);
  expect(codesOf(report)).toEqual(['ENTRIES_LOST', 'INCIDENT_RECORDED']);
  expect(report.findings.map(({ detail }) => detail).join()).toContain('epoch 2 keeps 3 of 8 entries');
  expect(report.ledgers[0]).toMatchObject({ epochs: [{ number: 2, kept: 3, signed: 8, recovered: 4 }] });
  for (const direction of report.exchange)
    expect(direction).toMatchObject({ not_received: 0, unanswered: 0, receipt_not_held: 0, refused: 0 });
  const part = { name: 'XA.zip', bytes: await exportedBundle(a, { peer: XB }) };
  expect(codesOf(await auditBundles([part, { name: 'XB.zip', bytes: await exportedBundle(b) }]))).toEqual(
    codesOf(report),
  );

  // The copy from before the loss is put back, head and all: it is of an epoch that this ledger has left.
  await a.stop();
  for (const name of ['store', 'head']) {
    rmSync(join(dir, name), { recursive: true });
    cpSync(join(old, name), join(dir, name), { recursive: true });
  }
  const failures: unknown[] = [];
  expectBlame('LEDGER_CONTRADICTION');
  a = await startNode(federation, XA, { onFatal: (error) => failures.push(error) });
  await until(() => failures.length > 0, WAIT_MS);
  expect(codeOf(failures[0])).toBe('LEDGER_ROLLED_BACK');
  await until(async () => (await b.exchange.incidents()).length > 1, WAIT_MS);
  await a.stop();
  // Whoever starts it again is told without a peer.
  await expect(startNode(federation, XA)).rejects.toThrow(/epoch 2 .*rogatory restore/s);
}, 600_000);

test.each([
  ['recovery.committed', XA],
  ['resume.committed', XA],
  ['resume.followed', XB],
] as const)(
  '%s: the process ends there, and the next one settles what is left',
  async (name, code) => {
    const { federation, b, lost } = await loss();
    await b.stop();
    expect((await rogatory('restore', '--node', federation.dirOf(XA), '--new-epoch')).status).toBe(0);
    const failures: unknown[] = [];
    const options = {
      onFatal: (error: unknown): void => {
        failures.push(error);
      },
      failpoint: (reached: FailpointName): void => {
        if (reached === name) throw new Error(name);
      },
    };
    const both = [XA, XB].map((each) => startNode(federation, each, each === code ? options : {}));
    await until(() => failures.length > 0, WAIT_MS);
    const [first, second] = await Promise.all(both);
    await first!.stop();
    await second!.stop();
    const a = await startNode(federation, XA);
    const again = await startNode(federation, XB);
    const ids = async (): Promise<Set<string>> =>
      new Set((await a.exchange.messages({})).map(({ message_id: id }) => id));
    // A message that is sent before takes a number that was used.
    await until(async () => {
      const found = await ids();
      return lost.every((id) => found.has(id));
    }, WAIT_MS);
    expect((await request(a, again)).seq).toBe(3);
    const { ledgers, findings } = await audit(a, again);
    expect(ledgers[0]).toMatchObject({ kinds: { EPOCH: 1, RESUMED: 1, RECOVERED: 4 } });
    expect(findings.map((finding) => finding.code).filter((found) => found !== 'INCIDENT_RECORDED')).toEqual([
      'ENTRIES_LOST',
    ]);
  },
  600_000,
);
