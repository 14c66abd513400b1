/** Conditions and erasure at real nodes: what a sender forbids is not done and is recorded, what is erased stays provable. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { draftTemplate } from '../../src/casework/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseDraft, parseLedgerEntry, type BodyType, type LedgerEntry } from '../../src/wire/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { runCommand } from '../kit/command.ts';
import { requestFile } from '../kit/drafts.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { changeConfig, copyTestFederation, startNode, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';

const [XA, XB, XC] = ['XA', 'XB', 'XC'] as unknown as [JurisdictionCode, JurisdictionCode, JurisdictionCode];
const TIMEOUT_MS = 240_000;
const WAIT_MS = 60_000;
const text = (words: string): object => ({ lang: 'en', text: words });

async function entriesOf({ storage }: Node, kind: LedgerEntry['kind']): Promise<LedgerEntry[]> {
  const { ledger } = storage;
  const bytes = await Promise.all(Array.from({ length: ledger.size }, (_, index) => ledger.entry(index)));
  return bytes.map(parseLedgerEntry).filter((entry) => entry.kind === kind);
}

/** Sends a template with some of its members changed, and waits until it is answered. */
async function send(
  node: Node,
  to: JurisdictionCode,
  type: BodyType,
  change: object,
  draft: object = {},
): Promise<MessageRecord> {
  const template = draftTemplate(type) as Record<string, object>;
  const { message_id: id } = await node.exchange.send(
    parseDraft({ [type]: { ...template[type], ...change }, ...draft }),
    to,
  );
  return node.exchange.answerOf(id, WAIT_MS);
}

const protection = {
  controller: { name: 'Office of the Example', country: 'XA' },
  legal_basis: text('Art. 1 of an invented law.'),
  purpose: text('An invented investigation.'),
  subject_categories: ['SUSPECT'],
  retain_until: '2199-12-31',
  review_on: '2199-06-30',
  erasure_propagates: true,
};

/** XA tells XB something that XB may neither pass on nor use elsewhere. */
async function informed(a: Node): Promise<MessageRecord> {
  const conditions = ['NO_ONWARD', 'USE_LIMIT'].map((kind) => ({ kind, scope: text('Invented.') }));
  const record = await send(a, XB, 'spontaneous_information', { conditions, data_protection: protection });
  expect(record.status).toBe('RECEIVED');
  return record;
}

async function openApi(node: Node): Promise<void> {
  const api = await ApiServer.open(node);
  onTestFinished(() => api.close());
}

async function expectCleanAudit(...nodes: readonly Node[]): Promise<void> {
  const bundles = await Promise.all(
    nodes.map(async (node) => ({ name: `${node.config.code}.zip`, bytes: await exportedBundle(node) })),
  );
  expect((await auditBundles(bundles)).findings).toEqual([]);
}

