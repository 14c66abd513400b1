import {
  bytesToBase64url,
  equalBytes,
  parseUtf8,
  refuse,
  utf8ToBytes,
  type JurisdictionCode,
  type Uuid,
} from '../base/mod.ts';
import { sealedDigest } from '../sealing/mod.ts';
import { encodeReceipt, type Deliver, type LedgerEntry, type Reason, type Receipt } from '../wire/mod.ts';
import { ownPlace, putStep, stepPeer, type CaseChange } from './case-record.ts';
import type { CloseReason } from './close-code.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { eventOf, refusalOf } from './event.ts';
import { NO_FINDINGS, planContent, type Findings } from './delivered-content.ts';
import { ownProof } from './give-back.ts';
import { carriedBy } from './evidence-content.ts';
import { noteErasures, provedErasures, type ProvedErasures } from './erasure-proof.ts';
import { recordIncident, tellIncidents } from './incident.ts';
import { openDelivery, type OpenedDelivery, type Opening } from './opening.ts';
import { verifyPeerEntry, type ProvedEntry } from './peer-entry.ts';
import { noteCheckpoint } from './peer-head.ts';
import { countQuery } from './query-rate.ts';
import { NEW_PEER, keys, type MessageRecord, type PeerRecord } from './record.ts';

/** What to do about a delivery: answer it, or end the session because the peer breaks the protocol. */
export type DeliveryOutcome =
  | { readonly receipt: Receipt; /** There may be files to fetch. */ readonly announcesFiles: boolean }
  | { readonly close: CloseReason };

type Planned =
  | {
      readonly is: 'new';
      readonly record: MessageRecord;
      readonly failure?: unknown;
      readonly findings: Findings;
      readonly announcesFiles: boolean;
    }
  | { readonly is: 'copy'; readonly record: MessageRecord }
  | { readonly is: 'violation'; readonly close: CloseReason; readonly detail: string };

/** A delivery that is the peer's for certain, opened as far as it opens. */
export interface AdmittedDelivery {
  readonly deliver: Deliver;
  readonly proved: ProvedEntry;
  readonly opened: Opening | undefined;
  /** What this node failed with when it tried to open the message. */
  readonly failure?: unknown;
}

/**
 * Checks who a delivery is from and opens it. Nothing is written, and nothing is answered when the sender's own entry does not prove
 * that the message is the peer's.
 */
export async function admitDelivery(
  context: ExchangeContext,
  peer: JurisdictionCode,
  deliver: Deliver,
): Promise<AdmittedDelivery | { readonly close: CloseReason }> {
  if (deliver.from !== peer || deliver.to !== context.code) return { close: 'ENVELOPE_MISMATCH' };
  const proved = verifyPeerEntry(context, peer, deliver.sent);
  if (!proved.ok || !isAbout(context, deliver, proved.value)) return { close: 'PROOF_INVALID' };
  // A cheap look before the expensive opening; the plan decides.
  const known = await context.records.get<PeerRecord>(keys.peer(peer));
  const isCopy = known !== undefined && deliver.seq <= known.received_seq;
  if (isCopy || deliver.sealed === undefined) return { deliver, proved: proved.value, opened: undefined };
  try {
    return { deliver, proved: proved.value, opened: await openDelivery(context, deliver, proved.value) };
  } catch (failure) {
    const opened = refuse('NOT_PROCESSABLE', 'this node failed at opening it');
    return { deliver, proved: proved.value, opened, failure };
  }
}

/**
 * Applies or refuses an admitted delivery, exactly once; the outcome is in this node's ledger and on disk before the receipt is made.
 * Deliveries of one peer are to be given in the order of their arrival.
 */
