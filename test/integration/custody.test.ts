/** Chains of custody between two real nodes: what is sent again, what goes back, and what contradicts itself. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { Vault } from '../../src/evidence/mod.ts';
import type { ItemRecord } from '../../src/exchange/evidence-item-record.ts';
import { evidenceKeys } from '../../src/exchange/evidence-record.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseDraft, type CustodyRecord } from '../../src/wire/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const HELD_MS = 120_000;
const AUTHORITY = { name: 'Section II', country: 'XA' };

async function twoNodes(): Promise<{ a: Node; b: Node; caseId: Uuid }> {
  const federation = await copyTestFederation([XA, XB]);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  return { a, b, caseId: await caseUnderExecution(a, b) };
}

async function addFile(node: Node, caseId: Uuid, item: string, content: Uint8Array): Promise<string> {
  async function* source(): AsyncIterable<Uint8Array> {
    yield content;
  }
  const label = { case_id: caseId, name: `${item}.bin`, media_type: 'application/octet-stream' };
  const { file_id: id } = await node.exchange.evidence.add(source(), label);
  await node.exchange.evidence.addToItem(caseId, item, [id]);
  return id;
}

/** Sends a draft as a person writes it, and waits until it is received. */
async function send(node: Node, to: JurisdictionCode, draft: object): Promise<void> {
  const { message_id: id } = await node.exchange.send(node.exchange.evidence.drafting(draft, to), to);
  expect(await node.exchange.answerOf(id, HELD_MS)).toMatchObject({ status: 'RECEIVED' });
}

const transfer = (caseId: Uuid, more: object = {}): object => ({
  case_id: caseId,
  evidence_transfer: { items: [{ item_id: 'e1' }], measure_ids: ['m1'], ...more },
});
const confirmation = (caseId: Uuid, outcome: string): object => ({
  case_id: caseId,
  evidence_receipt: {
    outcome,
    measure_ids: ['m1'],
    items: [{ item_id: 'e1', result: outcome === 'MISMATCH' ? 'HASH_MISMATCH' : 'VERIFIED' }],
    received_by: AUTHORITY,
  },
});

async function chainAt(node: Node, caseId: Uuid): Promise<{ chain: string[]; faults: number; joins: number }> {
  const [answer] = await node.exchange.evidence.items(caseId);
  const custody = answer!.item['custody'] as readonly (Pick<CustodyRecord, 'jurisdiction'> & {
    readonly event: { readonly kind: string; readonly joins?: readonly string[] };
  })[];
  return {
    chain: custody.map(({ event, jurisdiction }) => `${event.kind} ${jurisdiction}`),
    faults: answer!.faults.length,
    joins: custody.flatMap(({ event }) => event.joins ?? []).length,
  };
}

const receipts = async (node: Node, caseId: Uuid): Promise<number> =>
  (await chainAt(node, caseId)).chain.filter((event) => event === 'RECEIVE XA').length;

