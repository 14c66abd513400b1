import { accept, refuse, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import type { Body, BodyType, Message } from '../wire/mod.ts';
import { transitionOf, type CaseState, type Party } from './transition.ts';

/** What the state machine needs to know of one message: kept in the case, so that a case can be folded again. */
export interface CaseStep {
  readonly message_id: Uuid;
  readonly by: JurisdictionCode;
  readonly type: BodyType;
  readonly outcome?: string | undefined;
  /** For each measure that the message speaks of: its id and the outcome stated for it; none in a request. */
  readonly measures: readonly { readonly id: string; readonly outcome?: string | undefined }[];
}

/** A case: the fold over its steps. */
export interface Case {
  readonly case_id: Uuid;
  readonly requesting: JurisdictionCode;
  readonly requested: JurisdictionCode;
  readonly state: CaseState;
  /** The state of each measure, by its id. */
  readonly measures: Readonly<Record<string, CaseState>>;
  readonly steps: readonly CaseStep[];
}

/** Why a step cannot be taken. */
export type StepRefusal = 'ILLEGAL_STEP' | 'CASE_UNKNOWN';

/** What the state machine needs of a message. */
export function caseStepOf(message: Message): CaseStep {
  const { header, body } = message;
  return { message_id: header.message_id, by: header.from, type: body.type, ...statementOf(body) };
}

/**
 * Takes one step: the same function at the sender before the message leaves and at the receiver before it is applied.
 * @param current undefined when this node has no such case
 */
export function applyStep(current: Case | undefined, message: Message): Verdict<Case, StepRefusal> {
  const { header } = message;
  const step = caseStepOf(message);
  if (current === undefined) {
    const opening = transitionOf(undefined, step.type, 'REQUESTING', step.outcome);
    if (opening === undefined) return refuse('CASE_UNKNOWN', `There is no case ${header.case_id} for a ${step.type}.`);
    return accept({
      case_id: header.case_id,
      requesting: header.from,
      requested: header.to,
      state: opening.to,
      measures: Object.fromEntries(step.measures.map(({ id }) => [id, opening.to])),
      steps: [step],
    });
  }
  const parties = [current.requesting, current.requested];
  if (!parties.includes(header.from) || !parties.includes(header.to)) {
    return refuse('CASE_UNKNOWN', `Case ${header.case_id} is not between ${header.from} and ${header.to}.`);
  }
  return nextState(current, step);
}

/**
 * Folds a case again without some of its messages: those that the other side refused never happened.
 * @returns undefined when nothing of the case is left
 */
export function refold(current: Case, without: ReadonlySet<Uuid>): Case | undefined {
  const [first, ...rest] = current.steps;
  if (first === undefined || without.has(first.message_id)) return undefined;
  let folded: Case = {
    ...current,
    state: 'SENT',
    measures: Object.fromEntries(first.measures.map(({ id }) => [id, 'SENT' as const])),
    steps: [first],
  };
  for (const step of rest) {
    if (without.has(step.message_id)) continue;
    const next = nextState(folded, step);
    // A later step that stood on the refused one is refused by the other side too: it falls with it.
    if (next.ok) folded = next.value;
  }
  return folded;
}

function nextState(current: Case, step: CaseStep): Verdict<Case, StepRefusal> {
  const by: Party = step.by === current.requesting ? 'REQUESTING' : 'REQUESTED';
  const row = transitionOf(current.state, step.type, by, step.outcome);
  if (row === undefined) {
    return refuse(
      'ILLEGAL_STEP',
      `The ${by.toLowerCase()} party cannot send a ${step.type} while the case is ${current.state}.`,
    );
  }
  const measures: Record<string, CaseState> = { ...current.measures };
  if (step.measures.length === 0) for (const id of Object.keys(measures)) measures[id] = row.to;
  for (const { id, outcome } of step.measures) {
    const state = Object.hasOwn(measures, id) ? measures[id] : undefined;
    if (state === undefined) return refuse('ILLEGAL_STEP', `The case has no measure ${id}.`);
    const measureRow = transitionOf(state, step.type, by, outcome);
    if (measureRow === undefined)
      return refuse('ILLEGAL_STEP', `Measure ${id} is ${state}: no ${step.type} can follow.`);
    measures[id] = measureRow.to;
  }
  const forgotten = Object.entries(measures).find(
    ([id, state]) => state === current.measures[id] && state === current.state,
  );
  if (forgotten !== undefined)
    return refuse('ILLEGAL_STEP', `The ${step.type} says nothing of measure ${forgotten[0]}.`);
  return accept({ ...current, state: row.to, measures, steps: [...current.steps, step] });
}

function statementOf({ type, value }: Body): Pick<CaseStep, 'outcome' | 'measures'> {
  if (type === 'assistance_request') return { measures: value.measures.map(({ id }) => ({ id })) };
  if (type !== 'review_decision' && type !== 'execution_report') return { measures: [] };
  return {
    outcome: value.outcome,
    measures: value.measures.map(({ measure_id, outcome }) => ({ id: measure_id, outcome })),
  };
}
