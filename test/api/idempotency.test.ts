/** What is asked for twice with the same key is done once: after a lost answer, at the same moment, and after a death at any step. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { DraftAnswer, SentAnswer } from '../../src/api/mod.ts';
import type { FailpointName } from '../../src/base/mod.ts';
import { ApiClient } from '../../src/client/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { runCommand } from '../kit/command.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Office, codeOfFailure } from '../kit/office.ts';
import { Plug } from '../kit/plug.ts';

vi.setConfig({ testTimeout: 240_000 });

const deep = process.env['SLOW'] === '1';
const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324';

type Answer = SentAnswer & { readonly error?: { readonly code: string } };

/** Posts as a program of somebody else's would, with a body and headers of its own making. */
function postTo(dir: string): (route: string, body: string, ...keys: readonly string[]) => Promise<Answer> {
  const { controlSocket: socketPath } = nodePaths(dir);
  return (route, body, ...keys) =>
    new Promise((resolve, reject) => {
      const headers = keys.length === 0 ? {} : { 'idempotency-key': [...keys] };
      const asked = { socketPath, method: 'POST', path: `/v1/${route}`, headers, agent: false };
      const outgoing = request(asked, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => {
          resolve(JSON.parse(text) as Answer);
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
}

test('the same key is the same message, and another request needs another key', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const { node, dir } = await Office.open(federation, 'XA');
  const peer = await startNode(federation, 'XB');
  await until(() => node.transport.connections()[0]!.connected);
  const post = postTo(dir);
  const draft = requestFile();
  const body = JSON.stringify({ to: 'XB', draft, wait_ms: 0 });

  // A dozen at the same moment.
  const posts = await Promise.all(Array.from({ length: 12 }, () => post('messages', body, KEY)));
  const first = posts[0]!.message;
  expect(posts.map(({ message }) => message.message_id)).toEqual(posts.map(() => first.message_id));
  expect(posts.filter(({ repeated }) => repeated === undefined)).toHaveLength(1);
  // In another order, with other white space, waiting, and the key in quotes.
  const again = await post('messages', JSON.stringify({ wait_ms: 60_000, draft, to: 'XB' }, undefined, 2), `"${KEY}"`);
  expect(again).toMatchObject({
    message: { message_id: first.message_id, status: 'RECEIVED' },
    receipt: { verified: true },
    repeated: true,
  });

  const other = JSON.stringify({ to: 'XB', draft: { ...draft, expires_at: Date.now() + 3_600_000 }, wait_ms: 0 });
  const transfer = JSON.stringify({ to: 'XB', case_id: first.case_id, items: ['ledger-1'], transfer: {} });
  for (const [route, changed] of [
    ['messages', other],
    ['transfers', transfer],
  ] as const)
    expect((await post(route, changed, KEY)).error?.code).toBe('EXCHANGE_IDEMPOTENCY_KEY_REUSED');

  // What is refused uses no key up.
  expect((await post('messages', '{"to":"XB","draft":{}}', 'fresh')).error?.code).toBe('WIRE_FIELDS_INVALID');
  const mended = await post('messages', body, 'fresh');
  expect(mended.repeated).toBeUndefined();
  expect(mended.message.message_id).not.toBe(first.message_id);
  for (const wrong of ['', '""', 'a b', '"a"b"', 'a,b', 'x'.repeat(256), 'ä'])
    expect((await post('messages', body, wrong)).error?.code).toBe('API_BAD_REQUEST');
  expect((await post('messages', body, 'one', 'two')).error?.code).toBe('API_BAD_REQUEST');

  // The step that the message took cannot be taken twice, and asking again is not taking it.
  const reasons = { lang: 'en', text: 'No longer needed.' };
  const withdrawal = { in_reply_to: first.message_id, withdrawal: { reasons } };
  const withdraw = JSON.stringify({ to: 'XB', draft: withdrawal, wait_ms: 60_000 });
  const withdrawn = await post('messages', withdraw, 'withdrawal');
  expect(withdrawn.message.status).toBe('RECEIVED');
  expect(await post('messages', withdraw, 'withdrawal')).toMatchObject({ message: withdrawn.message, repeated: true });
  expect((await post('messages', withdraw)).error?.code).toBe('CASE_ILLEGAL_STEP');

  const ids = (records: readonly MessageRecord[]): string[] => records.map(({ message_id: id }) => id).sort();
  const out = await node.exchange.messages({});
  expect(ids(out)).toEqual([first, mended.message, withdrawn.message].map(({ message_id: id }) => id).sort());
  await until(async () => (await peer.exchange.messages({})).length === out.length);
  expect(ids(await peer.exchange.messages({}))).toEqual(ids(out));
});

test('a draft is written once, each person’s keys are their own, and the command line has them too', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const office = await (await Office.open(federation, 'XA')).staff();
  const write = (by: string, change = {}): Promise<DraftAnswer> =>
    office.as(by).post<DraftAnswer>('drafts', { to: 'XB', draft: { ...requestFile(), ...change } }, KEY);
  const written = await write('drafter');
  const { size } = office.node.storage.ledger;
  expect(await write('drafter')).toEqual({ ...written, repeated: true });
  // Nor is the act on record twice.
  expect(office.node.storage.ledger.size).toBe(size);
  expect(await codeOfFailure(write('drafter', { expires_at: 1 }))).toBe('EXCHANGE_IDEMPOTENCY_KEY_REUSED');
  expect((await write('both')).draft_id).not.toBe(written.draft_id);
  const { message } = await office.as('approver').post<SentAnswer>(`drafts/${written.draft_id}/approve`, {});
  expect(await write('drafter')).toMatchObject({ status: 'SENT', message_id: message.message_id, repeated: true });
  expect(await office.node.exchange.messages({})).toHaveLength(1);

  // At a node without staff, as a script does it that is started again.
  const plain = await Office.open(federation, 'XB');
  const file = join(plain.dir, 'request.json');
  writeFileSync(file, JSON.stringify(requestFile()));
  const send = (key: string): ReturnType<typeof runCommand> =>
    runCommand(
      ...['message', 'send', '--node', plain.dir, '--to', 'XA', '--wait', '0', '--accept-advice', file],
      ...['--idempotency-key', key],
    );
  expect((await send(KEY)).status).toBe(0);
  const second = await send(KEY);
  expect(second.stdout).toContain('Sent before, under the same key');
  expect(second.status).toBe(0);
  expect((await send('two words')).status).toBe(2);
  const all = await plain.node.exchange.messages({});
  expect(all.filter(({ direction }) => direction === 'OUT')).toHaveLength(1);
});

// Those that a node does not come to when it starts.
const STEPS: readonly FailpointName[] = [
  'ledger.append.begun',
  'ledger.append.committed',
  'ledger.append.head-written',
  'send.queued',
];

test('whoever asks again after kill -9, at whichever step, has one message', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  // No message of these rests on a treaty or a calendar, and reading them all is a quarter of a start.
  const env = { ROGATORY_DATA: join(federation.folder, 'data') };
  for (const kind of ['treaties', 'states']) mkdirSync(join(env.ROGATORY_DATA, kind), { recursive: true });
  const plug = new Plug(federation, 'XA', env);
  onTestFinished(() => plug.end());
  // What a node writes down at its first start is behind it.
  plug.start();
  await plug.die(0);
  const api = new ApiClient(federation.dirOf('XA'));
  const body = { to: 'XB', draft: requestFile(), wait_ms: 0 };
  const sent = new Set<string>();
  for (const name of deep ? STEPS : STEPS.slice(-1)) {
    plug.start({ name, passage: 1 });
    await plug.answersOrDies();
    expect(await codeOfFailure(api.post('messages', body, `at ${name}`))).toBe('API_BAD_ANSWER');
    expect((await plug.die(60_000))?.stderr).toBeUndefined();
    plug.start();
    await plug.answersOrDies();
    const { message } = await api.post<SentAnswer>('messages', body, `at ${name}`);
    sent.add(message.message_id);
    expect(await api.post('messages', body, `at ${name}`)).toMatchObject({ message, repeated: true });
    const all = await api.get<MessageRecord[]>('messages');
    expect([name, all.map(({ message_id: id }) => id).sort()]).toEqual([name, [...sent].sort()]);
    await plug.die(0);
    expect(plug.reached.get(name)).toBe(1);
  }
});
