/**
 * Takes back what a peer holds of entries that this node has lost. The lost entry is this node's own word, under a former origin of its
 * ledger, so it counts as what it says: a message that was received stays received, and is not acknowledged again.
 */
import {
  accept,
  bytesToBase64url,
  equalBytes,
  parseUtf8,
  refuse,
  utf8ToBytes,
  type JurisdictionCode,
  type Uuid,
  type Verdict,
} from '../base/mod.ts';
import { placeInOrder, verifyInclusionProofText } from '../ledger/mod.ts';
import { verifyMessage } from '../sealing/mod.ts';
import {
  WireError,
  encodeReceipt,
  parseLedgerEntry,
  parseMessage,
  type Deliver,
  type GiveBack,
  type LedgerEntry,
  type Message,
  type Receipt,
  type Recovered,
} from '../wire/mod.ts';
import { confirmStep, putStep, stepOwn, stepPeer, takeBackStep } from './case-record.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { takeBackArrival } from './evidence-arrival.ts';
import { carriedBy } from './evidence-content.ts';
import { planOffers } from './evidence-steps.ts';
import { isAbout, planContent } from './inbox.ts';
import { recordIncident } from './incident.ts';
import { openBound, type BoundDelivery } from './opening.ts';
import { forgetExpiry } from './outbox.ts';
import { ownLedgerKeysOf } from './own-key.ts';
import { verifyPeerEntry, type ProvedEntry } from './peer-entry.ts';
import { noteCheckpoint } from './peer-head.ts';
import { answers } from './receipt.ts';
import { NEW_PEER, keys, type EntryRef, type MessageRecord, type PeerRecord } from './record.ts';

/** An own entry of a former epoch, proved. */
interface LostEntry {
  readonly entry: LedgerEntry;
  readonly receipt: Receipt;
  readonly detail: Recovered;
  /** Where it stood among the entries of all epochs. */
  readonly place: number;
}

/** What a step of recovery came to: whether anything was new, and what failed beside the ledger. */
interface Outcome {
  readonly isNew: boolean;
  readonly failure?: unknown;
}

const COPY: Outcome = { isNew: false };

/**
 * Takes one lost entry back, unless it is here already.
 * @param proved the epoch of the peer's own that it has begun as well, and proved before
 * @returns refused when the peer has given something that proves nothing, or out of order
 */
export async function takeBack(
  context: ExchangeContext,
  peer: JurisdictionCode,
  given: GiveBack,
  proved?: number,
): Promise<Verdict<undefined>> {
  const lost = verifyLost(context, peer, given.lost);
  if (!lost.ok) return lost;
  const counterpart = verifyPeerEntry(context, peer, given.counterpart, { former: true, proved });
  if (!counterpart.ok) return counterpart;
  const { message_id: id } = lost.value.entry;
  const plan = planOf(lost.value.entry.kind)(context, peer, given, lost.value, counterpart.value);
  if (!plan.ok) return plan;
  const outcome = await context.committer.commit(plan.value, peer);
  if (!outcome.ok) return outcome;
  context.failpoint('recovery.committed');
  if (outcome.value.failure !== undefined) {
    await recordIncident(context, peer, {
      kind: 'RECOVERY_INCOMPLETE',
      detail: `message ${id} was given back, and its case or files could not be brought up to it`,
      exhibits: [bytesToBase64url(encodeReceipt(given.lost))],
    });
  }
  return accept(undefined);
}

/** Whether a receipt proves an entry of this node's own, in an epoch that it has left. */
function verifyLost(context: ExchangeContext, peer: JurisdictionCode, receipt: Receipt): Verdict<LostEntry> {
  const named = ownLedgerKeysOf(context, receipt.proof);
  if (named === undefined || named.epoch >= context.ledger.epoch)
    return refuse('EPOCH_UNKNOWN', 'not of a former epoch');
  const proved = verifyInclusionProofText(receipt.proof, receipt.entry, named.keys, context.verifyCheckpoint);
  if (!proved.ok) return proved;
  const entry = parse(receipt.entry);
  const kind = entry?.kind;
  const isMessage = kind === 'SENT' || kind === 'VOIDED' || kind === 'RECEIVED' || kind === 'REFUSED';
  const isArrival = kind === 'EVIDENCE_COMPLETE' && entry?.detail?.type === 'evidence_arrived';
  if (entry === undefined || !(isMessage || isArrival) || entry.peer !== peer)
    return refuse('ENTRY_UNRELATED', 'not about a message or a file between the two');
  const { leaf, index, checkpoint } = proved.value;
  const detail: Recovered = { kind, leaf_hash: leaf, checkpoint: checkpoint.note };
  return accept({ entry, receipt, detail, place: placeInOrder(named.epoch, index) });
}

type Plan = (view: StepView) => Promise<Verdict<Outcome>>;

function planOf(kind: LedgerEntry['kind']): typeof planTheirs {
  if (kind === 'EVIDENCE_COMPLETE') return planArrived;
  return kind === 'SENT' || kind === 'VOIDED' ? planOwn : planTheirs;
}

