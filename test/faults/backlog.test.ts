/** F14: a peer that was away comes back to a long queue, and is restarted three times while it drains. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const XB = 'XB' as JurisdictionCode;
const COUNT = process.env['SLOW'] === '1' ? 10_000 : 300;
const RESTARTS = 3;
const MAX_DRAIN_MS = 5 * 60_000;

test(
  `F14: ${COUNT} queued messages drain through ${RESTARTS} restarts of the peer, all once and in order`,
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const a = await startNode(federation, 'XA');
    for (let done = 0; done < COUNT; done += 500) {
      const some = Math.min(500, COUNT - done);
      await Promise.all(Array.from({ length: some }, (_, i) => a.exchange.send(requestDraft(`${done + i}`), XB)));
    }
    expect((await a.exchange.backlog(XB)).count).toBe(COUNT);
    const start = performance.now();
    let b = await startNode(federation, 'XB');
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await until(() => b.storage.ledger.size > (COUNT * restart) / (RESTARTS + 1), MAX_DRAIN_MS);
      await b.stop();
      b = await startNode(federation, 'XB');
    }
    await until(async () => (await a.exchange.backlog(XB)).count === 0, MAX_DRAIN_MS);
    expect(performance.now() - start).toBeLessThan(MAX_DRAIN_MS);
    const received: number[] = [];
    for (let index = 0; index < b.storage.ledger.size; index++) {
      const entry = parseLedgerEntry(await b.storage.ledger.entry(index));
      if (entry.kind === 'RECEIVED') received.push(entry.seq);
    }
    expect(received).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
    expect(await a.exchange.messages({ status: 'RECEIVED', limit: 2 * COUNT })).toHaveLength(COUNT);
  },
  MAX_DRAIN_MS + 120_000,
);
