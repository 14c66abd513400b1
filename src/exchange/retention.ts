/** How long personal data may be kept: what is due to be reviewed or erased, and who has to. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import { protectionOf, type CaseClock, type ClockEvent, type ClockState } from '../casework/mod.ts';
import type { BodyType, Message } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { decodeRecord, keys, type EntryRef, type MessageRecord } from './record.ts';

/** What a message says of how long it may be kept, and what was decided since. Dates are UTC days. */
export interface RetentionRecord {
  readonly message_id: Uuid;
  readonly case_id: Uuid;
  readonly peer: JurisdictionCode;
  readonly direction: MessageRecord['direction'];
  readonly type: BodyType;
  readonly issued_at: number;
  readonly retain_until: string;
  /** The next day by which the need to keep it has to be reviewed. */
  readonly review_on?: string | undefined;
  /** Unix milliseconds of the last review. */
  readonly reviewed_at?: number | undefined;
}

/** The same with what became of the content, at both sides. */
export interface RetentionView extends RetentionRecord {
  readonly state: 'KEPT' | 'REVIEW_DUE' | 'ENDED' | 'ERASED';
  readonly erased?: MessageRecord['erased'];
  readonly peer_erased?: EntryRef | undefined;
}

const DAY_MS = 24 * 3_600_000;

/** Notes how long a message may be kept, in the step that sends or takes it. */
export function planRetention(view: Pick<StepView, 'putRecord'>, message: Message, code: JurisdictionCode): void {
  const { header, body } = message;
  const protection = protectionOf(body);
  if (protection === undefined) return;
  const { message_id, case_id, issued_at, from, to } = header;
  const record: RetentionRecord = {
    message_id,
    case_id,
    peer: from === code ? to : from,
    direction: from === code ? 'OUT' : 'IN',
    type: body.type,
    issued_at,
    retain_until: protection.retain_until,
    review_on: protection.review_on,
  };
  view.putRecord(keys.retention(message_id), record);
}

/** Everything whose time is limited, as it stands at a moment; what ends first comes first. */
export async function listRetention({ store }: Pick<ExchangeContext, 'store'>, atMs: number): Promise<RetentionView[]> {
  const today = dayOf(atMs);
  const found: RetentionView[] = [];
  for await (const [, bytes] of store.scan(keys.retentions)) {
    const record = decodeRecord<RetentionRecord>(bytes);
    const kept = await store.get(keys.message(record.message_id));
    const { erased, peer_erased } = kept === undefined ? {} : decodeRecord<MessageRecord>(kept);
    found.push({ ...record, state: stateOf(record, erased !== undefined, today), erased, peer_erased });
  }
  return found.sort((a, b) => (a.retain_until < b.retain_until ? -1 : 1));
}

/**
 * Records that the need to keep a message was reviewed, and when it is to be reviewed next: not later than it may be kept.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE for one without a date, EXCHANGE_ERASED, EXCHANGE_BAD_REVIEW
 */
export function reviewRetention(
  context: Pick<ExchangeContext, 'committer' | 'clock'>,
  id: Uuid,
  next: string,
): Promise<RetentionRecord> {
  return context.committer.commit(async (view) => {
    const record = await view.getRecord<RetentionRecord>(keys.retention(id));
    if (record === undefined)
      throw new ExchangeError('EXCHANGE_UNKNOWN_MESSAGE', `Nothing here limits how long message ${id} may be kept.`);
    if ((await view.getRecord<MessageRecord>(keys.message(id)))?.erased !== undefined)
      throw new ExchangeError('EXCHANGE_ERASED', `What message ${id} says was erased.`);
    const now = context.clock.nowMs();
    if (next <= dayOf(now) || next > record.retain_until)
      throw new ExchangeError(
        'EXCHANGE_BAD_REVIEW',
        `The next review must be after today, and not after ${record.retain_until}, until when it may be kept.`,
      );
    const reviewed: RetentionRecord = { ...record, review_on: next, reviewed_at: now };
    view.putRecord(keys.retention(id), reviewed);
    return reviewed;
  });
}

/** What clocks show of a message whose time is limited: its review, and the end of its retention. */
export function retentionClocks(view: RetentionView, code: JurisdictionCode, atMs: number): CaseClock[] {
  const { direction, peer, review_on: review, retain_until: end, erased, peer_erased: gone, issued_at } = view;
  const ended = direction === 'IN' ? erased : gone;
  const clock = (name: CaseClock['name'], day: string, duty: JurisdictionCode, startedAt: number): CaseClock => {
    const due = Date.parse(day) + DAY_MS - 1;
    const late = (ended?.time ?? atMs) > due;
    const events: ClockEvent[] = [{ kind: 'STARTED', at: startedAt, message_id: view.message_id }];
    if (ended !== undefined) events.push({ kind: 'STOPPED', at: ended.time });
    if (late) events.push({ kind: 'OVERDUE', at: due });
    return {
      case_id: view.case_id,
      name,
      duty_of: duty,
      instrument: '',
      article: '',
      source: 'data protection of the message',
      confirmed: true,
      started_at: startedAt,
      due_at: due,
      ...(ended === undefined ? {} : { stopped_at: ended.time }),
      state: clockState(ended !== undefined, late),
      started_by: view.message_id,
      events: events.sort((a, b) => a.at - b.at),
    };
  };
  const clocks = [clock('RETENTION', end, direction === 'IN' ? code : peer, issued_at)];
  if (review !== undefined && direction === 'IN')
    clocks.push(clock('RETENTION_REVIEW', review, code, view.reviewed_at ?? issued_at));
  return clocks;
}

/** Received messages whose content may not be kept any longer, and is still here. */
export async function endedRetention(context: Pick<ExchangeContext, 'store' | 'clock'>): Promise<Uuid[]> {
  const all = await listRetention(context, context.clock.nowMs());
  return all.filter(({ state, direction }) => state === 'ENDED' && direction === 'IN').map(({ message_id: id }) => id);
}

function clockState(isStopped: boolean, isLate: boolean): ClockState {
  if (isStopped) return isLate ? 'STOPPED_LATE' : 'STOPPED';
  return isLate ? 'OVERDUE' : 'RUNNING';
}

function stateOf(
  { retain_until: end, review_on: review }: RetentionRecord,
  isErased: boolean,
  today: string,
): RetentionView['state'] {
  if (isErased) return 'ERASED';
  if (today > end) return 'ENDED';
  return review !== undefined && today >= review ? 'REVIEW_DUE' : 'KEPT';
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
