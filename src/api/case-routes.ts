/** Cases, their clocks, and what is counted over them. */
import { isUuid, isoTime, parseJurisdictionCode, type Uuid } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import type { Statistics } from '../casework/mod.ts';
import type { CaseView, ClockView, NotedClockEvent } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';

/** Clocks as of a moment, and what the node has noticed of them. */
export interface ClocksAnswer {
  /** Unix milliseconds. */
  readonly at: number;
  readonly clocks: readonly ClockView[];
  readonly noted: readonly NotedClockEvent[];
}

export async function cases({ exchange }: Node, id?: string): Promise<CaseView[]> {
  if (id !== undefined && !isUuid(id)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return exchange.cases(id);
}

export async function clocks({ exchange, clock }: Node, query: URLSearchParams): Promise<ClocksAnswer> {
  const [id, at] = [query.get('case') ?? undefined, momentIn(query, clock.nowMs())];
  if (id !== undefined && !isUuid(id)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return { at, clocks: await exchange.clocks(at, id), noted: await exchange.clockEvents(id) };
}

/** The moment that a query is about; now, where it names none. */
export function momentIn(query: URLSearchParams, nowMs: number): number {
  const text = query.get('at');
  const at = text === null ? nowMs : Number(text);
  if (text?.trim() === '' || !Number.isSafeInteger(at) || at < 0 || at > 8.64e15)
    throw new ApiError('API_BAD_REQUEST', '“at” is in Unix milliseconds.');
  return at;
}

/** Whether it is a day of the calendar, such as 2026-03-31. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : NaN;
  return !Number.isNaN(time) && isoTime(time).startsWith(text);
}

/** @param isKnown which cases are counted for the caller: of one that is narrowed down to, the figures tell what it is about */
export function statistics(
  { exchange, clock }: Node,
  query: URLSearchParams,
  isKnown?: (caseId: Uuid) => Promise<boolean>,
): Promise<Statistics> {
  const day = (name: string): string | undefined => {
    const text = query.get(name) ?? undefined;
    if (text !== undefined && !isDay(text))
      throw new ApiError('API_BAD_REQUEST', `“${name}” must be a day such as 2026-03-31.`);
    return text;
  };
  const peer = query.get('peer');
  const partner = peer === null ? undefined : parseJurisdictionCode(peer);
  return exchange.statistics({ from: day('from'), to: day('to'), partner, at: clock.nowMs(), isKnown });
}
