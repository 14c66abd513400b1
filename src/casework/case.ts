/**
 * A case is the fold over its steps in the order of one ledger: that of the requested party, whose decisions they are. Its own messages
 * stand there as SENT, the other's as RECEIVED, and both nodes learn both numbers: one travels with the message, the other comes back as
 * the receipt. So both fold the same steps in the same order once every message has its receipt, whatever crossed on the way.
 *
 * Until then the requesting side folds its own unanswered steps last, where they will stand if nothing comes between.
 */
import { accept, refuse, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import type { Message } from '../wire/mod.ts';
import { takeStep, type Folded, type StepRefusal } from './fold.ts';
import type { Party } from './state.ts';
import { caseStepOf, type CaseStep } from './step.ts';
import { kindOpenedBy } from './transition.ts';

/** A case between two parties. */
export interface Case extends Folded {
  readonly case_id: Uuid;
  readonly requesting: JurisdictionCode;
  /** Its ledger gives the case its order. */
  readonly requested: JurisdictionCode;
  /** In the order of that ledger, then those that have no place in it yet. */
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
  const last = current.steps.at(-1);
  if (last?.index === undefined ? current.steps.length === 0 : last.index < index)
    return append(current, message, index);
  return insert(current, { ...caseStepOf(message), index });
}

/** Gives a step its place, as soon as the entry about it in the ordering ledger is known. */
export function placeStep(current: Case, id: Uuid, index: number): Case {
  const step = current.steps.find(({ message_id }) => message_id === id);
  if (step === undefined || step.index !== undefined) return current;
  const placed = { ...step, index };
  const isNext = current.steps.find((each) => each.index === undefined) === step;
  const steps = insertInOrder(without(current.steps, id), placed);
  // Placed where it stood already, as nearly always: then nothing that was folded changes.
  if (isNext && steps.findIndex((each) => each === placed) === current.steps.indexOf(step))
    return { ...current, steps };
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
  const step: CaseStep = { ...caseStepOf(message), index };
  const parties = current ?? partiesOf(message);
  const next = takeStep(current, step, partyOf(parties, step.by));
  if (!next.ok) return next;
  const { requesting, requested } = parties;
  return accept({
    ...next.value,
    case_id: header.case_id,
    requesting,
    requested,
    steps: [...(current?.steps ?? []), step],
  });
}

/**
 * The requested side has taken any number of the unanswered steps before it sent this one, in their order: it is legal if it is legal
 * after some of them. Which, the receipts will tell.
 */
function insert(current: Case, step: CaseStep): Verdict<Case, StepRefusal> {
  const placed = current.steps.filter(({ index }) => index !== undefined);
  const before = placed.filter(({ index }) => index! < step.index!);
  // An own step with a later place proves that the unanswered ones, sent after it, are later still.
  const pending = before.length === placed.length ? current.steps.filter(({ index }) => index === undefined) : [];
  let folded = foldSteps(current, before);
  let verdict = takeStep(folded, step, partyOf(current, step.by));
  for (const own of pending) {
    if (verdict.ok) break;
    const next = takeStep(folded, own, partyOf(current, own.by));
    if (!next.ok) continue;
    folded = next.value;
    verdict = takeStep(folded, step, partyOf(current, step.by));
  }
  if (!verdict.ok) return verdict;
  const next = refolded(current, insertInOrder(current.steps, step));
  return next === undefined ? refuse('CASE_UNKNOWN', 'Nothing of the case is left.') : accept(next);
}

function refolded(current: Case, steps: readonly CaseStep[]): Case | undefined {
  const folded = foldSteps(current, steps);
  const { case_id, requesting, requested } = current;
  return folded === undefined ? undefined : { ...folded, case_id, requesting, requested, steps };
}

// A step that stood on one that is gone is passed over, at both nodes.
function foldSteps(parties: Pick<Case, 'requesting'>, steps: readonly CaseStep[]): Folded | undefined {
  let folded: Folded | undefined;
  for (const step of steps) {
    const next = takeStep(folded, step, partyOf(parties, step.by));
    if (next.ok) folded = next.value;
  }
  return folded;
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

function insertInOrder(steps: readonly CaseStep[], step: CaseStep): CaseStep[] {
  const at = steps.findIndex(({ index }) => index === undefined || index > step.index!);
  return at < 0 ? [...steps, step] : [...steps.slice(0, at), step, ...steps.slice(at)];
}

function without(steps: readonly CaseStep[], id: Uuid): CaseStep[] {
  return steps.filter(({ message_id }) => message_id !== id);
}
