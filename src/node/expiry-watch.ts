/** Tells the log of what ends: once at each of the warnings, and once when it has ended. */
import { isoTime } from '../base/mod.ts';
import { dueEndings, type Ending } from './expiry.ts';
import type { Log } from './log.ts';

const LOOK_AGAIN_MS = 3_600_000;

/** Looks now, every hour, and whenever it is asked to. */
export class ExpiryWatch {
  readonly #endings: () => readonly Ending[];
  readonly #log: Log;
  readonly #told = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(endings: () => readonly Ending[], log: Log) {
    this.#endings = endings;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.look();
    }, LOOK_AGAIN_MS);
    this.#timer.unref();
    this.look();
  }

  /** Logs every warning that is due and was not logged yet. */
  look(): void {
    for (const { what, owner, name, endsAt, daysLeft, warning } of dueEndings(this.#endings())) {
      const id = [what, owner, name, endsAt, warning].join(' ');
      if (this.#told.has(id)) continue;
      this.#told.add(id);
      const fields = { what, owner, name, ends_at: isoTime(endsAt), days_left: daysLeft };
      if (warning === 0) this.#log('error', 'expiry.ended', fields);
      else this.#log('warn', 'expiry.ends_soon', { ...fields, within_days: warning });
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
