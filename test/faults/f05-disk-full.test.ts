/** F05: the disk is full. Nothing is acknowledged that is not on it; with room again the node takes up where it was. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { serveNode } from '../kit/process.ts';
import { CAN_MOUNT, onSmallDisk } from '../kit/small-disk.ts';

test.runIf(CAN_MOUNT)(
  'F05: 12 MB with ballast: no false acknowledgement, and recovery with room',
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const dir = federation.dirOf('XB');
    onSmallDisk(dir, '12m');
    const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
    const send = (waitMs: number): Promise<SentAnswer> =>
      nodes.XA.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: waitMs });
    expect((await send(30_000)).message.status).toBe('RECEIVED');

    const ballast = join(dir, 'ballast');
    const { bavail, bsize } = statfsSync(dir);
    writeFileSync(ballast, Buffer.alloc((bavail - 12) * bsize, 1));
    const sent: SentAnswer[] = [];
    while (nodes.XB.child.exitCode === null && sent.length < 200) sent.push(await send(50));
    const { status, stderr } = await nodes.XB.outcome;
    expect(status).toBe(1);
    expect(stderr).toMatch(/STORE_WRITE_FAILED|ENOSPC/);

    // Restarted without room it refuses or fails again; with room it comes back.
    rmSync(ballast);
    const start = performance.now();
    const again = await serveNode(federation, 'XB');
    expect(performance.now() - start).toBeLessThan(20_000);
    await until(async () => {
      const records = await nodes.XA.api.get<MessageRecord[]>('messages?limit=1000');
      return records.every((record) => record.status === 'RECEIVED');
    }, 60_000);
    const received = await again.api.get<MessageRecord[]>('messages?limit=1000');
    expect(received.filter(({ direction }) => direction === 'IN')).toHaveLength(sent.length + 1);
    // Before the file system under them goes.
    again.child.kill('SIGKILL');
    await again.outcome;
  },
  180_000,
);
