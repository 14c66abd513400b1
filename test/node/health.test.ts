/** A health check that can fail: each thing that a node has to be able to do is taken away, and the check says so. */
import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { why } from '../../src/api/why.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { healthOf, witnessingOf, type Node } from '../../src/node/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

const XB = 'XB' as JurisdictionCode;
const DAY_MS = 24 * 3_600_000;

async function codesOf(node: Node): Promise<string[]> {
  const { ok, findings } = await healthOf(node);
  expect(ok).toBe(!findings.some(({ severity }) => severity === 'ERROR'));
  return findings.map(({ code, severity }) => `${severity} ${code}`);
}

test('two nodes that are connected are well; one whose peer is gone is not', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const a = await startNode(federation, 'XA');
  const b = await startNode(federation, 'XB');
  await until(async () => (await codesOf(a)).length === 0);
  await until(async () => (await codesOf(b)).length === 0);
  await b.stop();
  await until(async () => (await codesOf(a)).length === 2);
  expect(await codesOf(a)).toEqual(['WARNING PEER_NOT_REACHED', 'ERROR NO_PEER_REACHED']);
});

test('time that passes, and a folder that is gone', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  let aheadMs = 0;
  const a = await startNode(federation, 'XA', { clock: { nowMs: () => Date.now() + aheadMs } });
  const puppet = await Puppet.of(federation, 'XB');
  const session = await puppet.converse('XA');
  await until(async () => (await codesOf(a)).length === 0);
  aheadMs = 390 * DAY_MS;
  expect(await codesOf(a)).toContain('WARNING CERTIFICATE_EXPIRES_SOON');
  aheadMs = 10 * 365 * DAY_MS;
  const late = await codesOf(a);
  for (const code of ['KEY_NOT_VALID', 'CERTIFICATE_NOT_ACCEPTED', 'MANIFEST_EXPIRED'])
    expect(late).toContain(`ERROR ${code}`);
  aheadMs = 0;
  const away = `${federation.dirOf('XA')}-away`;
  renameSync(federation.dirOf('XA'), away);
  const gone = await codesOf(a);
  // What it still has to write while it stops fails otherwise.
  renameSync(away, federation.dirOf('XA'));
  expect(gone).toContain('ERROR CANNOT_WRITE');
  expect(gone).toContain('ERROR LEDGER_NOT_PUBLISHED');
  session.close();
});

test('a clock that differs from that of every peer', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const a = await startNode(federation, 'XA');
  const puppet = await Puppet.of(federation, 'XB');
  await puppet.converse('XA', { clock: Date.now() - 3_600_000 });
  await until(() => a.transport.connections()[0]!.connected);
  expect(await codesOf(a)).toEqual(['ERROR CLOCK_DIFFERS']);
  const [finding] = (await healthOf(a)).findings;
  expect(finding!.detail).toMatch(/^The clock of XB is 3[56][0-9]{2} s behind this one\.$/);
});

test('why: what a message waits for, its place, and when something happens next', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const a = await startNode(federation, 'XA');
  const first = await a.exchange.send(requestDraft('First.'), XB);
  const second = await a.exchange.send(requestDraft('Second.'), XB);
  await until(() => a.transport.connections()[0]!.last_failure !== undefined);
  const away = await why(a, second.message_id);
  expect(away).toMatchObject({
    queue: { position: 2, waiting: 2 },
    link: { connected: false, last_failure: 'ECONNREFUSED' },
    certificates: [{ of: 'XA' }],
    timeline: [{ ledger: 'XA', kind: 'SENT' }],
  });
  expect(away.next).toMatch(/XB is not reached at wss:.*ECONNREFUSED.*number 2 of 2/);

  const puppet = await Puppet.of(federation, 'XB');
  const session = await puppet.converse('XA', {
    limits: { max_message_bytes: 524_288, max_evidence_bytes: 0, credit: 1 },
  });
  await session.next();
  const here = await why(a, first.message_id);
  expect(here).toMatchObject({
    queue: { position: 1, waiting: 2 },
    link: { connected: true },
    certificates: [{ of: 'XA' }, { of: 'XB' }],
  });
  expect(here.next_at).toBeDefined();
  const overdue = Date.parse(here.receipt_overdue_at!) - Date.now();
  expect(overdue).toBeGreaterThan(0);
  expect(overdue).toBeLessThan(31_000);
  expect((await why(a, second.message_id)).next).toMatch(/has not had its turn/);
  session.close();
  await until(() => !a.transport.connections()[0]!.connected);
  const gone = await why(a, first.message_id);
  expect(gone.link!.last_failure).toMatch(/closed with 1006|ECONN/);
  // What the peer was like is still known when it is gone, which is when anybody asks.
  expect(Math.abs(gone.link!.clock_offset_ms!)).toBeLessThan(60_000);
  expect(gone.certificates).toMatchObject([
    { of: 'XA', state: 'VALID' },
    { of: 'XB', state: 'VALID' },
  ]);
});

test('the witness policy: met while peers cosign, and missed an hour after they have gone', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  let aheadMs = 0;
  const clock = { nowMs: () => Date.now() + aheadMs };
  const a = await startNode(federation, 'XA', { witnessIntervalMs: 0, clock });
  const b = await startNode(federation, 'XB');
  await until(async () => (await witnessingOf(a)).unwitnessed_since === undefined, 60_000);
  const { threshold, peers, witnessed, entries } = await witnessingOf(a);
  expect([threshold, peers, witnessed]).toEqual([1, 1, entries]);
  await b.stop();
  await a.exchange.send(requestDraft(), XB);
  expect(await witnessingOf(a)).toMatchObject({ witnessed: entries, entries: a.exchange.grownTo });
  expect(a.exchange.grownTo).toBeGreaterThan(entries);
  aheadMs = 2 * 3_600_000;
  expect(await codesOf(a)).toContain('WARNING NOT_WITNESSED');
}, 240_000);
