/** What clocks are made of: the messages that they see, and how one stands at a moment. */
import type { JurisdictionCode, Uuid } from '../../base/mod.ts';
import type { BodyType, MeasureType, Urgency } from '../../wire/mod.ts';
import type { ClockRule } from '../registry/schema.ts';

/** What clocks need to know of one message. */
export interface TimedStep {
  readonly message_id: Uuid;
  readonly by: JurisdictionCode;
  readonly type: BodyType;
  /** Unix milliseconds, as signed. */
  readonly issued_at: number;
  readonly outcome?: string | undefined;
  /** The measures that it names, with the outcome stated for each. */
  readonly measures?: readonly { readonly id: string; readonly outcome?: string | undefined }[];
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
  /** Originals that have to go back, by when unless one has a day of its own, and what a message is about. */
  readonly originals?: readonly string[] | undefined;
  readonly return_by?: string | undefined;
  readonly originals_due?: Readonly<Record<string, string>> | undefined;
  readonly items?: readonly string[] | undefined;
  readonly more_to_follow?: boolean | undefined;
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
  readonly name: ClockRule['name'] | 'REQUESTED_DATE' | 'RETURN_OF_ORIGINALS' | 'RETENTION' | 'RETENTION_REVIEW';
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

const ENDS: ReadonlySet<BodyType> = new Set<BodyType>(['return_unprocessed', 'close_case']);
// What may become of a measure so that it waits for nothing.
const DONE: ReadonlySet<string | undefined> = new Set(['REFUSE', 'EXECUTED', 'IMPOSSIBLE']);

/** The message that asks. One that shared a draft before it asks for nothing, whatever instruments it names. CETS 198 art. 34(6). */
export function openingOf(steps: readonly TimedStep[]): TimedStep | undefined {
  return steps.find(({ type, said }) => type !== 'draft_consultation' && said?.instruments !== undefined);
}

/**
 * Messages that leave nothing to wait for, whatever a clock waits for. Who withdraws or refuses one measure leaves the others to be waited
 * for.
 */
export function endsOf(steps: readonly TimedStep[]): ReadonlySet<TimedStep> {
  const left = measuresOf(openingOf(steps));
  return new Set(
    steps.filter(({ type, outcome, measures = [] }) => {
      if (ENDS.has(type) || (type === 'proceed_decision' && outcome === 'WITHDRAW')) return true;
      for (const measure of measures) if (type === 'withdrawal' || DONE.has(measure.outcome)) left.delete(measure.id);
      const givesUp = type === 'withdrawal' || (type === 'review_decision' && outcome !== 'ACCEPT');
      return givesUp && (left.size === 0 || (type === 'withdrawal' && measures.length === 0));
    }),
  );
}

/**
 * The message with which the requested state had done its part of every measure: reported on it, handed over all evidence of it, refused
 * it, or was held from it by a remedy. Evidence that arrived otherwise than it left was not handed over.
 */
export function doneAt(steps: readonly TimedStep[]): TimedStep | undefined {
  const left = measuresOf(openingOf(steps));
  const handedOver = new Set<string>();
  let done: TimedStep | undefined;
  for (const step of steps) {
    const { type, outcome, measures = [], said } = step;
    const ids = measures.map(({ id }) => id);
    if (type === 'evidence_receipt' && outcome === 'MISMATCH') {
      for (const id of ids) if (handedOver.has(id)) left.add(id);
      if (left.size > 0) done = undefined;
      continue;
    }
    const isHandedOver = type === 'evidence_transfer' && said?.more_to_follow !== true;
    const isOver = type === 'execution_report' || (type === 'legal_remedy_notice' && outcome === 'UPHELD');
    const settled =
      isHandedOver || isOver || type === 'withdrawal'
        ? ids
        : measures.filter((measure) => type === 'review_decision' && measure.outcome === 'REFUSE').map(({ id }) => id);
    for (const id of settled) {
      // What was reported on before is done, whatever becomes of the evidence.
      if (isHandedOver && left.has(id)) handedOver.add(id);
      else if (!isHandedOver) handedOver.delete(id);
      left.delete(id);
    }
    if (isOver && ids.length === 0) left.clear();
    if (left.size === 0 && (settled.length > 0 || isOver)) done ??= step;
  }
  return done;
}

function measuresOf(opening: TimedStep | undefined): Set<string> {
  return new Set(opening?.measures?.map(({ id }) => id));
}

/** What messages did, and what time has done up to a moment. */
export function withTime(
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

/** How a clock stands at a moment. */
export function stateOf(
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
