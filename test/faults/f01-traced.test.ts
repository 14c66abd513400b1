/** F01, seen from the kernel: nothing is acknowledged before the disk has answered, and a process may die at any flush. */
import { describe, expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { serveNode } from '../kit/process.ts';
import { CAN_TRACE, FAULTS_REQUIRED, delayCalls, killAtCall } from '../kit/strace.ts';

type Served = Awaited<ReturnType<typeof serveNode>>;

const LATE_MS = 1_500;
// Each is another place between two flushes: of the store's journal, and of the record of the head, which is written in place.
const DEATHS: readonly (readonly [call: string, count: number])[] = FAULTS_REQUIRED
  ? [1, 2, 3, 4, 5, 6].flatMap((count) => [
      ['fdatasync', count],
      ['pwrite64', count],
      ['pwritev', count],
    ])
  : [['fdatasync', 2]];

function send(node: Served, waitMs: number): Promise<SentAnswer> {
  return node.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: waitMs });
}

describe.runIf(CAN_TRACE)('what the kernel sees', () => {
  test.each([
    ['the recipient’s receipt waits for the disk', 'XB'],
    ['a person is told that a message is queued once the disk has it', 'XA'],
  ] as const)(
    '%s',
    async (_, slow) => {
      const federation = await copyTestFederation(['XA', 'XB']);
      const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
      expect((await send(nodes.XA, 30_000)).message.status).toBe('RECEIVED');
      const tracer = await delayCalls(nodes[slow].child.pid!, ['fdatasync'], LATE_MS);
      const start = performance.now();
      const { message } = await send(nodes.XA, slow === 'XB' ? 50_000 : 0);
      expect(performance.now() - start).toBeGreaterThan(LATE_MS - 50);
      expect(message.status).toBe(slow === 'XB' ? 'RECEIVED' : 'QUEUED');
      expect(tracer.injected().length).toBeGreaterThan(0);
    },
    180_000,
  );

  test.each(DEATHS)(
    'killed at %s number %i, on either side: nothing acknowledged is lost, and nothing is there twice',
    async (call, count) => {
      const federation = await copyTestFederation(['XA', 'XB']);
      const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
      const acknowledged = new Set<string>();
      for (const doomed of ['XB', 'XA'] as const) {
        await killAtCall(nodes[doomed].child.pid!, call, count);
        while (nodes[doomed].child.signalCode === null) {
          const answer = await send(nodes.XA, 0).catch(() => undefined);
          if (answer !== undefined) acknowledged.add(answer.message.message_id);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        expect(nodes[doomed].child.signalCode).toBe('SIGKILL');
        nodes[doomed] = await serveNode(federation, doomed);
      }
      const of = (node: Served): Promise<MessageRecord[]> => node.api.get<MessageRecord[]>('messages?limit=100000');
      await until(async () => (await of(nodes.XA)).every(({ held }) => held !== undefined), 120_000);
      const [sent, arrived] = [await of(nodes.XA), await of(nodes.XB)];
      const line = ({ seq, message_id: id, status }: MessageRecord): string => `${seq} ${id} ${status}`;
      expect(arrived.map(line).sort()).toEqual(sent.map(line).sort());
      const known = new Set<string>(sent.map(({ message_id: id }) => id));
      expect([...acknowledged].filter((id) => !known.has(id))).toEqual([]);
      const bundles = await Promise.all(
        Object.entries(nodes).map(async ([name, node]) => ({ name, bytes: await node.api.getBytes('bundle') })),
      );
      expect((await auditBundles(bundles)).findings).toEqual([]);
    },
    300_000,
  );
});
