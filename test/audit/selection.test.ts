/** Bundles of a part of a ledger: as verifiable as the whole, and silent about the rest. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles, type AuditReport } from '../../src/audit/mod.ts';
import { encodeSelected, parseSelected, type BundleIndex } from '../../src/audit/bundle-layout.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { bundleFiles, exportedBundle, rebuildBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode } from '../kit/federation.ts';

const [XA, XB, XC] = ['XA', 'XB', 'XC'] as JurisdictionCode[] as [JurisdictionCode, JurisdictionCode, JurisdictionCode];
const audit = (...given: readonly Uint8Array[]): Promise<AuditReport> =>
  auditBundles(given.map((bytes, i) => ({ name: `${i}.zip`, bytes })));
const codesOf = ({ findings }: AuditReport): string[] => [...new Set(findings.map(({ code }) => code))];

interface Stage {
  readonly a: Node;
  readonly size: number;
  readonly cases: readonly string[];
  readonly b: Uint8Array;
}

/** XA exchanges with two peers, three cases in all. */
async function stage(): Promise<Stage> {
  const federation = await copyTestFederation([XA, XB, XC]);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  await startNode(federation, XC);
  const cases: string[] = [];
  for (const to of [XB, XC, XB]) {
    const sent = await a.exchange.send(requestDraft(), to);
    await a.exchange.answerOf(sent.message_id, 60_000);
    cases.push(sent.case_id!);
    if (to !== XB) continue;
    const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), XA);
    await b.exchange.answerOf(answer.message_id, 60_000);
  }
  return { a, size: a.storage.ledger.size, cases, b: await exportedBundle(b) };
}

async function entriesIn(
  bundle: Uint8Array,
): Promise<{ readonly index: number; readonly kind: string; readonly peer?: string | undefined }[]> {
  const file = (await bundleFiles(bundle)).get('selected/0')!;
  return parseSelected(file)!.map(({ position, bytes }) => {
    const { kind, peer } = parseLedgerEntry(bytes);
    return { index: position, kind, peer };
  });
}

describe('a part of a ledger', () => {
  test('by peer, range, day or case verifies, alone and against the other side; and any change shows', async () => {
    const { a, size, cases, b } = await stage();
    const ofXb = await exportedBundle(a, { peer: XB });
    const report = await audit(ofXb, b);
    expect(report).toMatchObject({ ok: true, findings: [] });
    expect(report.ledgers[0]!.selection).toEqual({ peer: XB, entries: 7 });
    expect(report.exchange).toMatchObject([
      { from: XA, to: XB, sent: 2, received: 2, unanswered: 0 },
      { from: XB, to: XA, sent: 2, received: 2 },
    ]);
    const shown = await entriesIn(ofXb);
    expect(shown.filter(({ peer }) => peer === XC)).toEqual([]);
    // Nothing of the other peer's messages is in the file but hashes.
    const text = Buffer.from(ofXb).toString('latin1');
    for (const { message_id: id } of await a.exchange.messages({ peer: XC })) expect(text).not.toContain(id);

    const range = await exportedBundle(a, { from: '2', to: '4' });
    expect((await entriesIn(range)).map(({ index }) => index)).toEqual([0, 2, 3, 4]);
    expect(await audit(range)).toMatchObject({ ok: true, ledgers: [{ selection: { from: 2, to: 4, entries: 4 } }] });

    const today = new Date().toISOString().slice(0, 10);
    expect((await audit(await exportedBundle(a, { from: today }))).ledgers[0]!.selection).toMatchObject({
      from: 0,
      entries: size,
    });
    const last = parseLedgerEntry(await a.storage.ledger.entry(size - 1)).time;
    const late = await exportedBundle(a, { from: new Date(last).toISOString(), to: '2199-01-01' });
    const { selection } = (await audit(late)).ledgers[0]!;
    // The entry before shows that none of the time was left out.
    expect(selection!.from).toBeLessThan(size - 1);
    expect(selection!.to).toBe(size - 1);

    const ofCase = await exportedBundle(a, { case: cases[2]! });
    const { ledgers, ok, exchange } = await audit(ofCase, b);
    expect([ok, ledgers[0]!.selection]).toEqual([true, { case: true, entries: 4 }]);
    // What is not in a part is not said to be missing.
    expect(exchange).toMatchObject([
      { from: XA, to: XB, not_received: 0, not_shown: 0 },
      { from: XB, to: XA, not_received: 0, not_shown: 1 },
    ]);
    expect(Buffer.from(ofCase).toString('latin1')).not.toContain(cases[2]!);
    expect(await audit(await exportedBundle(a, { peer: XB, from: '2', to: String(size) }))).toMatchObject({ ok: true });

    for (const request of [
      { peer: 'Q' },
      // Well formed, but nobody's code; and one's own.
      { peer: 'XQ' },
      { peer: 'XA' },
      { from: 'yesterday' },
      { from: '99999' },
      { from: '4', to: '3' },
      { case: 'x' },
      { case: cases[0]!.replace(/.$/, (c) => (c === '0' ? '1' : '0')) },
    ]) {
      await expect(exportedBundle(a, request)).rejects.toThrow(
        expect.objectContaining({ code: 'NODE_SELECTION_INVALID' }) as Error,
      );
    }

    const edited = async (
      bundle: Uint8Array,
      change: (list: NonNullable<ReturnType<typeof parseSelected>>) => typeof list,
      index?: (index: BundleIndex) => BundleIndex,
    ): Promise<string[]> =>
      codesOf(
        await audit(
          await rebuildBundle(
            bundle,
            (files) => files.set('selected/0', encodeSelected(change(parseSelected(files.get('selected/0')!)!))),
            index,
          ),
        ),
      );
    // One left out of a range, one of a peer's, one put in that was not selected, one in another's place, another statement.
    expect(await edited(range, (list) => list.toSpliced(1, 1))).toContain('SELECTION_MISMATCH');
    expect(await edited(ofXb, (list) => list.toSpliced(1, 1))).toContain('RECEIPT_WITHOUT_MESSAGE');
    expect(await edited(ofXb, (list) => list.filter(({ position }) => position !== shown.at(-3)!.index))).not.toEqual(
      [],
    );
    const foreign = (await entriesIn(await exportedBundle(a, { peer: XC }))).find(({ peer }) => peer === XC)!.index;
    const bytes = await a.storage.ledger.entry(foreign);
    const put = [{ position: foreign, bytes }];
    expect(await edited(ofXb, (list) => [...list, ...put].sort((x, y) => x.position - y.position))).toContain(
      'SELECTION_MISMATCH',
    );
    expect(await edited(ofXb, (list) => list.with(1, { position: list[1]!.position, bytes }))).toContain(
      'ROOT_MISMATCH',
    );
    expect(
      await edited(
        ofXb,
        (list) => list,
        (index) => ({ ...index, selection: { peer: XC } }),
      ),
    ).toContain('SELECTION_MISMATCH');
    expect(
      await edited(
        ofXb,
        (list) => list,
        (index) => ({ ...index, selection: {} }),
      ),
    ).toEqual(['BUNDLE_MALFORMED']);
    expect(await edited(ofXb, (list) => list.slice(0, 0))).toContain('ENTRY_MALFORMED');
  }, 240_000);
});
