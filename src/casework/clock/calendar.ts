/** Days as people count them: in a state's time zone, without its weekends and holidays where an instrument says so. */
import type { StateData } from '../registry/state.ts';

// A state of which nothing is known: every day but Saturday and Sunday, in UTC.
const UNKNOWN: StateData = {
  name: '',
  languages: [],
  time_zone: 'UTC',
  weekend: new Set([0, 6]),
  holidays: new Set(),
  holidays_are_sample: true,
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * When a span that begins at a moment ends: after that many hours to the minute; otherwise at the end of the last day, counted from the day
 * after the one on which it begins. A month ends on the same day of the month, or on the month's last.
 * @param duration such as `48 hours`, `30 days`, `5 working days`, `2 months`
 * @returns Unix milliseconds
 * @see Regulation (EEC, Euratom) 1182/71 art. 3, whose way of counting is the usual one
 */
export function endOfSpan(startMs: number, duration: string, state: StateData = UNKNOWN): number {
  const [, amountText, unit] = /^(\d+) (hour|day|working day|month)s?$/.exec(duration) ?? [];
  const amount = Number(amountText);
  if (unit === undefined) throw new TypeError(`no duration: ${duration}`);
  if (unit === 'hour') return startMs + amount * HOUR_MS;
  const first = dayAt(startMs, state.time_zone);
  if (unit === 'day') return endOfDay(first + amount * DAY_MS, state.time_zone);
  if (unit === 'month') return endOfDay(addMonths(first, amount), state.time_zone);
  let day = first;
  for (let left = amount; left > 0;) {
    day += DAY_MS;
    if (isWorkingDay(day, state)) left -= 1;
  }
  return endOfDay(day, state.time_zone);
}

/** The last millisecond of a date such as `2012-04-09` where a state is. */
export function endOfDate(date: string, { time_zone: timeZone }: StateData = UNKNOWN): number {
  return endOfDay(Date.parse(date), timeZone);
}

/** Midnight, as UTC would have it, of the day that it is in a time zone. */
function dayAt(timeMs: number, timeZone: string): number {
  return Math.floor((timeMs + offsetMs(timeMs, timeZone)) / DAY_MS) * DAY_MS;
}

/** The last millisecond of a day in a time zone. */
function endOfDay(day: number, timeZone: string): number {
  const midnight = day + DAY_MS;
  const [before, after] = [offsetMs(midnight - DAY_MS, timeZone), offsetMs(midnight + DAY_MS, timeZone)];
  if (before === after) return midnight - after - 1;
  // Where clocks change at midnight itself, one of the two leads to another hour of the day, or to the next day.
  const ends = [midnight - Math.min(before, after) - 1, midnight - Math.max(before, after) - 1];
  return ends.find((end) => dayAt(end, timeZone) === day) ?? midnight - after - 1;
}

function isWorkingDay(day: number, { weekend, holidays }: StateData): boolean {
  const text = new Date(day).toISOString().slice(0, 10);
  return !weekend.has(new Date(day).getUTCDay()) && !holidays.has(text) && !holidays.has(text.slice(5));
}

function addMonths(day: number, months: number): number {
  const date = new Date(day);
  const month = date.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  return Date.UTC(date.getUTCFullYear(), month, Math.min(date.getUTCDate(), lastDay));
}

const formats = new Map<string, Intl.DateTimeFormat>();

const offsets = new Map<string, number | undefined>();
// About thirty years of days of a few zones; beyond that, whoever asks pays again.
const MAX_OFFSETS = 50_000;

/** How far a time zone is ahead of UTC at a moment. Asking the formatter is slow, and nearly every day has one answer from end to end. */
function offsetMs(timeMs: number, timeZone: string): number {
  const day = Math.floor(timeMs / DAY_MS) * DAY_MS;
  const key = `${timeZone}/${day}`;
  if (!offsets.has(key)) {
    if (offsets.size >= MAX_OFFSETS) offsets.clear();
    const first = askOffsetMs(day, timeZone);
    offsets.set(key, first === askOffsetMs(day + DAY_MS, timeZone) ? first : undefined);
  }
  return offsets.get(key) ?? askOffsetMs(timeMs, timeZone);
}

function askOffsetMs(timeMs: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const part = Object.fromEntries(format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']);
  return local - Math.floor(timeMs / 1000) * 1000;
}
