import type { Clock, Timers } from '../../src/base/mod.ts';

interface Waiting {
  readonly at: number;
  readonly act: () => void;
}

/** Time that passes only when a test says so: one monotonic clock for all, and for each node a wall clock that may be wrong. */
export class ModelTime {
  readonly #startMs: number;
  #passedMs = 0;
  readonly #waiting = new Map<object, Set<Waiting>>();

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** The timers of one process; they end with it. */
  timersOf(life: object): Timers {
    const own = new Set<Waiting>();
    this.#waiting.set(life, own);
    return {
      monotonicMs: () => this.#passedMs,
      after: (delayMs, act) => {
        const waiting = { at: this.#passedMs + delayMs, act };
        own.add(waiting);
        return () => own.delete(waiting);
      },
    };
  }

  clockOf(offsetMs: () => number): Clock {
    return { nowMs: () => Math.floor(this.#startMs + this.#passedMs + offsetMs()) };
  }

  end(life: object): void {
    this.#waiting.delete(life);
  }

  /** Lets time pass; whatever was waiting for a moment in it happens at that moment, in order. */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.#passedMs + ms;
    for (;;) {
      const due = [...this.#waiting.values()]
        .flatMap((own) => [...own].map((waiting) => ({ own, waiting })))
        .filter(({ waiting }) => waiting.at <= until)
        .reduce<{ own: Set<Waiting>; waiting: Waiting } | undefined>(
          (first, item) => (first === undefined || item.waiting.at < first.waiting.at ? item : first),
          undefined,
        );
      if (due === undefined) break;
      due.own.delete(due.waiting);
      this.#passedMs = Math.max(this.#passedMs, due.waiting.at);
      due.waiting.act();
      await settle();
    }
    this.#passedMs = until;
  }
}
