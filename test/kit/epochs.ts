/** Ledgers that lose entries again and again, each time back to a copy of whatever age: what stands where in every epoch. */
import type { EpochBeginning } from '../../src/ledger/mod.ts';
import type { Random } from './random.ts';

/** A ledger's tree in one epoch: what stands at each index, and where the epoch comes from. */
export interface EpochTree {
  readonly entries: readonly number[];
  readonly parent: number;
  readonly start: number;
}

/** Epochs that each go on from a copy of one of those before. */
export function epochHistory(random: Random): ReadonlyMap<number, EpochTree> {
  let made = 0;
  const grown = (kept: readonly number[]): number[] =>
    [...kept, ...Array(1 + random.below(9)).keys()].map((e, i) => (i < kept.length ? e : ++made));
  const trees = new Map<number, EpochTree>([[1, { entries: grown([]), parent: 0, start: 0 }]]);
  const last = 2 + random.below(7);
  for (let number = 2; number <= last; number++) {
    const parent = random.pick([...trees.keys()]);
    const { entries, start: least } = trees.get(parent)!;
    const start = least + 1 + random.below(entries.length - least);
    trees.set(number, { entries: grown(entries.slice(0, start)), parent, start });
  }
  return trees;
}

/** The epochs after the first that one of them comes through, itself last. */
export function beginningsOf(trees: ReadonlyMap<number, EpochTree>, number: number): EpochBeginning[] {
  const begun: EpochBeginning[] = [];
  for (let at = number; at > 1; at = trees.get(at)!.parent) {
    const { start, parent } = trees.get(at)!;
    begun.unshift({ number: at, start, parent });
  }
  return begun;
}

/** How many entries two trees begin with alike, entry by entry. */
export function countAlike(a: EpochTree, b: EpochTree): number {
  const differing = a.entries.findIndex((entry, index) => b.entries[index] !== entry);
  return differing < 0 ? a.entries.length : differing;
}
