/** What monitoring sees of a real node, and that the operator's guide describes all of it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { Node, createLog } from '../../src/node/mod.ts';
import { Metrics } from '../../src/node/metrics.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, freePort, startNode, until, type TestFederation } from '../kit/federation.ts';

function scrape(
  port: number,
  path = '/metrics',
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        resolve({ status: response.statusCode, text });
      });
    }).on('error', reject);
  });
}

/** The value of one sample, its labels in any order. */
function sample(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const found = Object.fromEntries(
      [...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map((pair) => [pair[1]!, pair[2]!]),
    );
    if (Object.entries(labels).every(([label, value]) => found[label] === value)) return Number(match[3]);
  }
  return undefined;
}

function withMetrics(federation: TestFederation, code: string, port: number): void {
  const path = nodePaths(federation.dirOf(code)).config;
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, metrics_listen: { port } }));
}

test('a node tells of its queue, its peers, its ledger and its disk', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const port = await freePort();
  withMetrics(federation, 'XA', port);
  const xa = await startNode(federation, 'XA');
  const secret = 'zq-canary-of-a-case';
  const { message_id: id } = await xa.exchange.send(requestDraft(secret), 'XB' as never);

  const before = (await scrape(port)).text;
  expect(sample(before, 'rogatory_queue_messages', { peer: 'XB' })).toBe(1);
  expect(sample(before, 'rogatory_queue_oldest_seconds', { peer: 'XB' })).toBeGreaterThanOrEqual(0);
  expect(sample(before, 'rogatory_session_up', { peer: 'XB' })).toBe(0);
  expect(sample(before, 'rogatory_messages_total', { peer: 'XB', event: 'RECEIPT_HELD' })).toBeUndefined();

  await startNode(federation, 'XB');
  await until(
    async () => sample((await scrape(port)).text, 'rogatory_messages_total', { event: 'RECEIPT_HELD' }) === 1,
  );
  await until(async () => sample((await scrape(port)).text, 'rogatory_session_up', { peer: 'XB' }) === 1);
  const { status, text } = await scrape(port);
  expect(status).toBe(200);
  expect(sample(text, 'rogatory_queue_messages', { peer: 'XB' })).toBe(0);
  expect(sample(text, 'rogatory_messages_total', { peer: 'XB', event: 'SENT' })).toBe(1);
  expect(sample(text, 'rogatory_messages_total', { peer: 'XB', event: 'RECEIPT_HELD' })).toBe(1);
  expect(sample(text, 'rogatory_ledger_entries')).toBe(xa.storage.ledger.size);
  expect(sample(text, 'rogatory_witness_lag_entries', { peer: 'XB' })).toBe(xa.storage.ledger.size);
  // The manifest's own entry, the message's, and the receipt's.
  expect(sample(text, 'rogatory_append_seconds_count')).toBe(3);
  expect(sample(text, 'rogatory_batch_entries_sum')).toBe(3);
  expect(sample(text, 'rogatory_store_sync_seconds_sum')).toBeGreaterThan(0);
  expect(sample(text, 'rogatory_head_sync_seconds_sum')).toBeGreaterThan(0);
  for (const owner of ['XA', 'XB'])
    expect(sample(text, 'rogatory_days_left', { owner, what: 'tls certificate' })).toBeGreaterThan(1);
  expect(sample(text, 'rogatory_days_left', { owner: '', what: 'manifest' })).toBeGreaterThan(1);
  expect(sample(text, 'rogatory_expiring', { days: '60' })).toBe(0);
  expect(text).not.toContain(secret);
  expect(text).not.toContain(id);
  expect((await scrape(port, '/')).status).toBe(404);

  const named = [...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]!);
  const guide = readFileSync('node-config/README.md', 'utf8');
  const described = [...guide.matchAll(/^\| `(rogatory_[a-z_]+)` \|/gm)].map((match) => match[1]!);
  expect(described.toSorted()).toEqual(named.toSorted());
});

test('a refusal is counted by its reason on both sides', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const [port, other] = [await freePort(), await freePort()];
  withMetrics(federation, 'XA', port);
  withMetrics(federation, 'XB', other);
  // A sender whose clock is an hour ahead signs in the receiver's future.
  const nowMs = (): number => Date.now() + 3_600_000;
  const xa = await startNode(federation, 'XA', { clock: { ...systemClock, nowMs } });
  await startNode(federation, 'XB');
  await xa.exchange.send(requestDraft(), 'XB' as never);
  const labels = { reason: 'ISSUED_IN_FUTURE' };
  await until(
    async () => sample((await scrape(port)).text, 'rogatory_refusals_held_total', { peer: 'XB', ...labels }) === 1,
  );
  expect(sample((await scrape(other)).text, 'rogatory_refused_total', { peer: 'XA', ...labels })).toBe(1);
});

test('a port that is taken is said, and nothing stays open', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const port = await freePort();
  withMetrics(federation, 'XA', port);
  withMetrics(federation, 'XB', port);
  await startNode(federation, 'XA');
  const options = {
    config: loadNodeConfig(nodePaths(federation.dirOf('XB')).config, {}),
    passphrase: undefined,
    log: () => undefined,
    onFatal: () => undefined,
  };
  await expect(Node.start(options)).rejects.toMatchObject({ code: 'NODE_METRICS_LISTEN_FAILED' });
  // What it had begun to publish does not come back to a folder that somebody has taken away.
  const { ledger } = options.config.paths;
  rmSync(ledger, { recursive: true });
  await setTimeout(1200);
  expect(existsSync(ledger)).toBe(false);
  // The store was let go of: it is the metrics that stand in the way again, not a lock.
  await expect(Node.start(options)).rejects.toMatchObject({ code: 'NODE_METRICS_LISTEN_FAILED' });
});

test('the log is one line of JSON an event, from the level asked for', () => {
  const lines: string[] = [];
  const log = createLog('info', { ...systemClock, nowMs: () => 0 }, (line) => lines.push(line));
  log('debug', 'ledger.rehashing', { done: 1 });
  log('warn', 'transport.connection_refused', { detail: 'CERTIFICATE_NOT_A_MEMBER' });
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    {
      level: 'warn',
      time: '1970-01-01T00:00:00.000Z',
      event: 'transport.connection_refused',
      detail: 'CERTIFICATE_NOT_A_MEMBER',
    },
  ]);
  expect(lines[0]).toMatch(/\n$/);
});

test('two who look at once each see every peer', async () => {
  const metrics = new Metrics();
  const peers = ['XB', 'XC'].map((code) => ({ code, connected: true }));
  const looks: Promise<string>[] = [];
  // The second look begins in the middle of the first, and comes no further than its first peer while that lasts.
  const backlog = async (): Promise<{ readonly count: number }> => {
    const asked = ++calls;
    if (asked === 2) looks.push(metrics.registry.metrics());
    if (asked === 3) await looks[0];
    return { count: asked };
  };
  let calls = 0;
  metrics.start({
    exchange: {
      backlog,
      waitingSince: () => Promise.resolve(undefined),
      cosignatures: () => Promise.resolve([]),
      grownTo: 0,
    },
    ledger: { size: 1 },
    transport: { connections: () => peers },
    endings: () => [],
  } as unknown as Parameters<Metrics['start']>[0]);
  looks.unshift(metrics.registry.metrics());
  for (const text of [await looks[0]!, await looks[1]!])
    for (const peer of ['XB', 'XC']) expect(sample(text, 'rogatory_queue_messages', { peer })).toBeGreaterThan(0);
});
