import { formatBytes } from './bytes.ts';

const INTERVAL_MS = 500;

/** Tells of long work with bytes: how much is done, how fast it goes, and how long it takes yet. */
export class Progress {
  readonly #what: string;
  readonly #total: number | undefined;
  readonly #note: (line: string) => void;
  readonly #startedAt = performance.now();
  #lastTold = performance.now();
  #done = 0;

  /** @param total bytes of the whole; undefined when nobody knows */
  constructor(what: string, total: number | undefined, note: (line: string) => void) {
    this.#what = what;
    this.#total = total;
    this.#note = note;
  }

  /** So many bytes more are done. */
  add(bytes: number): void {
    this.#done += bytes;
    const now = performance.now();
    if (now - this.#lastTold < INTERVAL_MS) return;
    this.#lastTold = now;
    const rate = this.#done / ((now - this.#startedAt) / 1000);
    const ofTotal = this.#total === undefined ? '' : ` of ${formatBytes(this.#total)}`;
    const left = this.#total === undefined ? '' : `, ${formatSeconds((this.#total - this.#done) / rate)} left`;
    this.#note(`${this.#what}: ${formatBytes(this.#done)}${ofTotal}, ${formatBytes(rate)}/s${left}`);
  }

  /** The source, counted as it passes. */
  async *count(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const bytes of source) {
      yield bytes;
      this.add(bytes.length);
    }
  }
}

/** A time that a person waits: seconds, or minutes, or hours. */
export function formatSeconds(value: number): string {
  const whole = Math.max(0, Math.round(value));
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`;
}
