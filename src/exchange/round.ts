import type { Timers } from '../base/mod.ts';

/** Work that comes round again: so long after it was done last, and not while it is being done. */
export class Round {
  readonly #timers: Timers;
  readonly #intervalMs: number;
  readonly #act: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #cancel: () => void = () => undefined;
  #running: Promise<void> | undefined;
  #isOver = false;

  constructor(options: {
    readonly timers: Timers;
    readonly intervalMs: number;
    readonly firstAfterMs: number;
    readonly act: () => Promise<void>;
    /** Told of a failure, after which it does not come round again. */
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#timers = options.timers;
    this.#intervalMs = options.intervalMs;
    this.#act = options.act;
    this.#onFailure = options.onFailure;
    this.#wait(options.firstAfterMs);
  }

  /** Resolves when nothing of it is at work any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#cancel();
    await this.#running;
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#timers.after(delayMs, () => {
      this.#running = this.#act()
        .then(() => {
          if (!this.#isOver) this.#wait(this.#intervalMs);
        })
        .catch(this.#onFailure);
    });
  }
}
