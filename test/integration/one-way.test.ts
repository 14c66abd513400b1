/** An authority behind a one-way firewall: nobody can dial it, and it takes part in everything. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];

// Either the lower or the higher code may be the one that cannot be reached.
test.each([
  [XA, XB],
  [XB, XA],
])('%s only ever dials, and both send, answer, cosign and come back after a restart', async (hidden, open) => {
  const federation = await copyTestFederation([XA, XB], [hidden]);
  const far = await startNode(federation, open, { witnessIntervalMs: 50 });
  let near = await startNode(federation, hidden, { witnessIntervalMs: 50 });
  expect(near.transport.port).toBe(0);
  const request = await far.exchange.send(requestDraft('From outside.'), hidden);
  expect((await far.exchange.answerOf(request.message_id, 60_000)).status).toBe('RECEIVED');
  const answer = await near.exchange.send(acknowledgementDraft(request.message_id), open);
  expect((await near.exchange.answerOf(answer.message_id, 60_000)).status).toBe('RECEIVED');
  await until(async () => (await near.exchange.cosignatures()).length === 1);
  await until(async () => (await far.exchange.cosignatures()).length === 1);
  expect(far.transport.connections()).toMatchObject([{ code: hidden, endpoint: '', dialled_by: hidden }]);

  await near.stop();
  const meanwhile = await far.exchange.send(requestDraft('While it was away.'), hidden);
  expect(far.transport.connections()[0]!.next_attempt_at).toBeUndefined();
  near = await startNode(federation, hidden);
  expect((await far.exchange.answerOf(meanwhile.message_id, 60_000)).status).toBe('RECEIVED');
});
