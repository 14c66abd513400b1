/** What a ledger that has lost entries, again and again, has kept of each epoch that it was in. */
import { expect, test } from 'vitest';
import { Lineage, type BegunEpoch } from '../../src/exchange/lineage.ts';
import type { Checkpoint } from '../../src/ledger/mod.ts';
import { seedsOf, withSeed, type Random } from '../kit/random.ts';

const deep = process.env['SLOW'] === '1';

/** A ledger's tree in one epoch: what stands at each index, and where the epoch comes from. */
interface Tree {
  readonly entries: readonly number[];
  readonly parent: number;
  readonly start: number;
}

/** Epochs that each go on from a copy of one of those before, of whatever age. */
function historyOf(random: Random): ReadonlyMap<number, Tree> {
  let made = 0;
  const grown = (kept: readonly number[]): number[] =>
    [...kept, ...Array(1 + random.below(9)).keys()].map((e, i) => (i < kept.length ? e : ++made));
  const trees = new Map<number, Tree>([[1, { entries: grown([]), parent: 0, start: 0 }]]);
  const last = 2 + random.below(7);
  for (let number = 2; number <= last; number++) {
    const parent = random.pick([...trees.keys()]);
    const { entries, start: least } = trees.get(parent)!;
    const start = least + 1 + random.below(entries.length - least);
    trees.set(number, { entries: grown(entries.slice(0, start)), parent, start });
  }
  return trees;
}

function lineageOf(trees: ReadonlyMap<number, Tree>, number: number): Lineage {
  const begun: BegunEpoch[] = [];
  for (let at = number; at > 1; at = trees.get(at)!.parent) {
    const { start, parent } = trees.get(at)!;
    begun.unshift({ number: at, start, parent, kept: {} as Checkpoint });
  }
  return new Lineage(begun);
}

test('nothing counts as kept that is not, and of the epochs that it comes from everything that is', async () => {
  for (const seed of seedsOf(deep ? 20_000 : 500))
    await withSeed(seed, (random) => {
      const trees = historyOf(random);
      const last = Math.max(...trees.keys());
      const lineage = lineageOf(trees, last);
      const now = trees.get(last)!.entries;
      const ancestors = new Set<number>();
      for (let at = last; at > 0; at = trees.get(at)!.parent) ancestors.add(at);
      for (const [epoch, { entries }] of trees) {
        if (epoch === last) continue;
        const same = entries.findIndex((entry, index) => now[index] !== entry);
        const common = same < 0 ? entries.length : same;
        const kept = lineage.keptOf(epoch);
        expect(Math.min(kept, entries.length)).toBe(ancestors.has(epoch) ? common : 0);
        expect(lineage.leastKept).toBeLessThanOrEqual(kept);
      }
      return Promise.resolve();
    });
});
