import { bytesToBase64url, isoTime, newUuid, utf8ToBytes, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { contentFaults } from '../casework/mod.ts';
import { signMessage } from '../sealing/mod.ts';
import { requiredSuite } from '../trust/mod.ts';
import { SCHEMA_VERSION, encodeMessage, faultsError, type Draft, type Message } from '../wire/mod.ts';
import { caseIdOf, ownPlace, putStep, stepOwn, takeBackStep } from './case-record.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { withheldFrom } from './drawn-on.ts';
import { ExchangeError } from './error.ts';
import { eventOf } from './event.ts';
import { carriedBy, draftedCustodyFaults, evidenceFaults } from './evidence-content.ts';
import { planReturn } from './evidence-handover.ts';
import { planOffers } from './evidence-steps.ts';
import { takeIdempotencyKey, type IdempotencyKey } from './idempotency.ts';
import { recordIncident } from './incident.ts';
import { NEW_PEER, digestsOf, keys, type MessageRecord, type PeerRecord } from './record.ts';
import { planRetention } from './retention.ts';
import { isSettled } from './settled.ts';
import { recordWithheld, withheldError, type Withheld } from './withholding.ts';

/** What may be read and written while a draft is made in the step that sends it. */
export type DraftingView = Pick<StepView, 'getRecord' | 'putRecord'>;

/** Makes a draft in the step that sends it; when either throws, nothing of it is written. */
export type Drafting = (view: DraftingView) => Promise<Draft>;

/** What else is written in the batch that queues a message; when it throws, nothing is. */
export type AlsoSent = (view: StepView, record: MessageRecord) => Promise<void>;

/** What belongs to the queuing of one message beside the message. */
export interface Queuing {
  readonly also?: AlsoSent | undefined;
  /** Under which the message can be asked for again. */
  readonly key?: IdempotencyKey | undefined;
}

/** A message that is queued; not new when its key had made it before. */
export interface Queued {
  readonly record: MessageRecord;
  readonly isNew: boolean;
}

/**
 * Checks, signs, seals and queues one message: one atomic, synced batch with its SENT entry, the case's new state and the sequence
 * number it uses up.
 * @throws {WireError} WIRE_FIELDS_INVALID, WIRE_TOO_LARGE
 * @throws {CaseworkError} CASE_UNKNOWN, CASE_ILLEGAL_STEP, and the more precise refusals of a step
 * @throws {ExchangeError} EXCHANGE_MANIFEST_EXPIRED, EXCHANGE_UNKNOWN_RECIPIENT, EXCHANGE_RECIPIENT_INACTIVE, EXCHANGE_NO_KEY,
 * EXCHANGE_TOO_LARGE, EXCHANGE_CASE_REQUIRED, EXCHANGE_RESUME_PENDING, EXCHANGE_IDEMPOTENCY_KEY_REUSED,
 * EXCHANGE_WITHHELD when it draws on what must not be used so: that is in the ledger
 */
export async function queueMessage(
  context: ExchangeContext,
  given: Draft | Drafting,
  to: JurisdictionCode,
  { also, key }: Queuing = {},
): Promise<Queued> {
  // What is refused without a look at the store costs nobody a turn.
  if (typeof given !== 'function') checkDraft(context, given, to);
  const withheld: Withheld[] = [];
  const plan = async (view: StepView): Promise<Queued> => {
    // Before the draft is looked at: the step that it asks for may have been taken by the message that it has become.
    const before = key === undefined ? undefined : await takeIdempotencyKey(context.random, view, key);
    if (before?.made !== undefined)
      return { record: (await view.getRecord<MessageRecord>(keys.message(before.made)))!, isNew: false };
    const draft = typeof given === 'function' ? await given(view) : given;
    if (typeof given === 'function') checkDraft(context, draft, to);
    const planned = await planMessage(context, view, draft, to, withheld);
    before?.keep(planned.message_id);
    await also?.(view, planned);
    return { record: planned, isNew: true };
  };
  const queued = await context.committer.commit(plan).catch(async (error: unknown) => {
    // Nothing of the message is written, and that it was tried is.
    if (withheld.length > 0)
      await context.committer.commit((view) => {
        recordWithheld(view, withheld);
        return Promise.resolve();
      });
    throw error;
  });
  const { record, isNew } = queued;
  if (!isNew) return queued;
  context.failpoint('send.queued');
  context.emit(eventOf('SENT', record, record.sent));
  return queued;
}

/** Everything that can be refused without looking at the store. */
function checkDraft(context: ExchangeContext, draft: Draft, to: JurisdictionCode): void {
  const faults = [
    ...contentFaults(draft.body, { from: context.code, to, issued_at: context.clock.nowMs() }),
    ...evidenceFaults(draft.body, context.directory),
    ...draftedCustodyFaults(draft.body),
  ];
  if (faults.length > 0) throw faultsError(faults);
  if (draft.expires_at !== 0 && draft.expires_at <= context.clock.nowMs()) {
    throw faultsError([{ path: 'expires_at', code: 'OUT_OF_RANGE', message: 'has passed' }]);
  }
  const { manifest } = context.directory;
  if (manifest.expires_at <= context.clock.nowMs()) {
    throw new ExchangeError(
      'EXCHANGE_MANIFEST_EXPIRED',
      `Version ${manifest.version} of the federation manifest expired at ${isoTime(manifest.expires_at)}: ask the council for the next one.`,
    );
  }
  const member = context.directory.member(to);
  if (to === context.code || member === undefined) {
    const others = manifest.members.map(({ code }) => code).filter((code) => code !== context.code);
    throw new ExchangeError(
      'EXCHANGE_UNKNOWN_RECIPIENT',
      `${to} is not another member of the federation. Members: ${others.join(', ')}.`,
    );
  }
  if (member.status !== 'ACTIVE') {
    throw new ExchangeError(
      'EXCHANGE_RECIPIENT_INACTIVE',
      `${to} is ${member.status.toLowerCase()} in the federation.`,
    );
  }
}

async function planMessage(
  context: ExchangeContext,
  view: StepView,
  draft: Draft,
  to: JurisdictionCode,
  withheld: Withheld[],
): Promise<MessageRecord> {
  const nowMs = context.clock.nowMs();
  const member = context.directory.member(to)!;
  const suite = requiredSuite(context.directory.manifest, context.code, to);
  const recipient = context.directory.recipientKey(member, nowMs, suite);
  if (recipient === undefined) {
    const need = suite === 1 ? '' : ` for suite ${suite}, the least for messages between ${context.code} and ${to}`;
    throw new ExchangeError('EXCHANGE_NO_KEY', `${to} has no valid encryption key${need}.`);
  }
  if (!(await isSettled(context, view, to))) {
    const why = `This node has lost entries of its ledger, and ${to} has not told yet what of them it holds.`;
    throw new ExchangeError('EXCHANGE_RESUME_PENDING', `${why} Next: send the message when ${to} is connected.`);
  }
  const peer = (await view.getRecord<PeerRecord>(keys.peer(to))) ?? NEW_PEER;
  const seq = peer.sent_seq + 1;
  const caseId = await caseIdOf(view, draft, to);
  let message: Message = {
    header: {
      message_id: newUuid(nowMs, context.random(10)),
      case_id: caseId ?? newUuid(nowMs, context.random(10)),
      in_reply_to: draft.in_reply_to,
      from: context.code,
      to,
      seq,
      recipient_kid: recipient.kid,
      issued_at: nowMs,
      expires_at: draft.expires_at,
      manifest_version: context.directory.manifest.version,
      schema_version: SCHEMA_VERSION,
    },
    body: draft.body,
  };
  const { header } = message;
  const change = await stepOwn(context, view, message, caseId === undefined);
  withheld.push(...(await withheldFrom(context, view, draft, { to, case_id: header.case_id })));
  if (withheld[0] !== undefined) throw withheldError(withheld[0]);
  if (message.body.type === 'return_of_originals') {
    const about = { peer: to, case_id: header.case_id };
    const custody = await planReturn(context, view, about, message.body.value);
    message = { header, body: { type: 'return_of_originals', value: { ...message.body.value, custody } } };
  }

  const payload = encodeMessage(message);
  const limit = member.limits.max_message_bytes;
  if (payload.length > limit) {
    throw new ExchangeError(
      'EXCHANGE_TOO_LARGE',
      `The message is ${payload.length} bytes long; ${to} takes at most ${limit}.`,
    );
  }
  const { jws, signedDigest } = signMessage(payload, context.signKey());
  const { sealed, sealedDigest } = context.sealing.seal(jws, { key: recipient, from: context.code, to, suite });
  const sent = view.append({
    kind: 'SENT',
    peer: to,
    message_id: header.message_id,
    seq,
    sealed_digest: sealedDigest,
    signed_digest: signedDigest,
  });
  const record: MessageRecord = {
    message_id: header.message_id,
    direction: 'OUT',
    peer: to,
    seq,
    status: 'QUEUED',
    case_id: header.case_id,
    type: draft.body.type,
    suite,
    in_reply_to: header.in_reply_to,
    issued_at: header.issued_at,
    expires_at: header.expires_at,
    sealed_digest: bytesToBase64url(sealedDigest),
    signed_digest: bytesToBase64url(signedDigest),
    sent,
    // What the receipt fills in has its place from the beginning.
    answer: undefined,
    reason: undefined,
    held: undefined,
  };
  view.putRecord(keys.message(header.message_id), record);
  view.put(keys.sealed(header.message_id), utf8ToBytes(sealed));
  view.put(keys.signed(header.message_id), utf8ToBytes(jws));
  view.put(keys.pending(to, seq), utf8ToBytes(header.message_id));
  if (header.expires_at !== 0)
    view.put(keys.expiry(header.expires_at, header.message_id), utf8ToBytes(header.message_id));
  const { received_seq, checkpoint } = peer;
  view.putRecord(keys.peer(to), { sent_seq: seq, received_seq, checkpoint } satisfies PeerRecord);
  await putStep(context, view, change, { message_id: header.message_id, place: ownPlace(context, sent) });
  planRetention(view, message, context.code);
  const { message_id, case_id } = header;
  await planOffers(view, { peer: to, message_id, case_id, files: carriedBy(draft.body).files });
  return record;
}

/**
 * Gives up a queued message that never left this node: its VOIDED entry takes its place in the sequence, and its step of casework never
 * happened. The caller has made sure that no session takes it meanwhile.
 */
export async function voidMessage(
  context: ExchangeContext,
  id: Uuid,
  reason: 'VOIDED_EXPIRED' | 'VOIDED_WITHDRAWN',
): Promise<MessageRecord> {
  const planned = await context.committer.commit(async (view) => {
    const current = (await view.getRecord<MessageRecord>(keys.message(id)))!;
    if (current.status !== 'QUEUED') return { record: current, isNew: false, failure: undefined };
    const sent = view.append({
      kind: 'VOIDED',
      peer: current.peer,
      message_id: id,
      seq: current.seq,
      ...digestsOf(current),
      reason,
    });
    const record: MessageRecord = { ...current, status: 'VOIDED', reason, sent };
    view.putRecord(keys.message(id), record);
    view.delete(keys.sealed(id));
    forgetExpiry(view, record);
    return { record, isNew: true, failure: await takeBackStep(view, record) };
  });
  const { record, isNew, failure } = planned;
  context.failpoint('void.committed');
  if (failure !== undefined) {
    await recordIncident(context, record.peer, {
      kind: 'NOT_PROCESSABLE',
      detail: `the case of message ${id} could not be folded without it`,
      exhibits: [],
    });
  }
  if (isNew) context.emit(eventOf('VOIDED', record, record.sent));
  return record;
}

/** Takes a message out of the list of those that may expire. */
export function forgetExpiry(view: StepView, { message_id: id, expires_at: at }: MessageRecord): void {
  if (at !== undefined && at !== 0) view.delete(keys.expiry(at, id));
}
