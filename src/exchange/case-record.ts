/** A node's cases in its store: one for each counterpart, linked to their parents and to the investigation they belong to. */
import { accept, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import {
  CaseworkError,
  kindOpenedBy,
  placeStep,
  relatedTo,
  takeOwnStep,
  takePeerStep,
  verifyAdmission,
  withdrawStep,
  type Case,
  type CaseworkErrorCode,
  type Related,
  type StepRefusal,
} from '../casework/mod.ts';
import { placeInOrder } from '../ledger/mod.ts';
import type { Draft, Message } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { keys, type EntryRef, type MessageRecord } from './record.ts';

/** Case ids, of the children of one case. */
interface ChildrenRecord {
  readonly children: readonly Uuid[];
}

/**
 * Takes an own step, before the message leaves.
 * @param opensCase whether the case's id was made for this message
 * @throws {CaseworkError} CASE_UNKNOWN, CASE_ILLEGAL_STEP, and the more precise refusals
 */
export async function stepOwn(
  context: ExchangeContext,
  view: StepView,
  message: Message,
  opensCase = false,
): Promise<CaseChange> {
  const { header } = message;
  const before = opensCase ? undefined : await view.getRecord<Case>(keys.case(header.case_id, header.to));
  const step = takeOwnStep(before, message);
  if (!step.ok) throw new CaseworkError(CODE_OF[step.reason], step.detail);
  const admitted = await admit(context, view, before, message, true);
  if (!admitted.ok) throw new CaseworkError(CODE_OF[admitted.reason], admitted.detail);
  return { before, after: step.value, peer: header.to };
}

/** @param place of the sender's entry about the message, among those of all epochs of the sender's ledger */
export async function stepPeer(
  context: ExchangeContext,
  view: StepView,
  message: Message,
  place: number,
): Promise<Verdict<CaseChange, StepRefusal>> {
  const { header } = message;
  const before = await view.getRecord<Case>(keys.case(header.case_id, header.from));
  const step = takePeerStep(before, message, place);
  if (!step.ok) return step;
  const admitted = await admit(context, view, before, message, false);
  return admitted.ok ? accept({ before, after: step.value, peer: header.from }) : admitted;
}

/** Where an entry of this node's ledger that is made now stands, among those of all its epochs. */
export function ownPlace({ ledger }: Pick<ExchangeContext, 'ledger'>, { index }: EntryRef): number {
  return placeInOrder(ledger.epoch, index);
}

/** A case before and after one step. */
export interface CaseChange {
  readonly before: Case | undefined;
  readonly after: Case;
  readonly peer: JurisdictionCode;
}

/**
 * Writes a case that took a step.
 * @param placed where this node's entry about the message stands: where its ledger orders the case, the step's place
 */
export async function putStep(
  context: ExchangeContext,
  view: StepView,
  change: CaseChange,
  placed: { readonly message_id: Uuid; readonly place: number },
): Promise<void> {
  const { before, after, peer } = change;
  const orders = after.requested === context.code;
  view.putRecord(keys.case(after.case_id, peer), orders ? placeStep(after, placed.message_id, placed.place) : after);
  if (before === undefined || before.state === 'UNOPENED') await link(view, after, peer);
}

/**
 * Gives an own message its place in a case that the peer's ledger orders: its receipt says which.
 * @returns what the casework failed with, the case being left as it was; undefined when all went well
 */
export async function confirmStep(view: StepView, record: MessageRecord, place: number): Promise<unknown> {
  const current = await caseOfRecord(view, record);
  try {
    if (current?.requested === record.peer)
      view.putRecord(keys.case(current.case_id, record.peer), placeStep(current, record.message_id, place));
    return undefined;
  } catch (failure) {
    return failure;
  }
}

/**
 * Takes a message's step out of its case, because it never happened at the other side.
 * @returns what the casework failed with, the case being left as it was; undefined when all went well
 */
export async function takeBackStep(view: StepView, record: MessageRecord): Promise<unknown> {
  const current = await caseOfRecord(view, record);
  if (current === undefined) return undefined;
  try {
    const left = withdrawStep(current, record.message_id);
    if (left === undefined) view.delete(keys.case(current.case_id, record.peer));
    else view.putRecord(keys.case(current.case_id, record.peer), left);
    if (left === undefined || left.state === 'UNOPENED') await unlink(view, current, record.peer);
    return undefined;
  } catch (failure) {
    return failure;
  }
}

/**
 * The case that a draft belongs to; undefined where it opens one.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_CASE_REQUIRED
 */
export async function caseIdOf(view: StepView, draft: Draft, to: JurisdictionCode): Promise<Uuid | undefined> {
  if (draft.case_id !== undefined) return draft.case_id;
  const kind = kindOpenedBy(draft.body.type);
  const answered = await answeredCase(view, draft, to);
  const isChild = 'parent_id' in draft.body.value && draft.body.value.parent_id !== undefined;
  if (kind !== undefined && (isChild || answered?.kind !== kind)) return undefined;
  if (answered !== undefined) return answered.case_id;
  throw new ExchangeError(
    'EXCHANGE_CASE_REQUIRED',
    `A ${draft.body.type} belongs to a case: give case_id, or in_reply_to the message it answers.`,
  );
}

async function answeredCase(view: StepView, draft: Draft, to: JurisdictionCode): Promise<Case | undefined> {
  if (draft.in_reply_to === undefined) return undefined;
  const answered = await view.getRecord<MessageRecord>(keys.message(draft.in_reply_to));
  const found =
    answered?.case_id === undefined ? undefined : await view.getRecord<Case>(keys.case(answered.case_id, to));
  if (found !== undefined) return found;
  if (answered?.case_id !== undefined)
    throw new CaseworkError(
      'CASE_UNKNOWN',
      `in_reply_to: there is no case with ${to} that message ${draft.in_reply_to} is of.`,
    );
  throw new ExchangeError('EXCHANGE_UNKNOWN_MESSAGE', `in_reply_to: there is no message ${draft.in_reply_to} here.`);
}

async function admit(
  context: ExchangeContext,
  view: StepView,
  before: Case | undefined,
  message: Message,
  isOwn: boolean,
): Promise<Verdict<undefined, StepRefusal>> {
  const { header } = message;
  const peer = isOwn ? header.to : header.from;
  const about = relatedTo(message);
  const caseWith = (id: Uuid, code: JurisdictionCode): Promise<Case | undefined> =>
    view.getRecord<Case>(keys.case(id, code));
  const children = about.children ? await childrenOf(view, header.case_id, peer) : [];
  const related: Related = {
    parent: about.parent === undefined ? undefined : await caseWith(about.parent, peer),
    children: (await Promise.all(children.map((id) => caseWith(id, peer)))).filter((child) => child !== undefined),
    team: await Promise.all(isOwn ? about.team.map((code) => caseWith(header.case_id, code)) : []),
  };
  return verifyAdmission(before, message, related, context.refusalRules, isOwn);
}

async function caseOfRecord(view: StepView, record: MessageRecord): Promise<Case | undefined> {
  return record.case_id === undefined ? undefined : await view.getRecord<Case>(keys.case(record.case_id, record.peer));
}

async function childrenOf(view: StepView, parent: Uuid, peer: JurisdictionCode): Promise<readonly Uuid[]> {
  return (await view.getRecord<ChildrenRecord>(keys.children(parent, peer)))?.children ?? [];
}

async function link(
  view: StepView,
  { case_id, parent_id, investigation_id }: Case,
  peer: JurisdictionCode,
): Promise<void> {
  if (investigation_id !== undefined) view.putRecord(keys.investigation(investigation_id, case_id, peer), {});
  if (parent_id === undefined) return;
  const children = [...(await childrenOf(view, parent_id, peer)), case_id];
  view.putRecord(keys.children(parent_id, peer), { children } satisfies ChildrenRecord);
}

async function unlink(
  view: StepView,
  { case_id, parent_id, investigation_id }: Case,
  peer: JurisdictionCode,
): Promise<void> {
  if (investigation_id !== undefined) view.delete(keys.investigation(investigation_id, case_id, peer));
  if (parent_id === undefined) return;
  const children = (await childrenOf(view, parent_id, peer)).filter((id) => id !== case_id);
  view.putRecord(keys.children(parent_id, peer), { children } satisfies ChildrenRecord);
}

const CODE_OF: Readonly<Record<StepRefusal, CaseworkErrorCode>> = {
  ILLEGAL_STEP: 'CASE_ILLEGAL_STEP',
  CASE_UNKNOWN: 'CASE_UNKNOWN',
  CONSULTATION_REQUIRED: 'CASE_CONSULTATION_REQUIRED',
  GROUND_BARRED: 'CASE_GROUND_BARRED',
  NOTHING_TO_ANSWER: 'CASE_NOTHING_TO_ANSWER',
  OBLIGATIONS_OPEN: 'CASE_OBLIGATIONS_OPEN',
  PARENT_UNKNOWN: 'CASE_PARENT_UNKNOWN',
};
