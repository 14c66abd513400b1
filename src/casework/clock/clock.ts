import type { JurisdictionCode, Uuid } from '../../base/mod.ts';
import type { BodyType, MeasureType, Urgency } from '../../wire/mod.ts';
import type { Registry } from '../registry/registry.ts';
import { isOccasion, speakingInstruments, type RequestFacts } from '../registry/rules.ts';
import type { ClockRule, Instrument } from '../registry/schema.ts';
import type { States } from '../registry/state.ts';
import { endOfDate, endOfSpan } from './calendar.ts';

/** What clocks need to know of one message. */
export interface TimedStep {
  readonly message_id: Uuid;
  readonly by: JurisdictionCode;
  readonly type: BodyType;
  /** Unix milliseconds, as signed. */
  readonly issued_at: number;
  readonly outcome?: string | undefined;
  readonly said?: TimedStatement | undefined;
}

/** Particulars of a message that start or set a clock. */
export interface TimedStatement {
  readonly instruments?: readonly string[] | undefined;
  readonly types?: readonly MeasureType[] | undefined;
  readonly offences?: readonly string[] | undefined;
  readonly urgency?: Urgency | undefined;
  /** The day by which the requesting state needs it. */
  readonly deadline?: string | undefined;
}

/** A case as clocks see it. */
export interface TimedCase {
  readonly case_id: Uuid;
  readonly requesting: JurisdictionCode;
  readonly requested: JurisdictionCode;
  readonly steps: readonly TimedStep[];
}

/** How a clock stands: CLOSED_LATE is one that was stopped after it was due. */
export type ClockState = 'RUNNING' | 'PAUSED' | 'OVERDUE' | 'ESCALATED' | 'STOPPED' | 'STOPPED_LATE';

/** One clock of a case on a day. */
export interface CaseClock {
  readonly case_id: Uuid;
  readonly name: ClockRule['name'] | 'REQUESTED_DATE';
  /** Who has to act. */
  readonly duty_of: JurisdictionCode;
  readonly instrument: string;
  readonly article: string;
  readonly source: string;
  readonly confirmed: boolean;
  /** Unix milliseconds, as all times. */
  readonly started_at: number;
  readonly due_at: number;
  readonly escalates_at?: number;
  readonly stopped_at?: number;
  readonly state: ClockState;
  /** The message that started it. */
  readonly started_by: Uuid;
}

/**
 * Every clock of a case as it stands at a moment, by the signed messages up to then and nothing else: the same at both nodes.
 * UNTOC sets no clock (“as soon as possible”): then only the date that the requesting state asked for, with its reason, is one.
 */
export function clocksOf(matter: TimedCase, registry: Registry, states: States, atMs: number): CaseClock[] {
  const steps = matter.steps.filter(({ issued_at: at }) => at <= atMs);
  const opening = steps.find(({ said }) => said?.instruments !== undefined);
  if (opening === undefined) return [];
  const { requesting, requested } = matter;
  const date = new Date(opening.issued_at).toISOString().slice(0, 10);
  const instruments = speakingInstruments(registry, opening.said?.instruments ?? [], {
    from: requesting,
    to: requested,
    date,
  });
  const facts = factsOf(opening);
  const clocks = instruments.flatMap((instrument) =>
    instrument.clocks
      .filter(({ when, states: bound }) => isOccasion(when, facts) && bound?.includes(requested) !== false)
      .flatMap((rule) => runClock(matter, steps, instrument, rule, states, atMs)),
  );
  const wanted = requestedDate(matter, steps, opening, states, atMs);
  return wanted === undefined ? clocks : [...clocks, wanted];
}

function factsOf({ said }: TimedStep): RequestFacts {
  return { measures: said?.types ?? [], offences: said?.offences ?? [], urgency: said?.urgency ?? 'ROUTINE' };
}

