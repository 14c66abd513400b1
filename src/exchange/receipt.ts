import { bytesToBase64url, equalBytes, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { encodeReceipt, parseReceipt, type LedgerEntry, type Receipt } from '../wire/mod.ts';
import { confirmStep, takeBackStep } from './case-record.ts';
import type { CloseReason } from './close-code.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { eventOf, refusalOf } from './event.ts';
import { recordIncident } from './incident.ts';
import { forgetExpiry } from './outbox.ts';
import { verifyPeerEntry, type ProvedEntry } from './peer-entry.ts';
import { noteCheckpoint } from './peer-head.ts';
import { NEW_PEER, keys, type MessageRecord, type PeerRecord } from './record.ts';

/** What a receipt settled, or why the session has to end. */
export type ReceiptOutcome = { readonly record: MessageRecord } | { readonly close: CloseReason };

/** A receipt that proves an answer to exactly what was sent. */
export interface AdmittedReceipt {
  readonly receipt: Receipt;
  readonly proved: ProvedEntry;
  readonly id: Uuid;
}

type Planned =
  | { readonly is: 'new' | 'copy'; readonly record: MessageRecord; readonly failure?: unknown }
  | { readonly is: 'contradiction'; readonly detail: string };

/**
 * Reads a receipt. It counts only if it proves that the peer's own ledger says RECEIVED or REFUSED about exactly what was sent: the same
 * message, number and digests. Anything else is kept as an incident, and ends the session.
 */
export async function admitReceipt(
  context: ExchangeContext,
  peer: JurisdictionCode,
  receipt: Receipt,
): Promise<AdmittedReceipt | { readonly close: CloseReason }> {
  const proved = verifyPeerEntry(context, peer, receipt, { former: true });
  if (!proved.ok) return invalid(context, peer, receipt, proved.detail);
  const { entry } = proved.value;
  const sent =
    entry.message_id === undefined
      ? undefined
      : await context.records.get<MessageRecord>(keys.message(entry.message_id as Uuid));
  if (sent === undefined || !answers(context, peer, sent, entry)) {
    return invalid(context, peer, receipt, 'it answers nothing that was sent');
  }
  return { receipt, proved: proved.value, id: sent.message_id };
}

/** Holds a receipt: stored, and in this node's ledger. One that came before changes nothing. */
export async function takeReceipt(
  context: ExchangeContext,
  peer: JurisdictionCode,
  admitted: AdmittedReceipt,
): Promise<ReceiptOutcome> {
  const { id, receipt, proved } = admitted;
  const planned = await context.committer.commit((view) => planReceipt(view, admitted), peer);
  if (planned.is === 'contradiction') {
    await recordIncident(context, peer, {
      kind: 'CONTRADICTORY_RECEIPT',
      detail: planned.detail,
      exhibits: await exhibitsOf(context, id, receipt),
    });
    return { close: 'RECEIPT_INVALID' };
  }
  const { record } = planned;
  context.failpoint('receipt.held');
  if (planned.is === 'new') {
    if (planned.failure !== undefined) {
      await recordIncident(context, peer, {
        kind: 'NOT_PROCESSABLE',
        detail: `the case of message ${id} could not be folded without it`,
        exhibits: [bytesToBase64url(encodeReceipt(receipt))],
      });
    }
    const { index } = record.answer!;
    if (proved.entry.kind === 'REFUSED')
      context.emit(refusalOf('REFUSAL_HELD', record, record.held!, index, proved.entry.reason!));
    else context.emit(eventOf('RECEIPT_HELD', record, record.held!, index));
  }
  return { record };
}

/** Whether an entry of the peer's is its answer to a message of this node's. */
export function answers(
  context: Pick<ExchangeContext, 'code'>,
  peer: JurisdictionCode,
  sent: Pick<MessageRecord, 'direction' | 'peer' | 'seq' | 'sealed_digest' | 'signed_digest'>,
  entry: LedgerEntry,
): boolean {
  return (
    (entry.kind === 'RECEIVED' || entry.kind === 'REFUSED') &&
    entry.peer === context.code &&
    sent.direction === 'OUT' &&
    sent.peer === peer &&
    entry.seq === sent.seq &&
    bytesToBase64url(entry.sealed_digest!) === sent.sealed_digest &&
    bytesToBase64url(entry.signed_digest!) === sent.signed_digest
  );
}

async function planReceipt(view: StepView, { id, receipt, proved }: AdmittedReceipt): Promise<Planned> {
  const current = (await view.getRecord<MessageRecord>(keys.message(id)))!;
  if (current.held !== undefined) {
    const held = parseReceipt((await view.get(keys.peerProof(current.held.index)))!);
    if (equalBytes(held.entry, receipt.entry)) return { is: 'copy', record: current };
    return { is: 'contradiction', detail: `two different answers to message ${id}` };
  }
  // What is given up is answered by repeating why, and nothing else is: either could not both have happened.
  const given = current.status === 'VOIDED' ? current.reason : undefined;
  if (proved.entry.kind === 'RECEIVED' && proved.entry.reason !== given) {
    return {
      is: 'contradiction',
      detail: `message ${id} is ${current.status} here, and received${proved.entry.reason === undefined ? '' : ` as ${proved.entry.reason}`} there`,
    };
  }
  const { entry } = proved;
  const held = view.append({
    kind: 'RECEIPT_HELD',
    peer: current.peer,
    message_id: id,
    seq: current.seq,
    sealed_digest: entry.sealed_digest,
    signed_digest: entry.signed_digest,
    reason: entry.reason,
    detail: proved.detail,
  });
  const settled = entry.kind === 'REFUSED' ? 'REFUSED' : 'RECEIVED';
  // A copy that is then changed: what is spread into a literal and named there again leaves the quick path of the engine.
  const record: { -readonly [M in keyof MessageRecord]: MessageRecord[M] } = { ...current };
  // What was given up stays given up, whatever the peer makes of it.
  if (current.status !== 'VOIDED') record.status = settled;
  record.answer = proved.ref;
  record.held = held;
  record.reason = entry.reason ?? current.reason;
  view.putRecord(keys.message(id), record);
  view.put(keys.peerProof(held.index), encodeReceipt(receipt));
  view.delete(keys.pending(current.peer, current.seq));
  forgetExpiry(view, current);
  const peer = (await view.getRecord<PeerRecord>(keys.peer(current.peer))) ?? NEW_PEER;
  view.putRecord(keys.peer(current.peer), noteCheckpoint(peer, proved.checkpoint));
  return { is: 'new', record, failure: await settleStep(view, record, proved.place) };
}

async function settleStep(view: StepView, record: MessageRecord, place: number): Promise<unknown> {
  if (record.status === 'REFUSED') return takeBackStep(view, record);
  return record.status === 'RECEIVED' ? confirmStep(view, record, place) : undefined;
}

async function invalid(
  context: ExchangeContext,
  peer: JurisdictionCode,
  receipt: Receipt,
  detail: string,
): Promise<{ readonly close: CloseReason }> {
  const exhibits = [bytesToBase64url(encodeReceipt(receipt))];
  await recordIncident(context, peer, { kind: 'INVALID_RECEIPT', detail, exhibits });
  return { close: 'RECEIPT_INVALID' };
}

async function exhibitsOf(context: ExchangeContext, id: Uuid, receipt: Receipt): Promise<string[]> {
  const record = await context.records.get<MessageRecord>(keys.message(id));
  const held = record?.held === undefined ? undefined : await context.store.get(keys.peerProof(record.held.index));
  return [...(held === undefined ? [] : [bytesToBase64url(held)]), bytesToBase64url(encodeReceipt(receipt))];
}