/** A file of the peer's that had arrived here. */
function planArrived(
  _context: ExchangeContext,
  peer: JurisdictionCode,
  _given: GiveBack,
  lost: LostEntry,
  { entry }: ProvedEntry,
): Verdict<Plan> {
  const named = entry.detail?.type === 'peer_entry' ? entry.detail.value.leaf_hash : undefined;
  const isAnswer = entry.kind === lost.entry.kind && named !== undefined && equalBytes(named, lost.detail.leaf_hash);
  if (!isAnswer) return refuse('ENTRY_UNRELATED', 'the answer is not to that arrival');
  return accept(async (view) => accept(await takeBackArrival(view, peer, lost)));
}

/** A message of the peer's that this node had answered. */
function planTheirs(
  context: ExchangeContext,
  peer: JurisdictionCode,
  { counterpart, sealed }: GiveBack,
  lost: LostEntry,
  proved: ProvedEntry,
): Verdict<Plan> {
  const { entry } = lost;
  const deliver: Deliver = {
    from: peer,
    to: context.code,
    message_id: entry.message_id!,
    seq: entry.seq,
    sealed,
    sent: counterpart,
  };
  if (!isAbout(context, deliver, proved) || !isSameMessage(entry, proved.entry))
    return refuse('ENTRY_UNRELATED', 'the delivery is not what was answered');
  const opened = sealed === undefined ? undefined : openBound(context, deliver, proved.entry);
  const bound = opened?.ok === true ? opened.value : undefined;
  return accept(async (view) => {
    const known = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
    if (entry.seq <= known.received_seq) return accept(COPY);
    if (entry.seq !== known.received_seq + 1) return refuse('SEQUENCE_GAP', `${entry.seq} after ${known.received_seq}`);
    const ref = append(view, lost);
    const record: MessageRecord = {
      ...recordOf(entry, peer, bound?.message),
      direction: 'IN',
      status: statusOfTheirs(entry),
      sent: proved.ref,
      answer: ref,
      reason: entry.reason,
    };
    const id = record.message_id;
    view.putRecord(keys.message(id), record);
    view.put(keys.arrived(peer, entry.seq), utf8ToBytes(id));
    view.put(keys.counterpart(ref.index), encodeReceipt(counterpart));
    if (bound !== undefined) view.put(keys.signed(id), utf8ToBytes(bound.jws));
    else if (sealed !== undefined) view.put(keys.sealed(id), utf8ToBytes(sealed));
    view.putRecord(keys.peer(peer), noteCheckpoint({ ...known, received_seq: entry.seq }, proved.checkpoint));
    if (record.status !== 'RECEIVED') return accept({ isNew: true });
    return accept({ isNew: true, failure: await applyTheirs(context, view, bound, proved, lost) });
  });
}

function statusOfTheirs({ kind, reason }: LedgerEntry): MessageRecord['status'] {
  if (kind === 'RECEIVED') return reason === undefined ? 'RECEIVED' : 'VOIDED';
  return reason === 'SIGNING_KEY_REVOKED' ? 'QUARANTINED' : 'REFUSED';
}

async function applyTheirs(
  context: ExchangeContext,
  view: StepView,
  bound: BoundDelivery | undefined,
  proved: ProvedEntry,
  lost: LostEntry,
): Promise<unknown> {
  if (bound === undefined) return new Error('it does not open any more');
  try {
    const step = await stepPeer(context, view, bound.message, proved.place);
    if (!step.ok) return step;
    await putStep(context, view, step.value, { message_id: bound.message.header.message_id, place: lost.place });
    await planContent(context, view, bound);
    return undefined;
  } catch (failure) {
    return failure;
  }
}

/** A message of this node's own that the peer had answered. */
function planOwn(
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
      sent: append(view, lost),
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
    sent: append(view, lost),
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

function append(view: StepView, { entry, receipt, detail }: LostEntry): EntryRef {
  const { peer, message_id, seq, sealed_digest, signed_digest, reason } = entry;
  const about = { peer, message_id, seq, sealed_digest, signed_digest, reason };
  const ref = view.append({ kind: 'RECOVERED', ...about, detail: { type: 'recovered', value: detail } });
  view.put(keys.peerProof(ref.index), encodeReceipt(receipt));
  return ref;
}

function appendHeld(
  view: StepView,
  { entry, detail }: Pick<ProvedEntry, 'entry' | 'detail'>,
  peer: JurisdictionCode,
): EntryRef {
  const { message_id, seq, sealed_digest, signed_digest, reason } = entry;
  return view.append({ kind: 'RECEIPT_HELD', peer, message_id, seq, sealed_digest, signed_digest, reason, detail });
}

type RecordBase = Omit<MessageRecord, 'direction' | 'status' | 'sent'>;

function recordOf(entry: LedgerEntry, peer: JurisdictionCode, message: Message | undefined): RecordBase {
  const header = message?.header;
  return {
    message_id: entry.message_id as Uuid,
    peer,
    seq: entry.seq,
    recovered: true,
    case_id: header?.case_id,
    type: message?.body.type,
    in_reply_to: header?.in_reply_to,
    issued_at: header?.issued_at,
    expires_at: header?.expires_at,
    sealed_digest: bytesToBase64url(entry.sealed_digest!),
    signed_digest: bytesToBase64url(entry.signed_digest!),
  };
}

function isSameMessage(a: LedgerEntry, b: LedgerEntry): boolean {
  const isSame = a.message_id === b.message_id && a.seq === b.seq;
  return isSame && equalBytes(a.sealed_digest!, b.sealed_digest!) && equalBytes(a.signed_digest!, b.signed_digest!);
}

function parse(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return parseLedgerEntry(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
