/** A case that has come so far that evidence can be sent in it, and exhibits to send. */
import { parseDraft, type Draft } from '../../src/wire/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import type { SentAnswer } from '../../src/api/mod.ts';
import type { ApiClient } from '../../src/client/mod.ts';
import { acknowledgementDraft, requestDraft, requestFile } from './drafts.ts';

const AUTHORITY = { name: 'Section II', country: 'XB' };

/** XA asks, XB acknowledges, accepts and begins: the case in which XB may send evidence of measure m1. */
export async function caseUnderExecution(requesting: Node, requested: Node): Promise<Uuid> {
  const [to, from] = [requested.config.code, requesting.config.code];
  const send = async (node: Node, draft: Draft, peer: JurisdictionCode): Promise<Uuid> => {
    const { message_id: id } = await node.exchange.send(draft, peer);
    const { status, reason } = await node.exchange.answerOf(id, 60_000);
    if (status !== 'RECEIVED') throw new Error(`${draft.body.type} is ${status} ${reason}`);
    return id;
  };
  const request = await send(requesting, requestDraft(), to);
  const answers = [
    acknowledgementDraft(request),
    parseDraft({
      in_reply_to: request,
      review_decision: { outcome: 'ACCEPT', measures: [{ measure_id: 'm1', outcome: 'ACCEPT' }], authority: AUTHORITY },
    }),
    parseDraft({
      in_reply_to: request,
      execution_started: { measure_ids: ['m1'], started_on: '2026-11-02', executing: AUTHORITY },
    }),
  ];
  for (const draft of answers) await send(requested, draft, from);
  return (await requesting.exchange.message(request)).record.case_id!;
}

/** The same case between two nodes in processes of their own, XA and XB. */
export async function caseOverApi(requesting: ApiClient, requested: ApiClient): Promise<string> {
  const send = async (api: ApiClient, to: string, draft: object): Promise<SentAnswer['message']> => {
    const { message } = await api.post<SentAnswer>('messages', { to, draft, wait_ms: 60_000 });
    if (message.status !== 'RECEIVED') throw new Error(`${message.type} is ${message.status} ${message.reason}`);
    return message;
  };
  const { message_id: request, case_id } = await send(requesting, 'XB', requestFile());
  const answers = [
    { acknowledge_receipt: { received_at: 1, handler: AUTHORITY, local_ref: 'EX 1' } },
    {
      review_decision: { outcome: 'ACCEPT', measures: [{ measure_id: 'm1', outcome: 'ACCEPT' }], authority: AUTHORITY },
    },
    { execution_started: { measure_ids: ['m1'], started_on: '2026-11-02', executing: AUTHORITY } },
  ];
  for (const answer of answers) await send(requested, 'XA', { in_reply_to: request, ...answer });
  return case_id!;
}

/** An exhibit; all particulars fictional. */
export function exhibit(id = 'e1'): Record<string, unknown> {
  return {
    item_id: id,
    kind: 'RECORD',
    description: { lang: 'en', text: 'Ledger of an invented shop.' },
    collected: {
      by: 'Insp. Ida Example',
      role: 'inspector',
      authority: 'Police of Brethen',
      place: 'Brethen',
      at: 1_700_000_000_000,
      law: 'Code of Procedure, art. 10',
    },
  };
}

/** Bytes that are the same for one seed, and look random. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
