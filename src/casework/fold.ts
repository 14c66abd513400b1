/**
 * One step of a case's state machine: the same function at both nodes, of nothing but the case so far and what the message says.
 *
 * A step moves the measures it names, or every measure that it can; a case without measures moves as a whole. The state of a request is
 * then that of its measures, the one that waits for somebody first.
 */
import { accept, refuse, type Verdict } from '../base/mod.ts';
import type { BoundCondition, Consent, Folded, Held, StepRefusal } from './folded.ts';
import { GUARDS, failingGuard, type Situation } from './guard.ts';
import { obligationsAfter, settledBy, type Obligation } from './obligation.ts';
import { ownOf } from './own.ts';
import { otherParty, overallState, type CaseKind, type CaseState, type ObligationKind, type Party } from './state.ts';
import type { CaseStep } from './step.ts';
import type { GuardName, Transition } from './table/row.ts';
import { isAbout, kindOpenedBy, rowsFor } from './transition.ts';

/** What a step does beside moving measures. */
export interface Effects {
  readonly taken: readonly Transition[];
  /** The measures that it moved; the empty text stands for the case as a whole. */
  readonly units: readonly string[];
  readonly settled: Obligation | undefined;
  readonly step: CaseStep;
  readonly by: Party;
}

interface Move {
  readonly unit: string;
  readonly from: CaseState | undefined;
  readonly row: Transition;
}

// A party could ask for ever without hearing an answer, and the case would grow with each question. Originals are held as long as the
// proceeding takes, however many there are: each transfer of some has to be acknowledged, and so their number is the other side's doing too.
const MAX_OPEN_OF_A_KIND = 16;
const UNLIMITED: ReadonlySet<ObligationKind> = new Set<ObligationKind>(['RETURN_OF_ORIGINALS']);
const WHOLE = '';
// States that are left towards where they were entered from.
const INTERRUPTIONS: ReadonlySet<CaseState> = new Set<CaseState>([
  'CLARIFY',
  'LIFT_INTENDED',
  'CONFISCATION_REQUESTED',
]);
const SETS_TERM: ReadonlySet<string | undefined> = new Set([undefined, 'AGREED', 'GRANTED', 'RESTRAINED']);

/** @param by the side of the case that the sender is on */
export function takeStep(current: Folded | undefined, step: CaseStep, by: Party): Verdict<Folded, StepRefusal> {
  const kind = current?.kind ?? kindOpenedBy(step.type);
  if (kind === undefined) return refuse('CASE_UNKNOWN', `There is no such case for a ${step.type}.`);
  const isClosed = current?.state === 'CLOSED';
  const rows = rowsFor(kind, step.type, by).filter(({ from }) => !isClosed || from.includes('CLOSED'));
  if (rows.length === 0) return unable(rows, step, by, current?.state);
  const settled = current === undefined ? undefined : settledBy(current.obligations, rows, step, by);
  const moves = movesOf(current, step, by, rows, settled);
  if (!moves.ok) return moves;
  const taken = [...new Set(moves.value.map(({ row }) => row))];
  if (settled === undefined && taken.some((row) => row.settles !== undefined)) {
    return refuse('NOTHING_TO_ANSWER', `There is nothing for a ${step.type} to answer.`);
  }
  const next = moved(current, kind, step, moves.value, by);
  const effects: Effects = { taken, units: moves.value.map(({ unit }) => unit), settled, step, by };
  const obligations = obligationsAfter(next, current?.obligations ?? [], effects);
  const crowded = obligations.find(
    ({ kind: owed }) =>
      !UNLIMITED.has(owed) && obligations.filter((each) => each.kind === owed).length > MAX_OPEN_OF_A_KIND,
  );
  if (crowded !== undefined)
    return refuse('ILLEGAL_STEP', `${MAX_OPEN_OF_A_KIND} of ${crowded.kind} are open already.`);
  const consents = consentsAfter(current, effects);
  next.obligations = obligations;
  next.conditions = conditionsAfter(current, effects);
  next.consents = consents.length === 0 ? undefined : consents;
  return accept(next);
}

