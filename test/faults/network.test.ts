/** F11, F12: what a network does to two real nodes. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { SESSION_TIMES } from '../../src/transport/wire-options.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { requestDraft } from '../kit/drafts.ts';
import { QUICK, copyTestFederation, freePort, startNode, until, type TestFederation } from '../kit/federation.ts';
import { Proxy, type ProxyWeather } from '../kit/proxy.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const deep = process.env['SLOW'] === '1';
const TIMES = { ...QUICK, pingMs: 300, silenceMs: 3_000 };

/** XA only dials; XB is behind a proxy that has its endpoint. */
async function apart(
  weather?: ProxyWeather,
  times = TIMES,
): Promise<{ a: Node; b: Node; proxy: Proxy; federation: TestFederation }> {
  const federation = await copyTestFederation([XA, XB], [XA]);
  const config = loadNodeConfig(nodePaths(federation.dirOf(XB)).config, {});
  const port = await freePort();
  const b = await startNode(federation, XB, {
    config: { ...config, listen: { host: '127.0.0.1', port } },
    times,
  });
  const proxy = await Proxy.open(config.listen!.port, port, weather);
  const a = await startNode(federation, XA, { times });
  return { a, b, proxy, federation };
}

const isConnected = (node: Node): boolean => node.transport.connections()[0]!.connected;

test('F11: a half-open connection is noticed by its silence, and what was lost in it is delivered again', async () => {
  const { a, b, proxy } = await apart();
  await until(() => isConnected(a) && isConnected(b));
  proxy.goDeaf();
  const start = performance.now();
  const sent = await a.exchange.send(requestDraft('Into the void.'), XB);
  const back = await b.exchange.send(requestDraft('Into the void, from there.'), XA);
  await until(() => a.transport.connections()[0]!.last_failure === 'PEER_UNRESPONSIVE');
  // Within the silence, a ping, and what a busy machine takes.
  expect(performance.now() - start).toBeLessThan(TIMES.silenceMs + TIMES.pingMs + 5_000);
  expect((await a.exchange.answerOf(sent.message_id, 60_000)).status).toBe('RECEIVED');
  expect((await b.exchange.answerOf(back.message_id, 60_000)).status).toBe('RECEIVED');
  expect(proxy.connections).toBeGreaterThan(1);
  expect((await b.exchange.messages({ peer: XA })).filter(({ direction }) => direction === 'IN')).toHaveLength(1);
});

test('F11: a node in service pings and judges often enough: half-open within 30 s, a revoked key within 60 s', () => {
  expect(SESSION_TIMES.silenceMs).toBeLessThanOrEqual(30_000);
  expect(SESSION_TIMES.pingMs).toBeLessThan(SESSION_TIMES.silenceMs);
  expect(SESSION_TIMES.recheckMs).toBeLessThan(60_000);
});

test.runIf(deep)(
  'F11: by the times of a node in service, half-open is noticed within 30 s, not at a later ping',
  async () => {
    const { a, b, proxy } = await apart(undefined, SESSION_TIMES);
    await until(() => isConnected(a) && isConnected(b));
    proxy.goDeaf();
    const start = performance.now();
    await until(() => a.transport.connections()[0]!.last_failure === 'PEER_UNRESPONSIVE', 60_000);
    expect(performance.now() - start).toBeLessThan(30_000 + 5_000);
  },
);

test('F12: late pieces, and connections that break in the middle of anything', async () => {
  const count = deep ? 1_000 : 60;
  const { a, b } = await apart({ delayMs: 4, cutsOneIn: 60 });
  const both = [
    [a, XB],
    [b, XA],
  ] as const;
  await Promise.all(
    both.map(([from, to]) =>
      Promise.all(Array.from({ length: count }, (_, i) => from.exchange.send(requestDraft(`${i}`), to))),
    ),
  );
  await until(async () => (await a.exchange.backlog(XB)).count + (await b.exchange.backlog(XA)).count === 0, 240_000);
  for (const [node, peer] of both) {
    const arrived = (await node.exchange.messages({ peer, limit: 10 * count })).filter(
      ({ direction }) => direction === 'IN',
    );
    expect(arrived.map(({ seq }) => seq).sort((x, y) => x - y)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    expect(await node.exchange.incidents()).toEqual([]);
  }
  await until(() => [a, b].every(({ storage }) => storage.ledger.size === 3 * count + 1));
  const bundles = await Promise.all(
    [a, b].map(async (node) => ({ name: node.config.code, bytes: await exportedBundle(node) })),
  );
  expect((await auditBundles(bundles)).findings).toEqual([]);
}, 300_000);
