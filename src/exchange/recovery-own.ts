/** Takes back that this node had sent a message, or had given it up. */
import { accept, equalBytes, parseUtf8, refuse, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import { verifyMessage } from '../sealing/mod.ts';
import {
  encodeReceipt,
  parseMessage,
  type GiveBack,
  type LedgerEntry,
  type Message,
  type Receipt,
} from '../wire/mod.ts';
import { confirmStep, putStep, stepOwn, takeBackStep } from './case-record.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { carriedBy } from './evidence-content.ts';
import { planOffers } from './evidence-steps.ts';
import { forgetExpiry } from './outbox.ts';
import type { ProvedEntry } from './peer-entry.ts';
import { noteCheckpoint } from './peer-head.ts';
import { answers } from './receipt.ts';
import { NEW_PEER, keys, type MessageRecord, type PeerRecord } from './record.ts';
import {
  COPY,
  appendHeld,
  appendRecovered,
  isSameMessage,
  recordOf,
  type LostEntry,
  type Outcome,
  type Plan,
} from './recovery-entry.ts';

/** A message of this node's own that the peer had answered. */
export function planOwn(
  context: ExchangeContext,
  peer: JurisdictionCode,
  { counterpart, signed }: GiveBack,
  lost: LostEntry,
  proved: ProvedEntry,
): Verdict<Plan> {
  const { entry } = lost;
  const message = signed === undefined ? undefined : ownMessage(context, signed, entry);
  const base = recordOf(entry, peer, message);
  const isAnswered = answers(context, peer, { ...base, direction: 'OUT' }, proved.entry);
  if (!isAnswered || !isSameMessage(entry, proved.entry))
    return refuse('ENTRY_UNRELATED', 'the answer is not to what was sent');
  const held = { ...proved, receipt: counterpart };
  return accept(async (view) => {
    const current = await view.getRecord<MessageRecord>(keys.message(base.message_id));
    if (current !== undefined) return accept(await planVoided(view, current, lost, held));
    const known = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
    if (entry.seq <= known.sent_seq) return accept(COPY);
    if (entry.seq !== known.sent_seq + 1) return refuse('SEQUENCE_GAP', `${entry.seq} after ${known.sent_seq}`);
    const answered = proved.entry.kind === 'REFUSED' ? 'REFUSED' : 'RECEIVED';
    const record: MessageRecord = {
      ...base,
      direction: 'OUT',
      status: entry.kind === 'VOIDED' ? 'VOIDED' : answered,
      sent: appendRecovered(view, lost),
      answer: proved.ref,
      held: appendHeld(view, proved, peer),
      reason: proved.entry.reason ?? entry.reason,
    };
    view.putRecord(keys.message(record.message_id), record);
    if (message !== undefined) view.put(keys.signed(record.message_id), signed!);
    view.put(keys.peerProof(record.held!.index), encodeReceipt(counterpart));
    view.putRecord(keys.peer(peer), noteCheckpoint({ ...known, sent_seq: entry.seq }, proved.checkpoint));
    if (record.status !== 'RECEIVED') return accept({ isNew: true });
    return accept({ isNew: true, failure: await applyOwn(context, view, message, record, proved, lost) });
  });
}

/** A message that is here as queued, and was given up in the lost entries. */
async function planVoided(
  view: StepView,
  current: MessageRecord,
  lost: LostEntry,
  { receipt, ...proved }: ProvedEntry & { readonly receipt: Receipt },
): Promise<Outcome> {
  if (lost.entry.kind !== 'VOIDED' || current.status !== 'QUEUED') return COPY;
  const record: MessageRecord = {
    ...current,
    status: 'VOIDED',
    reason: lost.entry.reason,
    recovered: true,
    sent: appendRecovered(view, lost),
    answer: proved.ref,
    held: appendHeld(view, proved, current.peer),
  };
  view.putRecord(keys.message(record.message_id), record);
  view.put(keys.peerProof(record.held!.index), encodeReceipt(receipt));
  view.delete(keys.sealed(record.message_id));
  view.delete(keys.pending(record.peer, record.seq));
  forgetExpiry(view, record);
  return { isNew: true, failure: await takeBackStep(view, record) };
}

async function applyOwn(
  context: ExchangeContext,
  view: StepView,
  message: Message | undefined,
  record: MessageRecord,
  proved: ProvedEntry,
  lost: LostEntry,
): Promise<unknown> {
  if (message === undefined) return new Error('the peer does not have its content');
  try {
    const change = await stepOwn(context, view, message);
    const { header, body } = message;
    await putStep(context, view, change, { message_id: header.message_id, place: lost.place });
    const failure = await confirmStep(view, record, proved.place);
    if (failure !== undefined) return failure;
    const { message_id, case_id } = header;
    await planOffers(view, { peer: record.peer, message_id, case_id, files: carriedBy(body).files });
    return undefined;
  } catch (failure) {
    return failure;
  }
}

/** The message inside a JWS of this node's own that a lost entry commits to. */
function ownMessage({ directory, code }: ExchangeContext, signed: Uint8Array, entry: LedgerEntry): Message | undefined {
  const member = directory.member(code);
  if (member === undefined) return undefined;
  try {
    const verified = verifyMessage(parseUtf8(signed), (kid) => directory.signKey(member, kid));
    if (!verified.ok || !equalBytes(verified.value.signedDigest, entry.signed_digest!)) return undefined;
    return parseMessage(verified.value.payload);
  } catch {
    return undefined;
  }
}
