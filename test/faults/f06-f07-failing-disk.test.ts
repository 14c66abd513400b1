/** F06 and F07: the disk answers with an error, for good or because it has become read-only. */
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until, type TestFederation } from '../kit/federation.ts';
import { rogatory, serveNode } from '../kit/process.ts';
import { CAN_TRACE, failCalls } from '../kit/strace.ts';

type Served = Awaited<ReturnType<typeof serveNode>>;

test.runIf(CAN_TRACE).each([
  ['F06: EIO on fsync: the process ends, and does not try again', 'EIO'],
  ['F07: a read-only file system: receiving stops, and what is there can be read', 'EROFS'],
])(
  '%s',
  async (_, error) => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
    const before = await sent(nodes.XA, 30_000);
    expect(before.message.status).toBe('RECEIVED');

    // XB's disk fails: the next message reaches it and must not be acknowledged.
    const tracer = await failCalls(nodes.XB.child.pid!, ['fsync', 'fdatasync'], error);
    const unanswered = await sent(nodes.XA, 0);
    const { status, stderr } = await nodes.XB.outcome;
    expect(status).toBe(1);
    expect(stderr).toContain('STORE_WRITE_FAILED');
    expect(await statusAt(nodes.XA, unanswered)).toBe('QUEUED');
    // The store was flushed once, in vain, and never again.
    expect(tracer.injected().filter((line) => /fdatasync\([0-9]+<.*\/store\//.test(line))).toHaveLength(1);

    // What is there can be read without the node.
    const bundle = `${federation.folder}/xb.zip`;
    expect((await rogatory('audit', 'export', '--node', federation.dirOf('XB'), '-o', bundle)).status).toBe(0);
    expect((await rogatory('audit', 'verify', bundle)).status).toBe(0);

    // With the disk mended the node recovers by itself, and the message is delivered once.
    await recovered(federation, nodes.XA, unanswered);
  },
  180_000,
);

async function recovered(federation: TestFederation, sender: Served, waiting: SentAnswer): Promise<void> {
  const start = performance.now();
  const again = await serveNode(federation, 'XB');
  await until(async () => (await statusAt(sender, waiting)) === 'RECEIVED', 60_000);
  expect(performance.now() - start).toBeLessThan(60_000);
  const received = await again.api.get<MessageRecord[]>('messages');
  expect(received.filter(({ message_id: id }) => id === waiting.message.message_id)).toHaveLength(1);
  again.child.kill('SIGTERM');
  expect((await again.outcome).status).toBe(0);
}

function sent(node: Served, waitMs: number): Promise<SentAnswer> {
  return node.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: waitMs });
}

async function statusAt(node: Served, { message }: SentAnswer): Promise<string> {
  const { record } = await node.api.get<{ readonly record: MessageRecord }>(`messages/${message.message_id}`);
  return record.status;
}
