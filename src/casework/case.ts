/**
 * A case is the fold over its steps in the order of one ledger: that of the requested party, whose decisions they are. Its own messages
 * stand there as SENT, the other's as RECEIVED, and both nodes learn both numbers: one travels with the message, the other comes back as
 * the receipt. So both fold the same steps in the same order once every message has its receipt, whatever crossed on the way.
 *
 * Until then the requesting side folds its own unanswered steps last, or before those of the other side that can only have come after.
 */
import { accept, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import type { Message } from '../wire/mod.ts';
import { takeStep } from './fold.ts';
import type { Folded, StepRefusal } from './folded.ts';
import { foldAll, interleave, type Take } from './interleaving.ts';
import type { Party } from './state.ts';
import { caseStepOf, type CaseStep } from './step.ts';
import { kindOpenedBy } from './transition.ts';

/** A case between two parties. */
export interface Case extends Folded {
  readonly case_id: Uuid;
  readonly requesting: JurisdictionCode;
  /** Its ledger gives the case its order. */
  readonly requested: JurisdictionCode;
  /** As folded: those that have a place in that ledger in its order, and among them, not before an own one, those that have none yet. */
  readonly steps: readonly CaseStep[];
}

/**
 * Takes a step of this node's own, before it leaves.
 * @param current undefined when this node has no such case with the recipient
 */
export function takeOwnStep(current: Case | undefined, message: Message): Verdict<Case, StepRefusal> {
  return append(current, message);
}

/**
 * Takes a peer's step.
 * @param index the sender's entry about the message; counts where the sender's ledger orders the case
 */
export function takePeerStep(current: Case | undefined, message: Message, index: number): Verdict<Case, StepRefusal> {
  if (current?.requested !== message.header.from) {
    return append(current, message, isOrderedBySender(current, message) ? index : undefined);
  }
  const step = caseStepOf(message, index);
  const take = takeIn(current);
  const last = current.steps.at(-1)?.index;
  if (last !== undefined && last < index) {
    const next = take(openedOf(current), step);
    if (next.ok) return accept(caseOf(next.value, current, [...current.steps, step]));
  }
  const steps = interleave(current.steps, step, take);
  return steps.ok ? accept(refolded(current, steps.value)!) : steps;
}

/** Gives a step its place, as soon as the entry about it in the ordering ledger is known. */
export function placeStep(current: Case, id: Uuid, index: number): Case {
  const step = current.steps.find(({ message_id }) => message_id === id);
  if (step === undefined || step.index !== undefined) return current;
  const isBefore = (each: CaseStep): boolean => each.index !== undefined && each.index < index;
  const others = without(current.steps, id);
  // Whatever has no place yet was sent later, and is later.
  const steps = [...others.filter(isBefore), { ...step, index }, ...others.filter((each) => !isBefore(each))];
  // Placed where it stood already, as nearly always: then nothing that was folded changes.
  if (steps.every(({ message_id }, at) => message_id === current.steps[at]!.message_id)) return { ...current, steps };
  return refolded(current, steps)!;
}

/**
 * Takes a step out that never happened at the other side.
 * @returns undefined when nothing of the case is left
 */
export function withdrawStep(current: Case, id: Uuid): Case | undefined {
  return refolded(current, without(current.steps, id));
}

/** The sides of a case by its codes. */
export function partyOf(current: Pick<Case, 'requesting'>, code: JurisdictionCode): Party {
  return code === current.requesting ? 'REQUESTING' : 'REQUESTED';
}

function append(current: Case | undefined, message: Message, index?: number): Verdict<Case, StepRefusal> {
  const { header } = message;
  const step = caseStepOf(message, index);
  const parties = current ?? partiesOf(message);
  const next = takeStep(openedOf(current), step, partyOf(parties, step.by));
  if (!next.ok) return next;
  const { requesting, requested } = parties;
  const of = { case_id: header.case_id, requesting, requested };
  return accept(caseOf(next.value, of, [...(current?.steps ?? []), step]));
}

// Member by member: to the engine every case is then of one shape.
function caseOf(
  folded: Folded,
  { case_id, requesting, requested }: Pick<Case, 'case_id' | 'requesting' | 'requested'>,
  steps: readonly CaseStep[],
): Case {
  return {
    kind: folded.kind,
    state: folded.state,
    measures: folded.measures,
    held: folded.held,
    rounds: folded.rounds,
    marks: folded.marks,
    parent_id: folded.parent_id,
    investigation_id: folded.investigation_id,
    instruments: folded.instruments,
    terms: folded.terms,
    until: folded.until,
    has_rules: folded.has_rules,
    obligations: folded.obligations,
    conditions: folded.conditions,
    consents: folded.consents,
    case_id,
    requesting,
    requested,
    steps,
  } satisfies { readonly [Member in keyof Required<Case>]: Case[Member] };
}

/** Folds again, in another order or with other steps. */
function refolded(current: Case, steps: readonly CaseStep[]): Case | undefined {
  if (steps.length === 0) return undefined;
  return caseOf(foldAll(undefined, steps, takeIn(current)) ?? unopened(current.kind), current, steps);
}

/** A case that nothing opens, as long as a step of it may still come to stand on what the other side has sent. */
function unopened(kind: Case['kind']): Folded {
  const none = { measures: {}, held: {}, obligations: [], conditions: [], marks: {}, instruments: [] };
  return { kind, state: 'UNOPENED', rounds: 0, ...none };
}

function openedOf(current: Case | undefined): Folded | undefined {
  return current?.state === 'UNOPENED' ? undefined : current;
}

function takeIn(parties: Pick<Case, 'requesting'>): Take {
  return (folded, step) => takeStep(folded, step, partyOf(parties, step.by));
}

// In a team all are equal: the lower code's ledger gives each pair its order, whoever wrote first.
function partiesOf({ header, body }: Message): Pick<Case, 'requesting' | 'requested'> {
  const { from, to } = header;
  if (kindOpenedBy(body.type) !== 'JOINT_TEAM' || from > to) return { requesting: from, requested: to };
  return { requesting: to, requested: from };
}

function isOrderedBySender(current: Case | undefined, message: Message): boolean {
  return (current ?? partiesOf(message)).requested === message.header.from;
}

function without(steps: readonly CaseStep[], id: Uuid): CaseStep[] {
  return steps.filter(({ message_id }) => message_id !== id);
}
