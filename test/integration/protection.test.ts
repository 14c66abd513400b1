/** Conditions and erasure at real nodes: what a sender forbids is not handed on, what is erased stays provable. */
import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { draftTemplate } from '../../src/casework/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseDraft, parseLedgerEntry, type LedgerEntry } from '../../src/wire/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { runCommand } from '../kit/command.ts';
import { copyTestFederation, startNode } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];

async function entriesOf({ storage }: Node, kind: LedgerEntry['kind']): Promise<LedgerEntry[]> {
  const { ledger } = storage;
  const bytes = await Promise.all(Array.from({ length: ledger.size }, (_, index) => ledger.entry(index)));
  return bytes.map(parseLedgerEntry).filter((entry) => entry.kind === kind);
}

test(
  'what its sender forbids to hand on is withheld, and what is erased stays provable',
  { timeout: 180_000 },
  async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const template = draftTemplate('spontaneous_information') as { spontaneous_information: object };
    const text = { lang: 'en', text: 'Invented: not beyond the recipient.' };
    const draft = parseDraft({
      spontaneous_information: {
        ...template.spontaneous_information,
        conditions: [{ kind: 'NO_ONWARD', scope: text }],
      },
    });
    const { message_id: id } = await a.exchange.send(draft, XB);
    expect((await a.exchange.answerOf(id, 60_000)).status).toBe('RECEIVED');

    await expect(b.exchange.disclose([id])).rejects.toMatchObject({ code: 'EXCHANGE_WITHHELD' });
    expect(await entriesOf(b, 'DISCLOSED')).toEqual([]);
    expect(await entriesOf(b, 'WITHHELD')).toMatchObject([
      { message_id: id, peer: 'XA', detail: { type: 'withheld', value: { rule: 'NO_ONWARD' } } },
    ]);
    // Its own words are the sender's to show.
    expect(await a.exchange.disclose([id])).toMatchObject([{ message_id: id }]);

    const api = await ApiServer.open(b);
    onTestFinished(() => api.close());
    const erase = (...args: string[]): ReturnType<typeof runCommand> =>
      runCommand('message', 'erase', '--node', federation.dirOf('XB'), ...args);
    expect((await erase(id, '--why', 'boredom')).status).toBe(2);
    expect((await b.exchange.message(id)).content).toBeDefined();
    const erased = await erase(id, '--why', 'erasure', '--json');
    expect(erased.status).toBe(0);
    expect(JSON.parse(erased.stdout)).toMatchObject({
      ok: true,
      message: { message_id: id, erased: { why: 'ERASURE' } },
    });
    expect((await erase(id, '--why', 'retention_ended')).stdout).toContain('ERASURE');
    expect(await entriesOf(b, 'ERASED')).toHaveLength(1);
    const shown = await b.exchange.message(id);
    expect(shown).toMatchObject({ content: undefined, record: { status: 'RECEIVED' }, proof: { verified: true } });
    for (const key of [`sealed/${id}`, `signed/${id}`]) expect(await b.storage.store.get(key)).toBeUndefined();
    await expect(b.exchange.disclose([id])).rejects.toMatchObject({ code: 'EXCHANGE_ERASED' });

    const bundles = await Promise.all(
      [a, b].map(async (node) => ({ name: `${node.config.code}.zip`, bytes: await exportedBundle(node) })),
    );
    expect((await auditBundles(bundles)).findings).toEqual([]);
  },
);

test('a message that may have to be sent again is not erased', { timeout: 120_000 }, async () => {
  const federation = await copyTestFederation([XA, XB]);
  const a = await startNode(federation, XA);
  const { message_id: id } = await a.exchange.send(parseDraft(draftTemplate('spontaneous_information')), XB);
  await expect(a.exchange.erase(id, 'ERASURE')).rejects.toMatchObject({ code: 'EXCHANGE_NOT_ERASABLE' });
  expect(await entriesOf(a, 'ERASED')).toEqual([]);
});