describe('what its sender forbids', () => {
  test(
    'is not passed on to a third state until the sender consents to that very state',
    { timeout: TIMEOUT_MS },
    async () => {
      const federation = await copyTestFederation([XA, XB, XC]);
      const [a, b, c] = [
        await startNode(federation, XA),
        await startNode(federation, XB),
        await startNode(federation, XC),
      ];
      const { message_id: id, case_id } = await informed(a);
      const information = text(`As told in message ${id}.`);
      const sizeBefore = b.storage.ledger.size;
      // Named in words, or declared by whoever writes it.
      for (const [change, draft] of [
        [{ information }, {}],
        [{}, { draws_on: [id] }],
        [{}, { draws_on: [case_id] }],
      ] as const)
        await expect(send(b, XC, 'spontaneous_information', change, draft)).rejects.toMatchObject({
          code: 'EXCHANGE_WITHHELD',
        });
      expect(b.storage.ledger.size).toBe(sizeBefore + 3);
      const attempt = { rule: 'NO_ONWARD', purpose: 'FORWARD', onward_to: 'XC' };
      expect(await entriesOf(b, 'WITHHELD')).toMatchObject(
        Array.from({ length: 3 }, () => ({ message_id: id, peer: 'XA', detail: { type: 'withheld', value: attempt } })),
      );
      // What draws on nothing is not held up, and what XA itself tells XC is its own.
      expect((await send(b, XC, 'spontaneous_information', {})).status).toBe('RECEIVED');
      expect((await send(a, XC, 'spontaneous_information', { information })).status).toBe('RECEIVED');

      const asked = await send(b, XA, 'use_consent_request', { purpose: 'FORWARD', onward_to: XC }, { case_id });
      const { message_id: in_reply_to } = asked;
      await send(a, XB, 'use_consent_decision', { outcome: 'GRANT' }, { case_id, in_reply_to });
      await until(async () => (await b.exchange.cases(case_id))[0]?.consents?.length === 1, WAIT_MS);
      expect((await send(b, XC, 'spontaneous_information', { information })).status).toBe('RECEIVED');
      await expect(b.exchange.protection.disclose([id])).rejects.toMatchObject({ code: 'EXCHANGE_WITHHELD' });
      expect(await entriesOf(b, 'DISCLOSED')).toEqual([]);
      // Its own words are the sender's to show.
      expect(await a.exchange.protection.disclose([id])).toMatchObject([{ message_id: id }]);
      await expectCleanAudit(a, b, c);
    },
  );

  test('is neither taken out for, nor used in, another proceeding', { timeout: TIMEOUT_MS }, async () => {
    const federation = await copyTestFederation([XA, XB, XC]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const c = await startNode(federation, XC);
    await openApi(a);
    const caseId = await caseUnderExecution(a, b);
    const bytes = noise(5000, 7);
    await b.exchange.evidence.putItem(caseId, exhibit('e1'));
    const label = { case_id: caseId, name: 'books.bin', media_type: 'application/octet-stream' };
    const given = await b.exchange.evidence.add(sourceOf(bytes), label);
    await b.exchange.evidence.addToItem(caseId, 'e1', [given.file_id]);
    const conditions = [{ kind: 'USE_LIMIT', scope: text('For this proceeding only.') }];
    const transferOf = (
      node: Node,
      id: Uuid,
      item: string,
      to: JurisdictionCode,
      more: object,
    ): Promise<MessageRecord> => {
      const evidence_transfer = { items: [{ item_id: item }], measure_ids: ['m1'], ...more };
      return node.exchange.send(node.exchange.evidence.drafting({ case_id: id, evidence_transfer }, to), to);
    };
    const transfer = await transferOf(b, caseId, 'e1', XA, { conditions });
    const here = async (): Promise<boolean> =>
      (await a.exchange.evidence.list(caseId)).some(({ verified_at: at }) => at !== undefined);
    await until(here, WAIT_MS);

    const out = temporaryFolder();
    const get = (...more: readonly string[]): ReturnType<typeof runCommand> =>
      runCommand('evidence', 'get', '--node', federation.dirOf('XA'), given.file_id, ...more);
    const refused = await get('--for', 'other_proceeding', '-o', join(out, 'tax.bin'), '--json');
    expect([refused.status, JSON.parse(refused.stdout)]).toMatchObject([1, { error: { code: 'EXCHANGE_WITHHELD' } }]);
    expect((await get('--for', 'fun', '-o', join(out, 'fun.bin'))).status).toBe(1);
    expect((await get('-o', join(out, 'case.bin'))).status).toBe(0);
    expect(new Uint8Array(readFileSync(join(out, 'case.bin')))).toEqual(bytes);

    // The same content under another name, to another state.
    const other = await caseUnderExecution(c, a);
    await a.exchange.evidence.putItem(other, exhibit('x1'));
    const copy = await a.exchange.evidence.add(sourceOf(bytes), { ...label, case_id: other, name: 'mine.bin' });
    await a.exchange.evidence.addToItem(other, 'x1', [copy.file_id]);
    await expect(transferOf(a, other, 'x1', XC, {})).rejects.toMatchObject({ code: 'EXCHANGE_WITHHELD' });

    // A supplement to the same proceeding is what the evidence was given for; another proceeding is not.
    const { assistance_request: request } = requestFile() as { readonly assistance_request: { proceeding: object } };
    const supplement = (ref: string): Promise<MessageRecord> =>
      send(
        a,
        XB,
        'supplementary_request',
        { parent_id: caseId, request: { ...request, proceeding: { ...request.proceeding, ref } } },
        { case_id: undefined },
      );
    const { ref } = request.proceeding as { readonly ref: string };
    await expect(supplement('TAX 9/2026')).rejects.toMatchObject({ code: 'EXCHANGE_WITHHELD' });
    expect((await supplement(ref)).status).toBe('RECEIVED');

    // What could be used for a time goes neither to a court nor into another program after it.
    const ofCase = (...command: readonly string[]): ReturnType<typeof runCommand> =>
      runCommand('evidence', ...command, '--node', federation.dirOf('XA'), '--case', caseId, '--json');
    expect((await ofCase('case-export', '-o', join(out, 'open.jsonld'))).status).toBe(0);
    const lent = await b.exchange.evidence.add(sourceOf(noise(50, 8)), { ...label, name: 'source.bin' });
    await b.exchange.evidence.putItem(caseId, exhibit('e2'));
    await b.exchange.evidence.addToItem(caseId, 'e2', [lent.file_id]);
    const past = { kind: 'EXPIRY', scope: text('Invented.'), until: '2020-12-31' };
    const expired = await transferOf(b, caseId, 'e2', XA, { conditions: [past] });
    await until(async () => (await a.exchange.evidence.list(caseId)).length === 2, WAIT_MS);
    for (const command of ['case-export', 'dossier']) {
      const { status, stdout } = await ofCase(command, '-o', join(out, command));
      expect([command, status, JSON.parse(stdout)]).toMatchObject([
        command,
        1,
        { error: { code: 'EXCHANGE_WITHHELD' } },
      ]);
      expect(existsSync(join(out, command))).toBe(false);
    }

    const ofTransfer = [
      { rule: 'USE_LIMIT', purpose: 'OTHER_PROCEEDING' },
      { rule: 'USE_LIMIT', purpose: 'FORWARD', onward_to: 'XC' },
      { rule: 'USE_LIMIT', purpose: 'OTHER_PROCEEDING' },
    ].map((value) => ({ message_id: transfer.message_id, detail: { type: 'withheld', value } }));
    const ofLent = ['EXPORT', 'COURT'].map((purpose) => ({
      message_id: expired.message_id,
      detail: { type: 'withheld', value: { rule: 'EXPIRED', purpose } },
    }));
    expect(await entriesOf(a, 'WITHHELD')).toMatchObject([...ofTransfer, ...ofLent]);
    await expectCleanAudit(a, b);
  });
});

describe('erasure', () => {
  test(
    'is asked for, carried out with proof or refused, also when the case is closed',
    { timeout: TIMEOUT_MS },
    async () => {
      const federation = await copyTestFederation([XA, XB]);
      const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
      await Promise.all([openApi(a), openApi(b)]);
      const { message_id: id, case_id } = await informed(a);
      for (const [node, to] of [
        [a, XB],
        [b, XA],
      ] as const)
        await send(node, to, 'close_case', {}, { case_id });
      await until(async () => (await b.exchange.cases(case_id))[0]?.state === 'CLOSED', WAIT_MS);

      const run = async (code: string, ...args: readonly string[]): Promise<{ status: number; json: Json }> => {
        const { status, stdout } = await runCommand(...args, '--node', federation.dirOf(code), '--json');
        return { status: status!, json: JSON.parse(stdout) as Json };
      };
      const ask = (...more: readonly string[]): ReturnType<typeof run> =>
        run('XA', 'erasure', 'request', ...more, '--why', 'inaccurate', '--reasons', 'Invented.');
      // Only what one has sent oneself, in this case.
      const foreign = await send(b, XA, 'use_consent_request', {}, { case_id });
      expect((await ask(foreign.message_id)).status).toBe(2);
      expect(await ask(id, foreign.message_id)).toMatchObject({
        status: 1,
        json: { error: { code: 'CASE_ILLEGAL_STEP' } },
      });

      const first = await ask(id);
      expect(first.status).toBe(0);
      const owed = async (node: Node): Promise<number> =>
        (await node.exchange.cases(case_id))[0]!.obligations.filter(({ kind }) => kind === 'ERASURE').length;
      await until(async () => (await owed(b)) === 1, WAIT_MS);
      const refusal = ['erasure', 'refuse', messageOf(first.json), '--reasons', 'Needed in court.'] as const;
      expect((await run('XB', ...refusal, '--keep-until', '2030-01-01')).status).toBe(0);
      await until(async () => (await owed(a)) === 0, WAIT_MS);
      expect((await b.exchange.message(id)).content).toBeDefined();

      // A claim without proof, and one with a proof of something else, are refused with a signed reason.
      const second = await ask(id);
      await until(async () => (await owed(b)) === 1, WAIT_MS);
      const in_reply_to = messageOf(second.json) as Uuid;
      const { entry, proof } = await b.storage.ledger.receipt(0);
      const lie = { outcome: 'ERASED', proofs: [{ entry: Buffer.from(entry).toString('base64url'), proof }] };
      expect(await send(b, XA, 'erasure_answer', lie, { case_id, in_reply_to })).toMatchObject({
        status: 'REFUSED',
        reason: 'ERASURE_UNPROVED',
      });
      expect((await a.exchange.message(id)).record.peer_erased).toBeUndefined();

      const done = await run('XB', 'erasure', 'perform', in_reply_to);
      expect(done).toMatchObject({ status: 0, json: { ok: true, erased: [{ message_id: id }] } });
      await until(async () => (await a.exchange.message(id)).record.peer_erased !== undefined, WAIT_MS);
      const [erased] = await entriesOf(b, 'ERASED');
      expect(erased).toMatchObject({ message_id: id, detail: { type: 'erased', value: { why: 'SENDER_ASKED' } } });
      const { record } = await a.exchange.message(id);
      const provedEntry = parseLedgerEntry(await b.storage.ledger.entry(record.peer_erased!.index));
      expect(provedEntry).toEqual(erased);
      const shown = await b.exchange.message(id);
      expect(shown).toMatchObject({ content: undefined, record: { status: 'RECEIVED' }, proof: { verified: true } });
      for (const key of [`sealed/${id}`, `signed/${id}`]) expect(await b.storage.store.get(key)).toBeUndefined();
      await expect(b.exchange.protection.disclose([id])).rejects.toMatchObject({ code: 'EXCHANGE_ERASED' });
      // The sender's own copy: its recipient was told to follow, and has already.
      const own = await run('XA', 'message', 'erase', id, '--why', 'erasure');
      expect(own).toMatchObject({ status: 0, json: { propagates: true, message: { erased: { why: 'ERASURE' } } } });
      expect((await a.exchange.cases(case_id))[0]!.state).toBe('CLOSED');
      await expectCleanAudit(a, b);
    },
  );

  test(
    'is due by the days that the message states: reviewed, reminded of, and done by the node itself where told to',
    { timeout: TIMEOUT_MS },
    async () => {
      const federation = await copyTestFederation([XA, XB]);
      changeConfig(federation, XB, { retention: { erase_automatically: true } });
      const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
      await openApi(b);
      const { message_id: id } = await informed(a);
      const list = async (...more: readonly string[]): Promise<{ status: number | null; states: unknown[] }> => {
        const { status, stdout } = await runCommand(
          'retention',
          'list',
          '--node',
          federation.dirOf('XB'),
          '--json',
          ...more,
        );
        return { status, states: (JSON.parse(stdout) as { state: string }[]).map(({ state }) => state) };
      };
      expect(await list()).toEqual({ status: 0, states: ['KEPT'] });
      expect(await list('--due')).toEqual({ status: 0, states: [] });
      expect(await list('--due', '--at', '2199-07-01')).toEqual({ status: 1, states: ['REVIEW_DUE'] });
      expect(await list('--due', '--at', '2200-01-01')).toEqual({ status: 1, states: ['ENDED'] });
      const clocksAt = async (day: string): Promise<unknown[]> =>
        (await b.exchange.clocks(Date.parse(day))).map(({ name, state, duty_of: duty }) => [name, state, duty]);
      expect(await clocksAt('2199-06-01')).toEqual([
        ['RETENTION_REVIEW', 'RUNNING', 'XB'],
        ['RETENTION', 'RUNNING', 'XB'],
      ]);
      expect(await clocksAt('2199-07-01')).toContainEqual(['RETENTION_REVIEW', 'OVERDUE', 'XB']);
      expect(
        (await a.exchange.clocks(Date.parse('2200-02-01'))).map(({ name, state, duty_of: duty }) => [
          name,
          state,
          duty,
        ]),
      ).toEqual([['RETENTION', 'OVERDUE', 'XB']]);

      const review = (day: string): ReturnType<typeof runCommand> =>
        runCommand('retention', 'review', '--node', federation.dirOf('XB'), id, '--next', day);
      expect((await review('2200-01-01')).stderr).toContain('EXCHANGE_BAD_REVIEW');
      expect((await review('2199-12-01')).status).toBe(0);
      expect(await list('--due', '--at', '2199-07-01')).toEqual({ status: 0, states: [] });

      // Information whose time is over on the day on which it arrives goes at the next look.
      const past = { ...protection, retain_until: '2026-01-01', review_on: undefined };
      const late = await send(a, XB, 'spontaneous_information', { data_protection: past });
      await b.stop();
      const again = await startNode(federation, XB);
      await until(async () => (await entriesOf(again, 'ERASED')).length > 0, WAIT_MS);
      expect((await again.exchange.message(late.message_id)).record.erased).toBeDefined();
      expect((await entriesOf(again, 'ERASED')).map(({ message_id: gone, detail }) => [gone, detail?.value])).toEqual([
        [late.message_id, { why: 'RETENTION_ENDED' }],
      ]);
      expect((await again.exchange.message(id)).content).toBeDefined();
      expect((await a.exchange.message(late.message_id)).content).toBeDefined();
    },
  );

  test('is not done to what may have to be sent again', { timeout: TIMEOUT_MS }, async () => {
    const federation = await copyTestFederation([XA, XB]);
    const a = await startNode(federation, XA);
    const { message_id: id } = await a.exchange.send(parseDraft(draftTemplate('spontaneous_information')), XB);
    await expect(a.exchange.protection.erase(id, 'ERASURE')).rejects.toMatchObject({ code: 'EXCHANGE_NOT_ERASABLE' });
    expect(await entriesOf(a, 'ERASED')).toEqual([]);
  });
});

test(
  'a peer that asks more hit/no-hit queries than are answered is refused, and its operator sees it',
  { timeout: TIMEOUT_MS },
  async () => {
    const federation = await copyTestFederation([XA, XB]);
    changeConfig(federation, XB, { limits: { hit_queries_per_hour: 3, hit_identifiers_per_day: 4 } });
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    await openApi(b);
    const identifier = (number: number): object => ({
      scheme: 'IMEI',
      digest: Buffer.alloc(32, number).toString('base64url'),
    });
    const ask = (...numbers: readonly number[]): Promise<MessageRecord> =>
      send(a, XB, 'hit_query', { identifiers: numbers.map(identifier) }, { case_id: undefined });
    expect((await ask(1)).status).toBe('RECEIVED');
    // Too many identifiers for a day, whatever the hour; a smaller query still goes, and what was refused has used up nothing.
    expect(await ask(1, 2, 3, 4)).toMatchObject({ status: 'REFUSED', reason: 'RATE_LIMITED' });
    expect((await ask(2)).status).toBe('RECEIVED');
    expect((await ask(3)).status).toBe('RECEIVED');
    expect(await ask(4)).toMatchObject({ status: 'REFUSED', reason: 'RATE_LIMITED' });
    // Nothing else of the peer's is held up.
    expect((await send(a, XB, 'spontaneous_information', {})).status).toBe('RECEIVED');
    const { stdout } = await runCommand('peers', '--node', federation.dirOf('XB'), '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { code: 'XA', hit_queries: { queries_last_hour: 3, identifiers_last_day: 3, refused: 2 } },
    ]);
    expect((await runCommand('peers', '--node', federation.dirOf('XB'))).stdout).toContain('2 QUERIES TOO MANY');
  },
);

type Json = Record<string, unknown>;

function messageOf(json: Json): string {
  return (json['message'] as MessageRecord).message_id;
}

async function* sourceOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield Promise.resolve(bytes);
}