export async function takeDelivery(
  context: ExchangeContext,
  peer: JurisdictionCode,
  admitted: AdmittedDelivery,
): Promise<DeliveryOutcome> {
  const { deliver } = admitted;
  const planned = await context.committer.commit((view) => planDelivery(context, view, admitted), peer);
  if (planned.is === 'violation') {
    if (planned.close === 'DELIVERY_CONTRADICTION') {
      await recordIncident(context, peer, {
        kind: 'CONTRADICTORY_DELIVERY',
        detail: planned.detail,
        exhibits: [bytesToBase64url(encodeReceipt(deliver.sent))],
      });
    }
    return { close: planned.close };
  }
  const { record } = planned;
  context.failpoint('receive.committed');
  if (planned.is === 'new') {
    if (planned.failure !== undefined) {
      await recordIncident(context, peer, {
        kind: 'NOT_PROCESSABLE',
        detail: `message ${record.message_id} was refused because this node failed at it: ${nameOf(planned.failure)}`,
        exhibits: [bytesToBase64url(encodeReceipt(deliver.sent))],
      });
    }
    const { contradictions, incidents } = planned.findings;
    tellIncidents(context, incidents);
    if (contradictions.length > 0) {
      await recordIncident(context, peer, {
        kind: 'CUSTODY_CONTRADICTION',
        detail: `message ${record.message_id}: ${contradictions.join('; ')}`,
        exhibits: [bytesToBase64url(encodeReceipt(deliver.sent))],
      });
    }
    const { answer, sent, status } = record;
    if (status === 'REFUSED' || status === 'QUARANTINED')
      context.emit(refusalOf('REFUSED', record, answer!, sent.index, record.reason!));
    else context.emit(eventOf(status === 'VOIDED' ? 'VOIDED' : 'RECEIVED', record, answer!, sent.index));
  }
  const announcesFiles = planned.is === 'new' && planned.announcesFiles;
  return { receipt: await ownProof(context, record, record.answer!.index), announcesFiles };
}

// A message could be quoted in an error's text, and an incident holds no content.
function nameOf(failure: unknown): string {
  return failure instanceof Error ? failure.name : typeof failure;
}

/** Whether the proved entry is the sender's word for exactly this envelope. */
export function isAbout(context: Pick<ExchangeContext, 'code'>, deliver: Deliver, { entry }: ProvedEntry): boolean {
  const about = entry.peer === context.code && entry.message_id === deliver.message_id && entry.seq === deliver.seq;
  if (!about) return false;
  if (entry.kind === 'VOIDED') return deliver.sealed === undefined;
  if (entry.kind !== 'SENT' || deliver.sealed === undefined) return false;
  const digest = sealedDigest(deliver.sealed);
  return digest.ok && equalBytes(digest.value, entry.sealed_digest!);
}

async function planDelivery(context: ExchangeContext, view: StepView, admitted: AdmittedDelivery): Promise<Planned> {
  const { deliver, proved } = admitted;
  const peer = deliver.from as JurisdictionCode;
  const id = deliver.message_id as Uuid;
  const { entry } = proved;
  const known = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
  if (deliver.seq <= known.received_seq) return planCopy(view, peer, deliver, proved);
  if (deliver.seq !== known.received_seq + 1) {
    return { is: 'violation', close: 'SEQUENCE_GAP', detail: `seq ${deliver.seq} after ${known.received_seq}` };
  }
  const answer = await decide(context, view, admitted);
  const { sealed_digest, signed_digest } = entry;
  const ref = view.append({
    kind: answer.kind,
    peer,
    message_id: id,
    seq: deliver.seq,
    sealed_digest,
    signed_digest,
    reason: answer.reason,
    detail: proved.detail,
  });
  const { header, body } = answer.opened?.message ?? {};
  const record: MessageRecord = {
    message_id: id,
    direction: 'IN',
    peer,
    seq: deliver.seq,
    status: statusOf(entry, answer),
    case_id: header?.case_id,
    type: body?.type,
    suite: answer.opened?.suite,
    in_reply_to: header?.in_reply_to,
    issued_at: header?.issued_at,
    expires_at: header?.expires_at,
    sealed_digest: bytesToBase64url(sealed_digest!),
    signed_digest: bytesToBase64url(signed_digest!),
    sent: proved.ref,
    answer: ref,
    reason: answer.reason,
  };
  // The id belongs to its first bearer; a refused reuse of it is found by its sequence number.
  const stored = answer.reason === 'MESSAGE_ID_REUSED' ? keys.arrived(peer, deliver.seq) : keys.message(id);
  if (stored === keys.message(id)) {
    view.put(keys.arrived(peer, deliver.seq), utf8ToBytes(id));
    // What was inside says all that the outside did, and a peer's message is not sent again: one of the two is enough.
    if (answer.opened !== undefined) view.put(keys.signed(id), utf8ToBytes(answer.opened.jws));
    else if (deliver.sealed !== undefined) view.put(keys.sealed(id), utf8ToBytes(deliver.sealed));
  }
  view.putRecord(stored, record);
  view.put(keys.peerProof(ref.index), encodeReceipt(deliver.sent));
  if (answer.change !== undefined)
    await putStep(context, view, answer.change, { message_id: id, place: ownPlace(context, ref) });
  if (answer.erasures !== undefined) await noteErasures(view, answer.erasures);
  const isTaken = answer.kind === 'RECEIVED' && answer.opened !== undefined;
  const findings = isTaken ? await planContent(context, view, answer.opened) : NO_FINDINGS;
  const { sent_seq, checkpoint } = known;
  const taken = { sent_seq, received_seq: deliver.seq, checkpoint };
  view.putRecord(keys.peer(peer), noteCheckpoint(taken, proved.checkpoint));
  const announcesFiles = isTaken && carriedBy(answer.opened.message.body).files.length > 0;
  return { is: 'new', record, failure: admitted.failure ?? answer.failure, findings, announcesFiles };
}