function movesOf(
  current: Folded | undefined,
  step: CaseStep,
  by: Party,
  rows: readonly Transition[],
  settled: Obligation | undefined,
): Verdict<readonly Move[], StepRefusal> {
  const units = unitsOf(current);
  // What opens a case names the measures that it will have, not ones that it has.
  const opens = current === undefined || current.state === 'PRECONSULT';
  const named = opens ? [] : step.measures;
  const concerned = named.length > 0 ? named.map(({ id }) => id) : (settled?.measures ?? Object.keys(units));
  const moves: Move[] = [];
  for (const unit of concerned) {
    if (!Object.hasOwn(units, unit)) return refuse('ILLEGAL_STEP', `The case has no measure ${unit}.`);
    const from = units[unit];
    const outcome = named.find(({ id }) => id === unit)?.outcome ?? step.outcome;
    const about = rows.filter((row) => isAbout(row, from, outcome));
    const situation: Situation = { current, step, by, due: ownOf(current?.held, unit)?.at(-1)?.due, settled };
    const row = about.find((candidate) => failingGuard(candidate, situation) === undefined);
    if (row !== undefined) moves.push({ unit, from, row });
    else if (about.length > 0)
      return guarded(
        about.map((candidate) => failingGuard(candidate, situation)!),
        step,
      );
    else if (named.length > 0) return unable(rows, step, by, from, unit, outcome);
  }
  if (moves.length === 0) return unable(rows, step, by, current?.state);
  const due = new Set(rows.flatMap((row) => (row.all === 'NAMED' ? row.from : [])));
  const wantsAll = moves.some(({ row }) => row.all === 'STATE');
  const forgotten = Object.entries(units).find(
    ([unit, state]) => (wantsAll || due.has(state!)) && !moves.some((move) => move.unit === unit),
  );
  if (forgotten === undefined) return accept(moves);
  return refuse('ILLEGAL_STEP', `The ${step.type} is not about measure ${forgotten[0]}, which is ${forgotten[1]}.`);
}

// With a place for what the step comes to beside its moves: a value that gets its members one by one, or out of another, takes the engine
// several times as long, and there is one for every message.
function moved(
  current: Folded | undefined,
  kind: CaseKind,
  step: CaseStep,
  moves: readonly Move[],
  by: Party,
): { -readonly [Member in keyof Required<Folded>]: Folded[Member] } {
  const units: Record<string, CaseState | undefined> = { ...unitsOf(current) };
  const held: Record<string, readonly Held[]> = { ...current?.held };
  for (const { unit, from, row } of moves) {
    const { to } = row;
    const before = ownOf(held, unit) ?? [];
    if (to === 'SAME' || to === 'CLOSED') continue;
    units[unit] = to === 'PRIOR' ? before.at(-1)!.state : to;
    // An asset whose case was opened by a request about it is known to be there.
    const back: Held = { state: from ?? 'LOCATED', due: step.said?.reply_by, round: step.said?.round };
    if (to === 'PRIOR') held[unit] = before.slice(0, -1);
    else held[unit] = INTERRUPTIONS.has(to) ? [...before, back] : [];
  }
  const { said } = step;
  const measures = measuresAfter(units, step);
  const states = Object.values(measures);
  // Measures keep the states that they ended in, and what is asked after the end does not open the case again.
  const isClosed = current?.state === 'CLOSED' || moves.some(({ row }) => row.to === 'CLOSED');
  return {
    kind,
    state: isClosed ? 'CLOSED' : states.length > 0 ? overallState(states) : units[WHOLE]!,
    measures,
    held: Object.fromEntries(Object.entries(held).filter(([, list]) => list.length > 0)),
    rounds: step.type === 'clarification_request' ? said!.round! : (current?.rounds ?? 0),
    marks: marksAfter(current, step, moves, by),
    parent_id: current?.parent_id ?? said?.parent_id,
    investigation_id: current?.investigation_id ?? said?.investigation_id,
    instruments: said?.instruments ?? current?.instruments ?? [],
    terms: current?.terms ?? said?.terms,
    until: kind !== 'REQUEST' && SETS_TERM.has(step.outcome) ? (said?.until ?? current?.until) : current?.until,
    has_rules: said?.has_rules ?? current?.has_rules,
    obligations: [],
    conditions: [],
    consents: undefined,
  };
}