function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  return { opened: new Promise<void>((resolve) => (open = resolve)), open };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a chain of custody', () => {
  test('keeps every receipt of an exhibit that comes again, and the finding that it was not what it says', async () => {
    const { a, b, caseId } = await twoNodes();
    const whole = noise(300_000, 2);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(whole))).toString('base64url');
    const item = { ...exhibit(), hashes: [{ algorithm: 'SHA256', value: digest }] };
    await b.exchange.evidence.putItem(caseId, item);
    const wrong = await addFile(b, caseId, 'e1', noise(100_000, 1));
    await send(b, XA, transfer(caseId));
    await until(async () => (await receipts(a, caseId)) === 1, HELD_MS);
    // The file is the one that was announced; the exhibit states another digest.
    const stated = Buffer.from(digest, 'base64url').toString('hex');
    expect(await a.exchange.evidence.items(caseId)).toMatchObject([{ differing: [stated] }]);
    await send(a, XB, confirmation(caseId, 'MISMATCH'));
    await addFile(b, caseId, 'e1', whole);
    await send(b, XA, transfer(caseId));
    await until(async () => (await receipts(a, caseId)) === 2, HELD_MS);
    expect(await chainAt(a, caseId)).toEqual({
      chain: ['STORE XB', 'TRANSFER XB', 'RECEIVE XA', 'STORE XB', 'TRANSFER XB', 'RECEIVE XA'],
      faults: 0,
      joins: 1,
    });
    // With the same files once more, nothing has to move, and it is received all the same.
    await send(b, XA, transfer(caseId));
    await until(async () => (await receipts(a, caseId)) === 3, HELD_MS);
    expect((await chainAt(a, caseId)).faults).toBe(0);
    expect(await a.exchange.evidence.items(caseId)).toMatchObject([{ differing: [] }]);
    // Only what differed is an incident, and the ledger has it; what came afterwards was what it says.
    expect(await a.exchange.incidents()).toMatchObject([
      { kind: 'EVIDENCE_MISMATCH', peer: XB, detail: expect.stringContaining(stated) as string, exhibits: [wrong] },
    ]);
    const [ledger] = (await auditBundles([{ name: XA, bytes: await exportedBundle(a) }])).ledgers;
    expect(ledger!.kinds['INCIDENT']).toBe(1);
  }, 300_000);

  test('goes with an original to the other side and comes back with it; no case is closed before', async () => {
    const { a, b, caseId } = await twoNodes();
    await b.exchange.evidence.putItem(caseId, { ...exhibit(), return_obligation: { return_by: '2027-01-31' } });
    await addFile(b, caseId, 'e1', noise(5000, 3));
    await send(b, XA, transfer(caseId));
    await until(async () => (await receipts(a, caseId)) === 1, HELD_MS);
    await send(a, XB, confirmation(caseId, 'COMPLETE'));
    const close = parseDraft({ case_id: caseId, close_case: { result: { lang: 'en', text: 'Done.' } } });
    for (const [node, to] of [
      [a, XB],
      [b, XA],
    ] as const)
      await expect(node.exchange.send(close, to)).rejects.toMatchObject({ code: 'CASE_OBLIGATIONS_OPEN' });
    const [owed] = (await a.exchange.cases(caseId))[0]!.obligations;
    expect(owed).toMatchObject({ kind: 'RETURN_OF_ORIGINALS', owed_by: 'REQUESTING', items: ['e1'] });
    const manner = { lang: 'en', text: 'By courier, sealed.' };
    const back = { case_id: caseId, return_of_originals: { item_ids: ['e1'], returned_on: '2026-12-01', manner } };
    await send(a, XB, back);
    const expected = ['STORE XB', 'TRANSFER XB', 'RECEIVE XA', 'RETURN XA'];
    expect((await chainAt(a, caseId)).chain).toEqual(expected);
    expect(await chainAt(b, caseId)).toEqual({ chain: expected, faults: 0, joins: 0 });
    // Whoever has it in hand again signs for it.
    await b.exchange.evidence.addCustody(caseId, 'e1', { kind: 'RECEIVE', to: 'Section II', place: 'Brethen' });
    expect((await chainAt(b, caseId)).faults).toBe(0);
    expect((await a.exchange.cases(caseId))[0]!.obligations).toEqual([]);
    await send(a, XB, { case_id: caseId, close_case: { result: { lang: 'en', text: 'Done.' } } });
    const report = await auditBundles(
      await Promise.all([a, b].map(async (node) => ({ name: node.config.code, bytes: await exportedBundle(node) }))),
    );
    expect(report.findings).toEqual([]);
  }, 300_000);

  test('gains nothing from a message that is not sent, and nothing that a draft claims', async () => {
    const { b, caseId } = await twoNodes();
    await b.exchange.evidence.putItem(caseId, exhibit());
    await addFile(b, caseId, 'e1', noise(5000, 4));
    const before = await chainAt(b, caseId);
    const wrong = b.exchange.evidence.drafting(transfer(caseId, { measure_ids: ['m9'] }), XA);
    await expect(b.exchange.send(wrong, XA)).rejects.toMatchObject({ code: 'CASE_ILLEGAL_STEP' });
    expect(await b.exchange.evidence.preview(transfer(caseId), XA)).toMatchObject({
      body: { value: { items: [{ item_id: 'e1', custody: [{}, { event: { kind: 'TRANSFER' } }] }] } },
    });
    expect(await chainAt(b, caseId)).toEqual(before);
    const custody = [{ item_id: 'e1', records: [] }];
    const manner = { lang: 'en', text: 'By courier.' };
    const claimed = { item_ids: ['e1'], returned_on: '2026-12-01', manner, custody };
    const draft = b.exchange.evidence.drafting({ case_id: caseId, return_of_originals: claimed }, XA);
    await expect(b.exchange.send(draft, XA)).rejects.toMatchObject({ code: 'WIRE_FIELDS_INVALID' });
  }, 300_000);

  test('keeps what happens to an exhibit in the same moment as its files have been compared', async () => {
    const { a, b, caseId } = await twoNodes();
    await b.exchange.evidence.putItem(caseId, exhibit());
    await addFile(b, caseId, 'e1', noise(100_000, 6));
    const { verify } = Object.getOwnPropertyDescriptors(Vault.prototype);
    const [reached, mayGoOn, compared] = [latch(), latch(), latch()];
    const [gathered, mayCommit] = [latch(), latch()];
    vi.spyOn(Vault.prototype, 'verify').mockImplementationOnce(async function (this: Vault, ...args) {
      reached.open();
      await mayGoOn.opened;
      await verify.value!.apply(this, args);
      compared.open();
    });
    await send(b, XA, transfer(caseId));
    await reached.opened;
    // While a batch before it is at work, both gather in the next one.
    const before = a.exchange.commit(() => {
      gathered.open();
      return mayCommit.opened;
    });
    await gathered.opened;
    const key = evidenceKeys.item(caseId, XB, 'e1');
    const description = { lang: 'en', text: 'Described anew.' };
    const described = a.exchange.commit(async (view) => {
      const known = (await view.getRecord<ItemRecord>(key))!;
      view.putRecord(key, { ...known, item: { ...known.item, description } } satisfies ItemRecord);
      // Another exhibit with the same file comes in the batch that it is received in.
      const other = { ...known, item: { ...known.item, item_id: 'e2' } } satisfies ItemRecord;
      view.putRecord(evidenceKeys.item(caseId, XB, 'e2'), other);
    });
    mayGoOn.open();
    await compared.opened;
    await new Promise(setImmediate);
    mayCommit.open();
    await Promise.all([before, described]);
    await until(async () => (await receipts(a, caseId)) === 1, HELD_MS);
    const items = await a.exchange.evidence.items(caseId);
    expect(items[0]!.item).toMatchObject({ description });
    const last = items.map(({ item }) => (item['custody'] as { event: { kind: string } }[]).at(-1)!.event.kind);
    expect(last).toEqual(['RECEIVE', 'RECEIVE']);
  });
});
