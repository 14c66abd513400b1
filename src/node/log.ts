import { isoTime, type Clock } from '../base/mod.ts';
import type { LogLevel } from '../config/mod.ts';

/** Writes one line of JSON an event. No case content, no names: ids, codes and counts. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log of everything at least as severe as `least`. */
export function createLog(least: LogLevel, clock: Clock, write: (line: string) => void): Log {
  const threshold = ORDER.indexOf(least);
  return (level, event, fields = {}) => {
    if (ORDER.indexOf(level) < threshold) return;
    write(`${JSON.stringify({ time: isoTime(clock.nowMs()), level, event, ...fields })}\n`);
  };
}
