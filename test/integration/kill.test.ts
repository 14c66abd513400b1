/** Nodes are killed with SIGKILL while messages flow both ways: nothing that was acknowledged is lost, nothing happens twice. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { serveNode } from '../kit/process.ts';

const CYCLES = process.env['SLOW'] === '1' ? 60 : 6;

test(
  `${CYCLES} kills`,
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const draft = JSON.parse(await readFile('node-config/messages/request.json', 'utf8')) as object;
    const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
    const queued = { XA: new Set<string>(), XB: new Set<string>() };
    let isOver = false;

    const keepSending = async (from: 'XA' | 'XB', to: string): Promise<void> => {
      while (!isOver) {
        try {
          const { message } = await nodes[from].api.post<SentAnswer>('messages', { to, draft, wait_ms: 0 });
          queued[from].add(message.message_id);
        } catch {
          // The node is being killed: what it did not answer may or may not be there, and either is right.
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    const sending = [keepSending('XA', 'XB'), keepSending('XB', 'XA')];
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const victim = cycle % 2 === 0 ? 'XB' : 'XA';
      await new Promise((resolve) => setTimeout(resolve, 100 + ((cycle * 37) % 150)));
      nodes[victim].child.kill('SIGKILL');
      await nodes[victim].outcome;
      nodes[victim] = await serveNode(federation, victim);
    }
    isOver = true;
    await Promise.all(sending);
    // A node that ended without being killed says why.
    for (const { child, outcome } of Object.values(nodes)) {
      expect(child.exitCode === null ? '' : (await outcome).stderr.slice(-2000)).toBe('');
    }

    for (const [from, to] of [
      ['XA', 'XB'],
      ['XB', 'XA'],
    ] as const) {
      await until(async () => (await nodes[from].api.get<{ waiting: number }[]>('peers'))[0]!.waiting === 0, 60_000);
      const sent = await nodes[from].api.get<MessageRecord[]>('messages?limit=100000');
      const received = await nodes[to].api.get<MessageRecord[]>('messages?limit=100000');
      const out = sent.filter(({ direction }) => direction === 'OUT');
      const arrived = received.filter(({ direction }) => direction === 'IN');
      expect(queued[from].size).toBeGreaterThan(CYCLES);
      const known = new Set<string>(out.map(({ message_id: id }) => id));
      expect([...queued[from]].filter((id) => !known.has(id))).toEqual([]);
      expect(arrived.map(({ message_id: id, seq }) => `${seq} ${id}`).sort()).toEqual(
        out.map(({ message_id: id, seq }) => `${seq} ${id}`).sort(),
      );
      expect(out.every(({ status, held }) => status === 'RECEIVED' && held !== undefined)).toBe(true);
    }
    const bundles = await Promise.all(
      (['XA', 'XB'] as const).map(async (code) => ({
        name: `${code}.zip`,
        bytes: await nodes[code].api.getBytes('bundle'),
      })),
    );
    const report = await auditBundles(bundles);
    expect(report.findings).toEqual([]);
  },
  CYCLES * 10_000 + 60_000,
);
