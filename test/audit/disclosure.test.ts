/** Messages disclosed with a bundle: exactly what the ledger commits to, recorded before it left. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles, type AuditReport } from '../../src/audit/mod.ts';
import { encodeSelected, parseSelected } from '../../src/audit/bundle-layout.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { bundleFiles, exportedBundle, rebuildBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const audit = (bytes: Uint8Array): Promise<AuditReport> => auditBundles([{ name: 'a.zip', bytes }]);
const codesOf = ({ findings }: AuditReport): string[] => [...new Set(findings.map(({ code }) => code))];

test('a message sent and one received are disclosed, recorded, and nothing else of the case is', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  const sent = await a.exchange.send(requestDraft('Canary of the first.'), XB);
  await a.exchange.answerOf(sent.message_id, 60_000);
  const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), XA);
  await b.exchange.answerOf(answer.message_id, 60_000);
  const other = await a.exchange.send(requestDraft('Canary of the second.'), XB);
  await a.exchange.answerOf(other.message_id, 60_000);

  const before = a.storage.ledger.size;
  const bytes = await exportedBundle(a, { disclose: [sent.message_id, answer.message_id, sent.message_id] });
  expect(a.storage.ledger.size).toBe(before + 2);
  const recorded = parseLedgerEntry(await a.storage.ledger.entry(before));
  expect(recorded).toMatchObject({ kind: 'DISCLOSED', peer: XB, message_id: sent.message_id, seq: 1 });
  const report = await audit(bytes);
  expect(report.findings).toEqual([]);
  const disclosed = report.ledgers[0]!.disclosed!;
  expect(disclosed).toMatchObject([
    { message_id: sent.message_id, from: XA, to: XB, type: 'assistance_request' },
    { message_id: answer.message_id, from: XB, to: XA, type: 'acknowledge_receipt' },
  ]);
  expect(JSON.stringify(disclosed[0]!.content)).toContain('Canary of the first.');
  const files = await bundleFiles(bytes);
  for (const [path, content] of files) {
    const text = Buffer.from(content).toString('latin1');
    const payload = path.startsWith('disclosed/')
      ? Buffer.from(text.split('.')[1]!, 'base64url').toString('latin1')
      : text;
    expect(payload).not.toContain('Canary of the second.');
  }
  // Without a request to disclose, nothing is, and nothing is recorded.
  expect((await audit(await exportedBundle(a))).ledgers[0]!.disclosed).toBeUndefined();
  expect(a.storage.ledger.size).toBe(before + 2);

  const [pathA, pathB] = [`disclosed/${sent.message_id}.jws`, `disclosed/${answer.message_id}.jws`];
  const edited = async (change: (copy: Map<string, Uint8Array>) => void, original = bytes): Promise<string[]> =>
    codesOf(await audit(await rebuildBundle(original, change)));
  const jws = Buffer.from(files.get(pathA)!).toString();
  const textOf = (text: string) => (copy: Map<string, Uint8Array>) => void copy.set(pathA, Buffer.from(text));
  const signature = jws.split('.')[2]!;
  expect(await edited((copy) => copy.set(pathA, copy.get(pathB)!))).toEqual(['DISCLOSURE_INVALID']);
  expect(
    await edited(textOf(jws.replace(/\.[^.]+$/, `.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`))),
  ).toEqual(['DISCLOSURE_INVALID']);
  expect(await edited(textOf(`${jws}\n`))).toEqual(['DISCLOSURE_INVALID']);
  expect(await edited(textOf('x'))).toEqual(['DISCLOSURE_INVALID']);
  // Put into a bundle from before it was disclosed: the ledger does not record it.
  const unrecorded = await exportedBundle(a, { from: '0', to: String(before - 1) });
  expect(await edited((copy) => copy.set(pathA, files.get(pathA)!), unrecorded)).toEqual(['DISCLOSURE_NOT_RECORDED']);

  // In a part of the ledger the record comes along, and only what is shown can be disclosed.
  const part = await exportedBundle(a, { case: sent.case_id!, disclose: [sent.message_id] });
  expect(await audit(part)).toMatchObject({ ok: true, ledgers: [{ disclosed: [{ message_id: sent.message_id }] }] });
  const withoutRecord = await edited(
    (copy) =>
      copy.set(
        'selected/0',
        encodeSelected(
          parseSelected(copy.get('selected/0')!)!.filter(
            ({ bytes: entry }) => parseLedgerEntry(entry).kind !== 'DISCLOSED',
          ),
        ),
      ),
    part,
  );
  expect(withoutRecord).toEqual(['DISCLOSURE_NOT_RECORDED']);
  const size = a.storage.ledger.size;
  for (const request of [
    { case: sent.case_id!, disclose: [other.message_id] },
    { disclose: ['x'] },
    { disclose: [sent.message_id, sent.message_id.replace(/.$/, (c) => (c === '0' ? '1' : '0'))] },
  ])
    await expect(exportedBundle(a, request)).rejects.toThrow();
  expect(a.storage.ledger.size).toBe(size);
}, 240_000);
