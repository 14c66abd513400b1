/** A node that is asked to stop has stopped within five seconds, whatever its peers and its clients do, and nothing is lost by it. */
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { serveNode } from '../kit/process.ts';
import { Puppet } from '../kit/puppet.ts';

test('SIGTERM: with messages under way, a peer that never answers and a client that waits', async () => {
  const federation = await copyTestFederation(['XA', 'XB', 'XC']);
  const [a, b] = [await serveNode(federation, 'XA'), await serveNode(federation, 'XB')];
  // XC is connected, reads, and answers neither deliveries nor the close of its session.
  const silent = await (await Puppet.of(federation, 'XC')).converse('XA');
  const send = (to: string, waitMs: number): Promise<SentAnswer> =>
    a.api.post<SentAnswer>('messages', { to, draft: requestFile(), wait_ms: waitMs });
  const queued = await Promise.all(Array.from({ length: 40 }, (_, n) => send(n % 2 === 0 ? 'XB' : 'XC', 0)));
  const client = send('XC', 60_000).catch((error: unknown) => error);
  await until(async () => (await a.api.get<MessageRecord[]>('messages')).length > queued.length);

  const start = performance.now();
  a.child.kill('SIGTERM');
  const { status, stderr } = await a.outcome;
  expect(performance.now() - start).toBeLessThan(5_000);
  expect({ status, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
    status: 0,
    last: expect.stringContaining('node.stopped') as string,
  });
  expect(await client).toBeInstanceOf(Error);
  silent.close();

  // It comes back by itself to where it was, after hashing its ledger again, and says so.
  const again = await serveNode(federation, 'XA');
  await until(async () => {
    const records = await again.api.get<MessageRecord[]>('messages?limit=1000');
    const mine = queued.map(({ message }) => records.find(({ message_id: id }) => id === message.message_id)!);
    return mine.every(({ peer, status: now }) => now === (peer === 'XB' ? 'RECEIVED' : 'QUEUED'));
  }, 60_000);
  const received = await b.api.get<MessageRecord[]>('messages?limit=1000');
  expect(received.filter(({ direction }) => direction === 'IN')).toHaveLength(queued.length / 2);
  again.child.kill('SIGTERM');
  const { stderr: log } = await again.outcome;
  expect(log).toMatch(/"entries":[0-9]+,"ms":[0-9]+.*"event":"ledger\.verified"/);
}, 180_000);

test('a node whose log nobody reads any more serves on, and stops as well as any', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const a = await serveNode(federation, 'XA');
  a.child.stderr!.destroy();
  // Of every message a line is logged.
  await a.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 0 });
  expect(await a.api.get<MessageRecord[]>('messages')).toHaveLength(1);
  a.child.kill('SIGTERM');
  expect((await a.outcome).status).toBe(0);
}, 180_000);
