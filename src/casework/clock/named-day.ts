/** Days that a message itself names: no instrument's clocks, and due at the end of the day where the work is done. */
import type { States } from '../registry/state.ts';
import type { JurisdictionCode } from '../../base/mod.ts';
import { ownOf } from '../own.ts';
import { endOfDate } from './calendar.ts';
import {
  doneAt,
  openingOf,
  stateOf,
  withTime,
  type CaseClock,
  type ClockEvent,
  type TimedCase,
  type TimedStep,
} from './clock-state.ts';

interface NamedDay {
  readonly name: CaseClock['name'];
  readonly day: string;
  readonly duty_of: JurisdictionCode;
  readonly source: string;
  readonly start: TimedStep;
  readonly stop: TimedStep | undefined;
}

/** The requesting state's own date. */
export function requestedDates(
  matter: TimedCase,
  steps: readonly TimedStep[],
  ends: ReadonlySet<TimedStep>,
  states: States,
  atMs: number,
): CaseClock[] {
  const opening = openingOf(steps);
  const day = opening?.said?.deadline;
  if (opening === undefined || day === undefined) return [];
  const done = doneAt(steps);
  const stop = steps.find((step) => step === done || ends.has(step));
  const named = { day, start: opening, stop, duty_of: matter.requested, source: 'deadline of the request' };
  return [clockOf(matter, { name: 'REQUESTED_DATE', ...named }, states, atMs)];
}

/** Days by which originals have to be back: one clock for each day that a transfer names. 1959 Convention art. 6(2). */
export function returnDates(matter: TimedCase, steps: readonly TimedStep[], states: States, atMs: number): CaseClock[] {
  return steps.flatMap((start, index) => {
    const { originals = [], originals_due: own, return_by: common } = start.said ?? {};
    const after = steps.slice(index + 1);
    const days = new Set(originals.flatMap((item) => ownOf(own, item) ?? common ?? []));
    return [...days].sort().map((day) => {
      const left = new Set(originals.filter((item) => (ownOf(own, item) ?? common) === day));
      const stop = after.find((step) => {
        if (step.type !== 'return_of_originals' && step.type !== 'return_waiver') return false;
        for (const item of step.said?.items ?? []) left.delete(item);
        return left.size === 0;
      });
      const source = 'day named by the transfer';
      const named = { name: 'RETURN_OF_ORIGINALS' as const, day, start, stop, duty_of: matter.requesting, source };
      return clockOf(matter, named, states, atMs);
    });
  });
}

function clockOf(matter: TimedCase, { start, stop, day, ...named }: NamedDay, states: States, atMs: number): CaseClock {
  const due = endOfDate(day, states.get(named.duty_of));
  const stopped = stop?.issued_at;
  const events: ClockEvent[] = [
    { kind: 'STARTED', at: start.issued_at, message_id: start.message_id },
    ...(stop === undefined ? [] : [{ kind: 'STOPPED' as const, at: stop.issued_at, message_id: stop.message_id }]),
  ];
  return {
    case_id: matter.case_id,
    ...named,
    instrument: '',
    article: '',
    confirmed: true,
    started_at: start.issued_at,
    due_at: due,
    ...(stopped === undefined ? {} : { stopped_at: stopped }),
    state: stateOf(due, undefined, stopped, undefined, atMs),
    started_by: start.message_id,
    events: withTime(events, due, undefined, stopped ?? atMs, undefined),
  };
}
