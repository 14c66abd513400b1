/** One message at which a node's own code fails must not stop the node, come again for ever, or hold up what is behind it. */
import { expect, test } from 'vitest';
import { utf8ToBytes, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import { exchangeKeys } from '../../src/exchange/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const CASE = '019b0000-0000-7000-8000-00000000000c' as Uuid;

test('a message that the casework fails at is refused with a proved reason, an incident is kept, and the rest goes on', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  // A record that no version of the software writes: every look at the case throws.
  await b.storage.store.commit({
    puts: [[exchangeKeys.case(CASE, XA), utf8ToBytes('{"requesting":"XA","kind":"REQUEST"}')]],
  });
  const drafts = [requestDraft('Before.'), requestDraft('Poison.', { case_id: CASE }), requestDraft('Behind.')];
  const sent = await Promise.all(drafts.map((draft) => a.exchange.send(draft, XB)));
  const answers = await Promise.all(sent.map(({ message_id: id }) => a.exchange.answerOf(id, 60_000)));
  expect(answers.map(({ status, reason }) => [status, reason])).toEqual([
    ['RECEIVED', undefined],
    ['REFUSED', 'NOT_PROCESSABLE'],
    ['RECEIVED', undefined],
  ]);
  expect(await b.exchange.incidents()).toMatchObject([{ kind: 'NOT_PROCESSABLE', peer: 'XA' }]);
  expect(JSON.stringify(await b.exchange.incidents())).not.toContain('Poison');
  // Its step is taken back at the sender, whose case it opened.
  expect(await a.exchange.cases(CASE)).toEqual([]);
});

test('a receipt whose case cannot be folded is held all the same', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const a = await startNode(federation, XA);
  const poisoned = await a.exchange.send(requestDraft('Refused there.', { case_id: CASE }), XB);
  const behind = await a.exchange.send(requestDraft('Behind.'), XB);
  await a.exchange.commit((view) => {
    view.put(exchangeKeys.case(CASE, XB), utf8ToBytes('{}'));
    return Promise.resolve();
  });
  const b = await startNode(federation, XB);
  await b.storage.store.commit({
    puts: [[exchangeKeys.case(CASE, XA), utf8ToBytes('{"requesting":"XA","kind":"REQUEST"}')]],
  });
  await until(async () => (await a.exchange.backlog(XB)).count === 0);
  expect((await a.exchange.message(poisoned.message_id)).record.status).toBe('REFUSED');
  expect((await a.exchange.message(behind.message_id)).record.status).toBe('RECEIVED');
  await until(async () => (await a.exchange.incidents()).length === 1);
  expect(await a.exchange.incidents()).toMatchObject([{ kind: 'NOT_PROCESSABLE', peer: 'XB' }]);
});
