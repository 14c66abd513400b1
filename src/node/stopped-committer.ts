import { noFailpoint, systemClock, systemTimers } from '../base/mod.ts';
import { Committer } from '../exchange/mod.ts';
import type { NodeStorage } from './node-storage.ts';

/** Commits to the ledger of a node that is stopped, as whoever holds its folder can. */
export async function withStoppedCommitter<T>(
  { store, ledger }: Pick<NodeStorage, 'store' | 'ledger'>,
  work: (committer: Committer) => Promise<T>,
): Promise<T> {
  const ignore = (): void => undefined;
  const committer = new Committer({
    store,
    ledger,
    clock: systemClock,
    timers: systemTimers,
    failpoint: noFailpoint,
    onFailure: ignore,
    onGrowth: ignore,
  });
  try {
    return await work(committer);
  } finally {
    await committer.close();
  }
}
