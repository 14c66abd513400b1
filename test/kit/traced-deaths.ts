/** Deaths at a call to the system, as the kernel counts them. */
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { requestFile } from './drafts.ts';
import { copyTestFederation, until } from './federation.ts';
import { serveNode } from './process.ts';
import { killAtCall } from './strace.ts';

/** A node in a process of its own. */
export type Served = Awaited<ReturnType<typeof serveNode>>;

/** Sends a request, and waits so long for its receipt. */
export function send(node: Served, waitMs: number): Promise<SentAnswer> {
  return node.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: waitMs });
}

/** A test for each of these calls: either side is killed at it in turn, while messages are sent. */
export function testDeathsAt(call: string, counts: readonly number[]): void {
  test.each(counts.map((count) => [call, count] as const))(
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
}
