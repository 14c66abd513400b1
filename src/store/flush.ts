/**
 * Flushing where it is quickest. A disk that answers in a fraction of a millisecond has done so before a thread of the pool has been
 * woken, has asked it, and has woken this one; with processors that are busy, most of what a message waited for was that. So this thread
 * asks by itself, until the disk has once kept it: then others wait for it for a while, and this one serves its sockets.
 */
import { fdatasync, fdatasyncSync } from 'node:fs';
import { promisify } from 'node:util';

// Nobody is to notice that nothing else was done meanwhile.
const PATIENCE_MS = 5;
const LEFT_TO_OTHERS = 32;

const flushElsewhere = promisify(fdatasync);

/** Flushes of one store. */
export class Flush {
  readonly #monotonicMs: () => number;
  #left = 0;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** Resolves when what was written to a file is on disk. @throws whatever the system says */
  async data(descriptor: number): Promise<void> {
    if (this.#left > 0) {
      this.#left--;
      await flushElsewhere(descriptor);
      return;
    }
    const start = this.#monotonicMs();
    fdatasyncSync(descriptor);
    if (this.#monotonicMs() - start > PATIENCE_MS) this.#left = LEFT_TO_OTHERS;
  }
}
