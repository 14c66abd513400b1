/** What the epochs of a ledger have in common, against a comparison entry by entry. */
import { expect, test } from 'vitest';
import { keptOfBoth, keptOfEpoch } from '../../src/ledger/mod.ts';
import { beginningsOf, countAlike, epochHistory } from '../kit/epochs.ts';
import { seedsOf, withSeed } from '../kit/random.ts';

const deep = process.env['SLOW'] === '1';

test('of any two epochs whose histories are known, exactly what is the same; of one alone, never more', async () => {
  let parted = 0;
  for (const seed of seedsOf(deep ? 20_000 : 500))
    await withSeed(seed, (random) => {
      const trees = epochHistory(random);
      for (const [a, treeA] of trees)
        for (const [b, treeB] of trees) {
          const [begunA, begunB] = [beginningsOf(trees, a), beginningsOf(trees, b)];
          const alike = countAlike(treeA, treeB);
          const longest = Math.max(treeA.entries.length, treeB.entries.length);
          expect(Math.min(keptOfBoth(begunA, begunB), longest)).toBe(alike);
          const kept = Math.min(keptOfEpoch(begunA, b), longest);
          const isAncestor = a === b || b === 1 || begunA.some(({ number }) => number === b);
          expect(kept).toBe(isAncestor ? alike : 0);
          // The later one goes on from a copy that is newer than the beginning of the one it does not come from.
          if (b > 1 && b < a && !isAncestor && begunA.at(-1)!.start > alike) parted++;
        }
      return Promise.resolve();
    });
  expect(parted).toBeGreaterThan(0);
});

test.each([
  ['the present one, all', [], 1, Infinity],
  ['one still to come, none', [], 2, 0],
  ['the one before, what was kept', [{ number: 2, start: 5, parent: 1 }], 1, 5],
  // Epoch 2 kept five of the first one's entries, and this one eight.
  ['one that it does not come from, none', [{ number: 3, start: 8, parent: 1 }], 2, 0],
  [
    'the first one of those that are told, what each kept',
    [
      { number: 70, start: 3, parent: 66 },
      { number: 71, start: 9, parent: 70 },
    ],
    66,
    3,
  ],
])('of %s', (_what, begun, epoch, kept) => {
  expect(keptOfEpoch(begun, epoch)).toBe(kept);
});

test('two that parted from one, as many as both kept of it', () => {
  const [two, three] = [[{ number: 2, start: 5, parent: 1 }], [{ number: 3, start: 8, parent: 1 }]];
  expect([keptOfBoth(two, three), keptOfBoth(three, two)]).toEqual([5, 5]);
});
