import type { Registry } from '../registry/registry.ts';
import { isOccasion, speakingInstruments, type RequestFacts } from '../registry/rules.ts';
import type { ClockRule, Instrument } from '../registry/schema.ts';
import type { States } from '../registry/state.ts';
import { endOfSpan } from './calendar.ts';
import {
  endsOf,
  openingOf,
  stateOf,
  withTime,
  type CaseClock,
  type ClockEvent,
  type TimedCase,
  type TimedStep,
} from './clock-state.ts';
import { requestedDates, returnDates } from './named-day.ts';

/** The clocks of a case at a moment in Unix milliseconds, as the treaty registry has them. */
export type ClockRules = (matter: TimedCase, atMs: number) => CaseClock[];

/** Without a registry there are no clocks. */
export const NO_CLOCK_RULES: ClockRules = () => [];

/**
 * Every clock of a case as it stands at a moment, by the signed messages up to then and nothing else: the same at both nodes.
 * UNTOC sets no clock (“as soon as possible”): then only the date that the requesting state asked for, with its reason, is one. So is
 * the day by which originals have to be returned.
 */
export function clocksOf(matter: TimedCase, registry: Registry, states: States, atMs: number): CaseClock[] {
  const steps = matter.steps.filter(({ issued_at: at }) => at <= atMs);
  const opening = openingOf(steps);
  if (opening === undefined) return [];
  const { requesting, requested } = matter;
  const ends = endsOf(steps);
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
      .flatMap((rule) => runClock(matter, steps, ends, instrument, rule, states, atMs)),
  );
  return [...clocks, ...requestedDates(matter, steps, ends, states, atMs), ...returnDates(matter, steps, states, atMs)];
}

function factsOf({ said }: TimedStep): RequestFacts {
  return { measures: said?.types ?? [], offences: said?.offences ?? [], urgency: said?.urgency ?? 'ROUTINE' };
}

// A clock starts at the first message that starts it, and again at each one after it was stopped.
function runClock(
  matter: TimedCase,
  steps: readonly TimedStep[],
  ends: ReadonlySet<TimedStep>,
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
  let isExtended = false;
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
      isExtended = false;
      note('STARTED', step);
    } else if (isOneOf(step, rule.stops_at) || ends.has(step)) {
      note('STOPPED', step);
      finish(step.issued_at);
    } else if (isOneOf(step, rule.pauses_on)) {
      if (pausedAt === undefined) note('PAUSED', step);
      pausedAt ??= step.issued_at;
    } else if (pausedAt !== undefined && isOneOf(step, rule.resumes_on)) {
      // Both times are what either side signed: an answer that states an earlier one than its question takes nothing away, and a clock that
      // has run out stands still no more.
      if (pausedAt <= due) due += Math.max(0, step.issued_at - pausedAt);
      pausedAt = undefined;
      note('RESUMED', step);
    } else if (rule.extension !== undefined && !isExtended && isOneOf(step, rule.extends_on ?? [])) {
      // The text allows the longer time once, however often a delay is announced.
      isExtended = true;
      due = endOfSpan(due, rule.extension, calendar);
      note('EXTENDED', step);
    }
  }
  finish(undefined);
  return clocks;
}

// A supplementary request is a request: instruments speak of both in one word.
function isOneOf({ type, outcome }: TimedStep, events: readonly string[]): boolean {
  const name = type === 'supplementary_request' ? 'assistance_request' : type;
  return events.some((event) => event === name || (outcome !== undefined && event === `${name}:${outcome}`));
}
