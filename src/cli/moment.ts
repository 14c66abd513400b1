import { CliError } from './error.ts';

const DAY_MS = 24 * 3_600_000;

/** A moment that an option names, in Unix milliseconds, or now; a day is taken to its end. @throws {CliError} CLI_USAGE */
export function momentOf(text: string | undefined): number {
  if (text === undefined) return Date.now();
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = isDay || isTime ? Date.parse(text) : Number.NaN;
  // What no calendar has, such as 30 February, would be taken for a day of the next month.
  const day = text.slice(0, 10);
  if (Number.isNaN(at) || new Date(day).toISOString().slice(0, 10) !== day)
    throw new CliError('CLI_USAGE', '--at must be a day or time such as 2026-03-31 or 2026-03-31T12:00:00Z.');
  return isDay ? at + DAY_MS - 1 : at;
}
