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

/** The clocks of a case at a moment in Unix milliseconds, as the treaty registry has them. */
export type ClockRules = (matter: TimedCase, atMs: number) => CaseClock[];

/** Without a registry there are no clocks. */
export const NO_CLOCK_RULES: ClockRules = () => [];

/** How a clock stands: CLOSED_LATE is one that was stopped after it was due. */
export type ClockState = 'RUNNING' | 'PAUSED' | 'OVERDUE' | 'ESCALATED' | 'STOPPED' | 'STOPPED_LATE';

/** Something that happened to a clock: by a message, or because time went by. */
export interface ClockEvent {
  readonly kind: 'STARTED' | 'PAUSED' | 'RESUMED' | 'EXTENDED' | 'STOPPED' | 'OVERDUE' | 'ESCALATED';
  /** Unix milliseconds. */
  readonly at: number;
  /** The message that did it. */
  readonly message_id?: Uuid;
}

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
  /** In the order of their times. */
  readonly events: readonly ClockEvent[];
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
  let events: ClockEvent[] = [];
  const note = (kind: ClockEvent['kind'], { issued_at: at, message_id }: TimedStep): void => {
    events.push({ kind, at, message_id });
  };
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
      events: withTime(events, due, escalates, stoppedAt ?? atMs, pausedAt),
    });
    start = undefined;
    events = [];
  };
  for (const step of steps) {
    if (start === undefined) {
      if (!isOneOf(step, rule.starts_at)) continue;
      start = step;
      due = endOfSpan(step.issued_at, rule.duration, calendar);
      pausedAt = undefined;
      note('STARTED', step);
    } else if (isOneOf(step, rule.stops_at) || ENDS.has(step.type)) {
      note('STOPPED', step);
      finish(step.issued_at);
    } else if (isOneOf(step, rule.pauses_on)) {
      if (pausedAt === undefined) note('PAUSED', step);
      pausedAt ??= step.issued_at;
    } else if (pausedAt !== undefined && isOneOf(step, rule.resumes_on)) {
      due += step.issued_at - pausedAt;
      pausedAt = undefined;
      note('RESUMED', step);
    } else if (rule.extension !== undefined && isOneOf(step, rule.extends_on ?? [])) {
      due = endOfSpan(due, rule.extension, calendar);
      note('EXTENDED', step);
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
  const stop = steps.find(({ type }) => type === 'execution_report' || ENDS.has(type));
  const stopped = stop?.issued_at;
  const events: ClockEvent[] = [
    { kind: 'STARTED', at: opening.issued_at, message_id: opening.message_id },
    ...(stop === undefined ? [] : [{ kind: 'STOPPED' as const, at: stop.issued_at, message_id: stop.message_id }]),
  ];
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
    events: withTime(events, due, undefined, stopped ?? atMs, undefined),
  };
}

/** What messages did, and what time has done up to a moment. */
function withTime(
  events: readonly ClockEvent[],
  due: number,
  escalates: number | undefined,
  untilMs: number,
  pausedAt: number | undefined,
): readonly ClockEvent[] {
  if (pausedAt !== undefined && pausedAt <= due) return events;
  const passed = [
    ...(untilMs > due ? [{ kind: 'OVERDUE' as const, at: due }] : []),
    ...(escalates !== undefined && untilMs > escalates ? [{ kind: 'ESCALATED' as const, at: escalates }] : []),
  ];
  return [...events, ...passed].sort((a, b) => a.at - b.at);
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

// A supplementary request is a request: instruments speak of both in one word.
function isOneOf({ type, outcome }: TimedStep, events: readonly string[]): boolean {
  const name = type === 'supplementary_request' ? 'assistance_request' : type;
  return events.some((event) => event === name || (outcome !== undefined && event === `${name}:${outcome}`));
}
