/** A message is given up only if it surely never left: whatever the clock says, and however often the node was restarted. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

const XB = 'XB' as JurisdictionCode;
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error;

describe('a message that never left', () => {
  test('is withdrawn by a person, also after a restart, and the peer gets its number as withdrawn', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    let a = await startNode(federation, 'XA');
    const first = await a.exchange.send(requestDraft('Sent in error.'), XB);
    await a.stop();
    a = await startNode(federation, 'XA');
    const second = await a.exchange.send(requestDraft('Meant.'), XB);
    const withdrawn = await a.exchange.withdraw(first.message_id);
    expect(withdrawn).toMatchObject({ status: 'VOIDED', reason: 'VOIDED_WITHDRAWN', seq: 1 });
    expect(await a.exchange.cases(first.case_id)).toEqual([]);
    await expect(a.exchange.withdraw(first.message_id)).rejects.toThrow(withCode('EXCHANGE_NOT_WITHDRAWABLE'));

    const b = await startNode(federation, 'XB');
    expect((await a.exchange.answerOf(second.message_id, 60_000)).status).toBe('RECEIVED');
    expect((await a.exchange.answerOf(first.message_id, 60_000)).status).toBe('VOIDED');
    const there = await b.exchange.message(first.message_id);
    expect(there).toMatchObject({ record: { status: 'VOIDED', reason: 'VOIDED_WITHDRAWN' }, content: undefined });
    await expect(a.exchange.withdraw(second.message_id)).rejects.toThrow(withCode('EXCHANGE_NOT_WITHDRAWABLE'));
    await expect(b.exchange.withdraw(second.message_id)).rejects.toThrow(withCode('EXCHANGE_NOT_WITHDRAWABLE'));
  });

  test('expires by itself while its recipient is away', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    let a = await startNode(federation, 'XA');
    const sent = await a.exchange.send(requestDraft('Late.', { expires_at: Date.now() + 400 }), XB);
    await a.stop();
    await new Promise((resolve) => setTimeout(resolve, 410));
    a = await startNode(federation, 'XA');
    await until(async () => (await a.exchange.message(sent.message_id)).record.status === 'VOIDED');
    await until(() => a.storage.ledger.size === 3);
  });
});

test('F08: a message that may have left is never given up, though the node restarts with a clock that was set back', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  let offsetMs = 0;
  const clock = { nowMs: () => Date.now() + offsetMs };
  let a = await startNode(federation, 'XA', { clock });
  const puppet = await Puppet.of(federation, 'XB');
  let session = await puppet.converse('XA');
  const sent = await a.exchange.send(requestDraft('Left.', { expires_at: Date.now() + 400 }), XB);
  const delivered = await session.next();
  if (delivered.type !== 'deliver') throw new Error(`a ${delivered.type} came`);
  // It is with the peer, whose receipt never comes. The node stops, the clock is set back an hour, and put right after the start.
  session.close();
  await a.stop();
  offsetMs = -3_600_000;
  a = await startNode(federation, 'XA', { clock });
  offsetMs = 60_000;
  session = await puppet.converse('XA');
  const again = await session.next();
  expect(again).toMatchObject({ type: 'deliver', value: { seq: 1, sealed: delivered.value.sealed } });
  await expect(a.exchange.withdraw(sent.message_id)).rejects.toThrow(withCode('EXCHANGE_NOT_WITHDRAWABLE'));
  expect((await a.exchange.message(sent.message_id)).record.status).toBe('QUEUED');
});
