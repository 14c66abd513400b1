/** What a ledger that has lost entries, again and again, has kept of each epoch that it was in. */
import { expect, test } from 'vitest';
import { Lineage } from '../../src/exchange/lineage.ts';
import type { Checkpoint } from '../../src/ledger/mod.ts';
import { beginningsOf, countAlike, epochHistory } from '../kit/epochs.ts';
import { seedsOf, withSeed } from '../kit/random.ts';

const deep = process.env['SLOW'] === '1';

test('nothing counts as kept that is not, and of the epochs that it comes from everything that is', async () => {
  for (const seed of seedsOf(deep ? 20_000 : 500))
    await withSeed(seed, (random) => {
      const trees = epochHistory(random);
      const last = Math.max(...trees.keys());
      const begun = beginningsOf(trees, last);
      const lineage = new Lineage(begun.map((each) => ({ ...each, kept: {} as Checkpoint })));
      const ancestors = new Set([1, ...begun.map(({ number }) => number)]);
      for (const [epoch, tree] of trees) {
        if (epoch === last) continue;
        const kept = lineage.keptOf(epoch);
        const alike = countAlike(tree, trees.get(last)!);
        expect(Math.min(kept, tree.entries.length)).toBe(ancestors.has(epoch) ? alike : 0);
        expect(lineage.leastKept).toBeLessThanOrEqual(kept);
      }
      return Promise.resolve();
    });
});