/** A copy of what came before gets the same entry again; anything else under its number is a contradiction. */
async function planCopy(
  view: StepView,
  peer: JurisdictionCode,
  deliver: Deliver,
  proved: ProvedEntry,
): Promise<Planned> {
  const arrived = await view.get(keys.arrived(peer, deliver.seq));
  const text = parseUtf8(arrived!);
  const record = text.startsWith('{')
    ? (JSON.parse(text) as MessageRecord)
    : (await view.getRecord<MessageRecord>(keys.message(text as Uuid)))!;
  // A message given up by its sender after it had arrived is answered as what arrived.
  const sameMessage = record.message_id === deliver.message_id;
  const sameBytes =
    record.sealed_digest === bytesToBase64url(proved.entry.sealed_digest!) &&
    record.signed_digest === bytesToBase64url(proved.entry.signed_digest!);
  if (sameMessage && sameBytes) return { is: 'copy', record };
  return { is: 'violation', close: 'DELIVERY_CONTRADICTION', detail: `seq ${deliver.seq} was another message before` };
}

interface Answer {
  readonly kind: 'RECEIVED' | 'REFUSED';
  readonly reason?: Reason;
  readonly opened?: OpenedDelivery;
  readonly change?: CaseChange;
  readonly erasures?: ProvedErasures;
  readonly failure?: unknown;
  readonly isQuarantined?: boolean;
}

function statusOf(sent: LedgerEntry, answer: Answer): MessageRecord['status'] {
  if (sent.kind === 'VOIDED') return 'VOIDED';
  return answer.isQuarantined === true ? 'QUARANTINED' : answer.kind;
}

async function decide(
  context: ExchangeContext,
  view: StepView,
  { deliver, proved, opened }: AdmittedDelivery,
): Promise<Answer> {
  if ((await view.get(keys.message(deliver.message_id as Uuid))) !== undefined) {
    return { kind: 'REFUSED', reason: 'MESSAGE_ID_REUSED' };
  }
  if (opened === undefined) return { kind: 'RECEIVED', reason: proved.entry.reason ?? 'VOIDED_EXPIRED' };
  if (!opened.ok && opened.quarantined !== undefined)
    return { kind: 'REFUSED', reason: opened.reason, opened: opened.quarantined, isQuarantined: true };
  if (!opened.ok) return { kind: 'REFUSED', reason: opened.reason };
  return apply(context, view, opened.value, proved.place);
}

/**
 * Takes the step of casework. A message at which this node's own code fails is refused like any other that cannot be taken: it would
 * otherwise come again after every restart, and hold up everything behind it.
 */
async function apply(
  context: ExchangeContext,
  view: StepView,
  opened: OpenedDelivery,
  sentPlace: number,
): Promise<Answer> {
  try {
    const step = await stepPeer(context, view, opened.message, sentPlace);
    if (!step.ok) return { kind: 'REFUSED', reason: step.reason, opened };
    const erasures = await provedErasures(context, view, opened.message, step.value);
    if (erasures === undefined) return { kind: 'REFUSED', reason: 'ERASURE_UNPROVED', opened };
    if (!(await countQuery(context, view, opened.message))) return { kind: 'REFUSED', reason: 'RATE_LIMITED', opened };
    return { kind: 'RECEIVED', opened, change: step.value, erasures };
  } catch (failure) {
    return { kind: 'REFUSED', reason: 'NOT_PROCESSABLE', opened, failure };
  }
}
