/** Where time comes from; injected, so that tests and the auditor decide what “now” is. */
export interface Clock {
  /** Unix milliseconds. May jump either way: never use it to measure a duration. */
  nowMs(): number;
}

/** The operating system's wall clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };

/** Where waiting comes from; injected, so that a test decides how it passes. */
export interface Timers {
  /** Milliseconds of a clock that never jumps. */
  monotonicMs(): number;
  /** Calls `act` once, after the time; the returned function prevents it. A timer that waits does not keep the process alive. */
  after(delayMs: number, act: () => void): () => void;
}

/** The operating system's timers. */
export const systemTimers: Timers = {
  monotonicMs: () => performance.now(),
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs);
    // A browser's timer is a number.
    if (typeof timer === 'object') timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

// The last moment that the language has a date for: in the year 275760.
const MAX_DATE_MS = 8_640_000_000_000_000;

/** ISO 8601 in UTC with milliseconds, for people and JSON. Times come from peers: what is later than any date is the last one. */
export function isoTime(unixMs: number): string {
  return new Date(Math.min(unixMs, MAX_DATE_MS)).toISOString();
}