// A case begins as a whole, and has measures once a request has named them.
function measuresAfter(
  units: Readonly<Record<string, CaseState | undefined>>,
  step: CaseStep,
): Record<string, CaseState> {
  if (units[WHOLE] === 'SENT') return Object.fromEntries(step.measures.map(({ id }) => [id, 'SENT']));
  return Object.fromEntries(Object.entries(units).filter(([unit]) => unit !== WHOLE)) as Record<string, CaseState>;
}

function marksAfter(current: Folded | undefined, step: CaseStep, moves: readonly Move[], by: Party): Folded['marks'] {
  const marks = current?.marks ?? {};
  const isMark = moves.some(({ row }) =>
    row.guards?.some((name) => name === 'FIRST_OF_TWO' || name === 'SECOND_OF_TWO'),
  );
  return isMark ? { ...marks, [step.type]: [...(marks[step.type] ?? []), by] } : marks;
}

// An answer accepts for its own side what was offered; anything else binds whoever receives it.
function conditionsAfter(
  current: Folded | undefined,
  { taken, settled, step, by }: Effects,
): readonly BoundCondition[] {
  const before = current?.conditions ?? [];
  if (!taken.some(({ binds }) => binds === true)) return before;
  const isAnswer = settled?.kind === 'CONDITIONS_RESPONSE' || settled?.kind === 'PREFLIGHT_ANSWER';
  const stated = isAnswer ? settled.conditions : step.said?.conditions;
  const message_id = isAnswer ? settled.message_id : step.message_id;
  const binds = isAnswer ? by : otherParty(by);
  return [...before, ...(stated ?? []).map(({ kind, until }) => ({ kind, until, binds, message_id }))];
}

// What was asked for is what is granted: the answer to a request repeats nothing of it, but in a team.
function consentsAfter(current: Folded | undefined, { settled, step, by }: Effects): readonly Consent[] {
  const before = current?.consents ?? [];
  const isGranted = step.outcome === 'GRANT' || step.outcome === 'GRANTED';
  if (settled?.kind !== 'USE_CONSENT' || !isGranted) return before;
  const { purpose, onward_to, items } = step.said?.purpose === undefined ? settled : step.said;
  if (purpose === undefined) return before;
  const until = step.said?.conditions?.find(({ kind }) => kind === 'EXPIRY')?.until;
  const about = step.said?.contribution_id;
  return [...before, { message_id: step.message_id, by, purpose, onward_to, items, about, at: step.issued_at, until }];
}

function unitsOf(current: Folded | undefined): Readonly<Record<string, CaseState | undefined>> {
  if (current === undefined) return { [WHOLE]: undefined };
  return Object.keys(current.measures).length > 0 ? current.measures : { [WHOLE]: current.state };
}

function guarded(failing: readonly GuardName[], step: CaseStep): { ok: false; reason: StepRefusal; detail: string } {
  const name = failing.find((each) => each !== 'FIRST_OF_TWO' && each !== 'SECOND_OF_TWO') ?? failing[0]!;
  return refuse(REASON_OF[name] ?? 'ILLEGAL_STEP', `The ${step.type} is possible only if ${GUARDS[name].asks}.`);
}

const REASON_OF: Readonly<Partial<Record<GuardName, StepRefusal>>> = {
  NOTHING_BLOCKS: 'OBLIGATIONS_OPEN',
  ITEMS_OUTSTANDING: 'NOTHING_TO_ANSWER',
};

function unable(
  rows: readonly Transition[],
  step: CaseStep,
  by: Party,
  state: CaseState | undefined,
  measure?: string,
  outcome = step.outcome,
): { ok: false; reason: StepRefusal; detail: string } {
  if (state === undefined) return refuse('CASE_UNKNOWN', `There is no such case for a ${step.type}.`);
  const what = measure === undefined ? 'the case' : `measure ${measure}`;
  const isUnconsulted = by === 'REQUESTED' && (state === 'RECEIVED' || state === 'ACCEPTED');
  if (isUnconsulted && rows.some((row) => isAbout(row, 'CONSULT', outcome) && row.to !== 'ACCEPTED')) {
    return refuse(
      'CONSULTATION_REQUIRED',
      `A ${step.type} of this kind needs a pre_refusal_consultation first (UNTOC art. 18(26)): ${what} is ${state}.`,
    );
  }
  return refuse(
    'ILLEGAL_STEP',
    `The ${by.toLowerCase()} party cannot send this ${step.type} while ${what} is ${state}.`,
  );
}