// A clock starts at the first message that starts it, and again at each one after it was stopped.
function runClock(
  matter: TimedCase,
  steps: readonly TimedStep[],
  instrument: Instrument,
  rule: ClockRule,
  states: States,
  atMs: number,
): CaseClock[] {
  const clocks: CaseClock[] = [];
  const calendar = states.get(rule.counted_in === 'REQUESTED' ? matter.requested : matter.requesting);
  let start: TimedStep | undefined;
  let due = 0;
  let pausedAt: number | undefined;
  const finish = (stoppedAt: number | undefined): void => {
    if (start === undefined) return;
    const escalates = rule.escalates_after === undefined ? undefined : endOfSpan(due, rule.escalates_after, calendar);
    clocks.push({
      case_id: matter.case_id,
      name: rule.name,
      duty_of: rule.by === 'REQUESTED' ? matter.requested : matter.requesting,
      instrument: instrument.instrument_id,
      article: rule.article,
      source: rule.source,
      confirmed: rule.confirmed,
      started_at: start.issued_at,
      due_at: due,
      ...(escalates === undefined ? {} : { escalates_at: escalates }),
      ...(stoppedAt === undefined ? {} : { stopped_at: stoppedAt }),
      state: stateOf(due, escalates, stoppedAt, pausedAt, atMs),
      started_by: start.message_id,
    });
    start = undefined;
  };
  for (const step of steps) {
    if (start === undefined) {
      if (!isOneOf(step, rule.starts_at)) continue;
      start = step;
      due = endOfSpan(step.issued_at, rule.duration, calendar);
      pausedAt = undefined;
    } else if (isOneOf(step, rule.stops_at) || ENDS.has(step.type)) {
      finish(step.issued_at);
    } else if (isOneOf(step, rule.pauses_on)) {
      pausedAt ??= step.issued_at;
    } else if (pausedAt !== undefined && isOneOf(step, rule.resumes_on)) {
      due += step.issued_at - pausedAt;
      pausedAt = undefined;
    } else if (rule.extension !== undefined && isOneOf(step, rule.extends_on ?? [])) {
      due = endOfSpan(due, rule.extension, calendar);
    }
  }
  finish(undefined);
  return clocks;
}

// Whatever a clock waits for, these leave nothing to wait for.
const ENDS: ReadonlySet<BodyType> = new Set<BodyType>(['withdrawal', 'return_unprocessed', 'close_case']);

/** The requesting state's own date: no instrument's clock, and due at the end of that day where the work is done. */
function requestedDate(
  matter: TimedCase,
  steps: readonly TimedStep[],
  opening: TimedStep,
  states: States,
  atMs: number,
): CaseClock | undefined {
  const day = opening.said?.deadline;
  if (day === undefined) return undefined;
  const due = endOfDate(day, states.get(matter.requested));
  const stopped = steps.find(({ type }) => type === 'execution_report' || ENDS.has(type))?.issued_at;
  return {
    case_id: matter.case_id,
    name: 'REQUESTED_DATE',
    duty_of: matter.requested,
    instrument: '',
    article: '',
    source: 'deadline of the request',
    confirmed: true,
    started_at: opening.issued_at,
    due_at: due,
    ...(stopped === undefined ? {} : { stopped_at: stopped }),
    state: stateOf(due, undefined, stopped, undefined, atMs),
    started_by: opening.message_id,
  };
}

function stateOf(
  due: number,
  escalates: number | undefined,
  stoppedAt: number | undefined,
  pausedAt: number | undefined,
  atMs: number,
): ClockState {
  if (stoppedAt !== undefined) return stoppedAt > due ? 'STOPPED_LATE' : 'STOPPED';
  if (pausedAt !== undefined && pausedAt <= due) return 'PAUSED';
  if (escalates !== undefined && atMs > escalates) return 'ESCALATED';
  return atMs > due ? 'OVERDUE' : 'RUNNING';
}

function isOneOf({ type, outcome }: TimedStep, events: readonly string[]): boolean {
  return events.some((event) => event === type || (outcome !== undefined && event === `${type}:${outcome}`));
}
