/** Hit/no-hit queries that this node answers a peer in a time: enough for an investigation, too few to fish through a register. */
import type { JurisdictionCode } from '../base/mod.ts';
import type { Message } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { decodeRecord, keys } from './record.ts';

/** How much a peer may ask. */
export interface QueryLimits {
  readonly queriesPerHour: number;
  /** A query may name many identifiers. */
  readonly identifiersPerDay: number;
}

/** What a peer has asked, and how often it was turned away. */
export interface QueryRate {
  readonly queries_last_hour: number;
  readonly identifiers_last_day: number;
  /** Turned away since the node was made, and when last, in Unix milliseconds. */
  readonly refused: number;
  readonly refused_at?: number | undefined;
}

interface RateRecord {
  readonly asked: readonly { readonly at: number; readonly identifiers: number }[];
  readonly refused: number;
  readonly refused_at?: number | undefined;
}

export const QUERY_LIMITS: QueryLimits = { queriesPerHour: 20, identifiersPerDay: 400 };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOTHING: RateRecord = { asked: [], refused: 0 };

/**
 * Counts a query that could be taken, or one that is too much: what is turned away uses up nothing.
 * @returns whether it may be taken
 */
export async function countQuery(
  { clock, queryLimits }: Pick<ExchangeContext, 'clock' | 'queryLimits'>,
  view: Pick<StepView, 'getRecord' | 'putRecord'>,
  { header, body }: Message,
): Promise<boolean> {
  if (body.type !== 'hit_query') return true;
  const now = clock.nowMs();
  const record = (await view.getRecord<RateRecord>(keys.queries(header.from))) ?? NOTHING;
  const asked = record.asked.filter(({ at }) => at > now - DAY_MS);
  const identifiers = body.value.identifiers.length;
  const { queries_last_hour: queries, identifiers_last_day: day } = rateOf({ ...record, asked }, now);
  const isTaken = queries < queryLimits.queriesPerHour && day + identifiers <= queryLimits.identifiersPerDay;
  const next: RateRecord = isTaken
    ? { ...record, asked: [...asked, { at: now, identifiers }] }
    : { asked, refused: record.refused + 1, refused_at: now };
  view.putRecord(keys.queries(header.from), next);
  return isTaken;
}

/** What a peer has asked of this node. */
export async function queryRate(
  { store, clock }: Pick<ExchangeContext, 'store' | 'clock'>,
  peer: JurisdictionCode,
): Promise<QueryRate> {
  const bytes = await store.get(keys.queries(peer));
  return rateOf(bytes === undefined ? NOTHING : decodeRecord<RateRecord>(bytes), clock.nowMs());
}

function rateOf({ asked, refused, refused_at }: RateRecord, now: number): QueryRate {
  return {
    queries_last_hour: asked.filter(({ at }) => at > now - HOUR_MS).length,
    identifiers_last_day: asked
      .filter(({ at }) => at > now - DAY_MS)
      .reduce((sum, { identifiers }) => sum + identifiers, 0),
    refused,
    refused_at,
  };
}
