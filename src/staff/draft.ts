/**
 * A message leaves the node by two people. One writes it; it is checked, kept, and never changed. Another, who needs to know the case,
 * approves it, and with the approval it is sent, in one batch; or rejects it and says why.
 */
import { RogatoryError, isUuid, newUuid, parseUuid, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { contentFaults } from '../casework/mod.ts';
import { faultsOf } from '../credential/mod.ts';
import { takeIdempotencyKey, type IdempotencyKey, type MessageRecord, type StepView } from '../exchange/mod.ts';
import { faultsError, type ActRole, type Draft } from '../wire/mod.ts';
import { carryOut, judge, recordAct, recordingRefusals, type Actor, type Attempt } from './act.ts';
import { addToCase, onlyCleared, reader, requireRole } from './assignment.ts';
import type { DeskContext } from './context.ts';
import { StaffError } from './error.ts';
import { freeText } from './free-text.ts';
import { staffKeys, type DraftRecord } from './record.ts';
import { writerOf } from './rule.ts';

/** What is to be sent, and to whom. */
export interface Writing {
  readonly to: JurisdictionCode;
  readonly kind: DraftRecord['kind'];
  readonly content: Readonly<Record<string, unknown>>;
}

/** A draft that is kept; not new when its key had made it before. */
export interface Kept {
  readonly draft: DraftRecord;
  readonly isNew: boolean;
}

/**
 * Keeps a draft until somebody else decides on it; one that its key has made before is the same, whatever has become of it.
 * @throws {WireError} WIRE_FIELDS_INVALID {StaffError} STAFF_ROLE_MISSING, STAFF_CASE_NOT_ASSIGNED
 * {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_IDEMPOTENCY_KEY_REUSED
 */
export async function createDraft(
  context: DeskContext,
  actor: Actor,
  writing: Writing,
  key?: IdempotencyKey,
): Promise<Kept> {
  const { to, kind, content } = writing;
  const about = kind === 'MESSAGE' ? await readMessage(context, content, to) : readEvidence(content);
  const { type, known, case_id, named, missing } = about;
  const only = writerOf(type);
  const target = known === undefined ? {} : { case_id: known };
  const isMissing = missing !== undefined;
  return carryOut<Kept>(
    context,
    { actor, action: 'CREATE_DRAFT', target, only, named, isMissing },
    async (view, role) => {
      if (isMissing) throw missing;
      const before = key === undefined ? undefined : await takeIdempotencyKey(context.random, view, key);
      if (before?.made !== undefined) {
        const made = (await view.getRecord<DraftRecord>(staffKeys.draft(before.made)))!;
        return { value: { draft: made, isNew: false }, isOnRecord: true };
      }
      const created_at = context.clock.nowMs();
      const draft: DraftRecord = {
        draft_id: newUuid(created_at, context.random(10)),
        to,
        kind,
        type,
        content,
        case_id,
        author: actor.person!,
        role: role as DraftRecord['role'],
        created_at,
        status: 'WAITING',
      };
      view.putRecord(staffKeys.draft(draft.draft_id), draft);
      before?.keep(draft.draft_id);
      return { value: { draft, isNew: true }, target: { draft_id: draft.draft_id } };
    },
  );
}

/** Drafts that the person may see, the newest first. */
export async function listDrafts(context: DeskContext, actor: Actor): Promise<DraftRecord[]> {
  const all: DraftRecord[] = [];
  for await (const [, bytes] of context.store.scan(staffKeys.drafts, { reverse: true }))
    all.push(JSON.parse(Buffer.from(bytes).toString('utf8')) as DraftRecord);
  const inCases = await onlyCleared(context, actor, 'LIST_DRAFTS', all, ({ case_id: id }) => id);
  const seen = all.filter((draft) => inCases.includes(draft) || (draft.case_id === undefined && mayOpen(actor, draft)));
  return carryOut(context, { actor, action: 'LIST_DRAFTS', target: {} }, () => Promise.resolve({ value: seen }));
}

/** @throws {StaffError} STAFF_UNKNOWN, STAFF_ROLE_MISSING */
export async function readDraft(context: DeskContext, actor: Actor, id: string): Promise<DraftRecord> {
  const { draft, attempt } = await findDraft(context, actor, 'READ_DRAFT', id);
  return carryOut(context, attempt, () => Promise.resolve({ value: draft }));
}

/**
 * Sends a draft because a second person says so: the message, the draft's end and the record of the approval in one batch.
 * @throws {StaffError} STAFF_OWN_ACT, STAFF_ALREADY_DECIDED, STAFF_ROLE_MISSING, STAFF_UNKNOWN, and
 * everything that sending throws, after which the draft still waits
 */
export async function approveDraft(context: DeskContext, actor: Actor, id: string): Promise<MessageRecord> {
  const { draft, attempt } = await findDraft(context, actor, 'APPROVE_DRAFT', id);
  return recordingRefusals(context, attempt, async () => {
    // Judged before anything is signed for it, and again in the batch that sends it.
    await judgeDecision(context, { getRecord: reader(context) }, attempt);
    const content = draft.kind === 'MESSAGE' ? draft.content : transferOf(draft);
    const message = context.exchange.evidence.drafting(content, draft.to);
    return context.exchange.send(message, draft.to, async (view, record) => {
      const { role, current } = await judgeDecision(context, view, attempt);
      const decided = { decided_by: actor.person, decided_at: context.clock.nowMs(), message_id: record.message_id };
      const next: DraftRecord = { ...current, ...decided, case_id: record.case_id, status: 'SENT' };
      view.putRecord(staffKeys.draft(draft.draft_id), next);
      if (record.case_id !== undefined) await addToCase(view, record.case_id, [draft.author, actor.person]);
      const target = { ...attempt.target, case_id: record.case_id, message_id: record.message_id };
      recordAct(context, view, { ...attempt, target }, role);
    });
  });
}

/** Ends a draft unsent. @throws {StaffError} as approving does */
export async function rejectDraft(
  context: DeskContext,
  actor: Actor,
  id: string,
  reason: string,
): Promise<DraftRecord> {
  const why = parseReason(reason);
  const { draft, attempt } = await findDraft(context, actor, 'REJECT_DRAFT', id);
  return carryOut(context, attempt, async (view) => {
    const { current } = await judgeDecision(context, view, attempt);
    const next: DraftRecord = {
      ...current,
      status: 'REJECTED',
      decided_by: actor.person,
      decided_at: context.clock.nowMs(),
      why,
    };
    view.putRecord(staffKeys.draft(draft.draft_id), next);
    return { value: next };
  });
}

function parseReason(reason: string): string {
  const parsed = freeText(2_000).safeParse(reason);
  if (!parsed.success) throw new StaffError('STAFF_INVALID', `This is no reason: ${faultsOf(parsed.error)}.`);
  return parsed.data;
}

/** A decision is a second person's: whoever wrote it is the one who may not, under whichever credential. */
async function judgeDecision(
  context: DeskContext,
  view: Pick<StepView, 'getRecord'>,
  attempt: Attempt,
): Promise<{ readonly role: ActRole; readonly current: DraftRecord }> {
  const role = await judge(context, view, attempt);
  const current = (await view.getRecord<DraftRecord>(staffKeys.draft(attempt.target.draft_id!)))!;
  if (current.author === attempt.actor.person)
    throw new StaffError('STAFF_OWN_ACT', 'Nobody decides on a draft of their own.');
  if (current.status !== 'WAITING')
    throw new StaffError('STAFF_ALREADY_DECIDED', `Draft ${current.draft_id} was decided on: ${current.status}.`);
  return { role, current };
}

/** A draft and the attempt at it: one of a case that the person does not know is as if it were not there; that it was asked for is on record. */
async function findDraft(
  context: DeskContext,
  actor: Actor,
  action: 'READ_DRAFT' | 'APPROVE_DRAFT' | 'REJECT_DRAFT',
  id: string,
): Promise<{ readonly draft: DraftRecord; readonly attempt: Attempt }> {
  await requireRole(context, actor, action);
  const draft = isUuid(id) ? await reader(context)<DraftRecord>(staffKeys.draft(id)) : undefined;
  const unseen = new StaffError('STAFF_UNKNOWN', `There is no draft ${id} that you may see.`);
  // One that opens a case is of no case yet: its author and those who may approve it see it.
  if (draft === undefined || (draft.case_id === undefined && !mayOpen(actor, draft))) throw unseen;
  return { draft, attempt: { actor, action, target: targetOf(draft), unseen } };
}

function mayOpen({ person, roles, clearance }: Actor, draft: DraftRecord): boolean {
  return draft.author === person || roles.includes('APPROVER') || clearance === 'ALL';
}

function targetOf({ draft_id, case_id, message_id }: DraftRecord): Attempt['target'] {
  return { draft_id, case_id, message_id };
}

interface WhatAbout extends Pick<Attempt, 'named'> {
  readonly type: Draft['body']['type'];
  readonly known?: Uuid;
  readonly case_id?: Uuid;
  /** Why nothing is known of what it answers. */
  readonly missing?: RogatoryError;
}

/** What a draft of a message is about: its case, and the case that its author has to know, which for a child is the parent. */
async function readMessage(context: DeskContext, content: unknown, to: JurisdictionCode): Promise<WhatAbout> {
  const draft = await context.exchange.evidence.preview(content, to);
  const faults = contentFaults(draft.body, { from: context.code, to, issued_at: context.clock.nowMs() });
  if (faults.length > 0) throw faultsError(faults);
  const { value, type } = draft.body;
  if (draft.case_id !== undefined) {
    // The id of a case that this very message will open, as when one alert goes to several: nobody knows it yet.
    const isThere = (await context.exchange.cases(draft.case_id)).length > 0;
    return isThere ? { type, known: draft.case_id, case_id: draft.case_id } : { type };
  }
  const parent = 'parent_id' in value && value.parent_id !== undefined ? parseUuid(value.parent_id) : undefined;
  if (parent !== undefined) return { type, known: parent, case_id: parent };
  if (draft.in_reply_to === undefined) return { type };
  const named = `message ${draft.in_reply_to}`;
  try {
    const answered = (await context.exchange.message(draft.in_reply_to)).record.case_id;
    return answered === undefined ? { type } : { type, known: answered, case_id: answered, named };
  } catch (error) {
    if (error instanceof RogatoryError && error.code === 'EXCHANGE_UNKNOWN_MESSAGE')
      return { type, named, missing: error as RogatoryError };
    throw error;
  }
}

function readEvidence(content: Readonly<Record<string, unknown>>): WhatAbout {
  const { case_id: id, items } = content;
  if (typeof id !== 'string' || !isUuid(id)) throw new StaffError('STAFF_INVALID', 'A case is named by its UUID.');
  if (!Array.isArray(items) || items.length === 0 || !items.every((item) => typeof item === 'string'))
    throw new StaffError('STAFF_INVALID', '“items” must name at least one item of the case.');
  return { type: 'evidence_transfer', known: id, case_id: id };
}

/** Exhibits as they leave: their handing-over is signed into their chains of custody then, and not when it was proposed. */
function transferOf({ content, case_id }: DraftRecord): unknown {
  const { items, in_reply_to, transfer } = content as {
    readonly items: readonly string[];
    readonly in_reply_to?: unknown;
    readonly transfer?: object;
  };
  return {
    case_id,
    ...(in_reply_to === undefined ? {} : { in_reply_to }),
    evidence_transfer: { ...transfer, items: items.map((id) => ({ item_id: id })) },
  };
}
