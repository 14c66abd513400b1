/** Where time comes from; injected, so that tests and the auditor decide what “now” is. */
export interface Clock {
  /** Unix milliseconds. May jump either way: never use it to measure a duration. */
  nowMs(): number;
}

/** The operating system's wall clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };

/** ISO 8601 in UTC with milliseconds, for people and JSON. */
export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
