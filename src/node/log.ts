import { pino } from 'pino';
import { isoTime, type Clock } from '../base/mod.ts';
import type { LogLevel } from '../config/mod.ts';

/** Writes one line of JSON an event. No case content, no names: ids, codes and counts. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A log of everything at least as severe as `least`. */
export function createLog(least: LogLevel, clock: Clock, write: (line: string) => void): Log {
  const logger = pino(
    {
      level: least,
      // A node knows its own host: what it was started on and as is for the collector to add.
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${isoTime(clock.nowMs())}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write },
  );
  return (level, event, fields = {}) => {
    logger[level](fields, event);
  };
}
