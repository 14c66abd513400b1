import { randomBytes } from 'node:crypto';
import { systemClock } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import type { StaffContext } from '../staff/mod.ts';
import type { NodeStorage } from './node-storage.ts';
import { withStoppedCommitter } from './stopped-committer.ts';

/** Works on the staff of a node that is stopped, as whoever holds its folder can. */
export async function withStoppedStaff<T>(
  config: NodeConfig,
  { store, ledger }: Pick<NodeStorage, 'store' | 'ledger'>,
  work: (context: StaffContext) => Promise<T>,
): Promise<T> {
  return withStoppedCommitter({ store, ledger }, (committer) =>
    work({
      code: config.code,
      origin: config.ledgerOrigin,
      store,
      ledger,
      clock: systemClock,
      random: (bytes) => randomBytes(bytes),
      commit: (plan) => committer.commit(plan),
      parentOf: () => Promise.resolve(undefined),
    }),
  );
}
