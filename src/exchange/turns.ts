/**
 * Shares one thread between peers. Opening and verifying a message takes about a millisecond in which nobody else is served: jobs are
 * done one at a time, from each peer in turn, so that however many one peer sends, another waits for one of them and not for all.
 */

import { TransientMap } from '../base/mod.ts';

type Job = () => Promise<void>;

// Work for this long, then let sockets be read and timers fire.
const SLICE_MS = 4;

/** A queue for each peer, served in rotation; jobs of one peer keep their order. */
export class Turns {
  readonly #lanes = new TransientMap<string, Job[]>();
  #isRunning = false;

  /** Resolves with what the job returned, once its turn has come. */
  take<T>(lane: string, job: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const queue = this.#lanes.get(lane) ?? [];
      this.#lanes.set(lane, queue);
      queue.push(() => job().then(resolve, reject));
      if (this.#isRunning) return;
      this.#isRunning = true;
      void this.#run();
    });
  }

  // Never rejects: a job's failure is its caller's.
  async #run(): Promise<void> {
    await nextTurn();
    let sliceStart = performance.now();
    while (this.#lanes.size > 0) {
      // The order is that of insertion: a lane that was served goes behind the others.
      const [lane, queue] = this.#lanes[Symbol.iterator]().next().value!;
      this.#lanes.delete(lane);
      const job = queue.shift()!;
      if (queue.length > 0) this.#lanes.set(lane, queue);
      await job();
      if (performance.now() - sliceStart < SLICE_MS) continue;
      await nextTurn();
      sliceStart = performance.now();
    }
    this.#isRunning = false;
  }
}

/** After whatever input is waiting has been read. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
