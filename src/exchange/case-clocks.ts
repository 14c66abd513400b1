/** The clocks of this node's cases, and a record of every duty that time has passed by while nobody acted. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import {
  Tally,
  type Case,
  type CaseClock,
  type ClockEvent,
  type Statistics,
  type StatisticsScope,
} from '../casework/mod.ts';
import type { ExchangeContext } from './context.ts';
import { decodeRecord, keys } from './record.ts';
import { listRetention, retentionClocks } from './retention.ts';

/** A clock of a case, and with whom the case is. */
export interface ClockView extends CaseClock {
  readonly peer: JurisdictionCode;
}

/** A due date that passed, as this node noticed it. */
export interface NotedClockEvent {
  readonly case_id: Uuid;
  readonly peer: JurisdictionCode;
  readonly duty_of: JurisdictionCode;
  readonly clock: CaseClock['name'];
  readonly instrument: string;
  readonly article: string;
  readonly kind: Extract<ClockEvent['kind'], 'OVERDUE' | 'ESCALATED'>;
  /** Unix milliseconds at which it was due, or had to be escalated. */
  readonly at: number;
  /** Unix milliseconds of this node's clock. */
  readonly noted_at: number;
  readonly started_by: Uuid;
}

type Stored = Pick<ExchangeContext, 'store' | 'clockRules' | 'code'>;

/** Every clock as it stands at a moment, the earliest due first. */
export async function listClocks(context: Stored, atMs: number, id?: Uuid): Promise<ClockView[]> {
  const clocks: ClockView[] = [];
  for await (const [key, bytes] of context.store.scan(id === undefined ? keys.cases : keys.casesOf(id))) {
    const peer = peerOf(key);
    for (const clock of context.clockRules(decodeRecord<Case>(bytes), atMs)) clocks.push({ ...clock, peer });
  }
  for (const view of await listRetention(context, atMs)) {
    if (id !== undefined && view.case_id !== id) continue;
    for (const clock of retentionClocks(view, context.code, atMs)) clocks.push({ ...clock, peer: view.peer });
  }
  return clocks.sort((a, b) => a.due_at - b.due_at);
}

/** Which cases are counted; of those alone that are known to whoever asks, where that is said. */
type CountedScope = Omit<StatisticsScope, 'code' | 'isOverdue'> & {
  readonly isKnown?: ((caseId: Uuid) => Promise<boolean>) | undefined;
};

/** Counts the cases of this node, one after another. */
export async function countCases(context: Stored, { isKnown, ...scope }: CountedScope): Promise<Statistics> {
  const isOverdue = (found: Case): boolean =>
    context.clockRules(found, scope.at).some(({ state }) => state === 'OVERDUE' || state === 'ESCALATED');
  const tally = new Tally({ ...scope, code: context.code, isOverdue });
  for await (const [, bytes] of context.store.scan(keys.cases)) {
    const found = decodeRecord<Case>(bytes);
    if ((await isKnown?.(found.case_id)) !== false) tally.add(found);
  }
  return tally.result();
}

/** What this node has noticed, in the order of the cases. */
export async function listClockEvents(context: Pick<ExchangeContext, 'store'>, id?: Uuid): Promise<NotedClockEvent[]> {
  const events: NotedClockEvent[] = [];
  const prefix = id === undefined ? keys.clockEvents : keys.clockEventsOf(id);
  for await (const [, bytes] of context.store.scan(prefix)) events.push(decodeRecord<NotedClockEvent>(bytes));
  return events;
}

/**
 * Records every duty that has become overdue, or has to be escalated, since the last look.
 * @param isStopping asked before every case: a node that stops does not wait for the rest
 */
export async function noteClocks(context: ExchangeContext, isStopping: () => boolean): Promise<void> {
  const now = context.clock.nowMs();
  const fresh: [string, NotedClockEvent][] = [];
  for await (const [key, bytes] of context.store.scan(keys.cases)) {
    if (isStopping()) return;
    const found = decodeRecord<Case>(bytes);
    if (found.state === 'CLOSED') continue;
    const peer = peerOf(key);
    for (const event of passedIn(context, found, peer, now)) {
      const noted = keys.clockEvent(event);
      if ((await context.store.get(noted)) === undefined) fresh.push([noted, event]);
    }
  }
  // Retention goes on when the case is closed.
  for (const view of await listRetention(context, now)) {
    const passed = retentionClocks(view, context.code, now).flatMap((clock) => passedOf(clock, view.peer, now));
    for (const event of passed) {
      const noted = keys.clockEvent(event);
      if ((await context.store.get(noted)) === undefined) fresh.push([noted, event]);
    }
  }
  if (fresh.length === 0) return;
  await context.committer.commit((view) => {
    for (const [key, event] of fresh) view.putRecord(key, event);
    return Promise.resolve();
  });
  for (const [, event] of fresh) {
    const { peer, kind, at: time, started_by } = event;
    context.emit({ kind: kind === 'OVERDUE' ? 'CLOCK_OVERDUE' : 'CLOCK_ESCALATED', time, peer, started_by });
  }
}

// A case that this node cannot reckon with keeps it neither from the others nor from running; whoever asks for its clocks is told.
function passedIn(context: ExchangeContext, found: Case, peer: JurisdictionCode, now: number): NotedClockEvent[] {
  try {
    return context.clockRules(found, now).flatMap((clock) => passedOf(clock, peer, now));
  } catch {
    return [];
  }
}

function passedOf(clock: CaseClock, peer: JurisdictionCode, now: number): NotedClockEvent[] {
  const { case_id, duty_of, name, instrument, article, started_by, events } = clock;
  return events.flatMap(({ kind, at }) =>
    kind === 'OVERDUE' || kind === 'ESCALATED'
      ? [{ case_id, peer, duty_of, clock: name, instrument, article, kind, at, noted_at: now, started_by }]
      : [],
  );
}

function peerOf(key: string): JurisdictionCode {
  return key.slice(key.lastIndexOf('/') + 1) as JurisdictionCode;
}
