/** F01, seen from the kernel: nothing is acknowledged before the disk has answered, and a process may die at any flush. */
import { describe, expect, test } from 'vitest';
import { copyTestFederation } from '../kit/federation.ts';
import { serveNode } from '../kit/process.ts';
import { CAN_TRACE, FAULTS_REQUIRED, delayCalls } from '../kit/strace.ts';
import { send, testDeathsAt } from '../kit/traced-deaths.ts';

const LATE_MS = 1_500;

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

  // Each is another place between two flushes: of the store's journal, and of the record of the head, which is written in place.
  testDeathsAt('fdatasync', FAULTS_REQUIRED ? [1, 2, 3, 4, 5, 6] : [2]);
});
