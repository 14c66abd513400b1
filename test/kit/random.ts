/** A source of numbers that a seed decides: a failing run is replayed with `ROGATORY_SEED`, and `ROGATORY_SEED=random` looks where nobody has. */
export interface Random {
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Uint8Array;
}

/** @param seed any whole number; nearby seeds give unrelated numbers (SplitMix32) */
export function randomOf(seed: number): Random {
  // Mixed otherwise than the numbers are: from a multiple of the step, each seed would give the numbers of the one before, one later.
  let state = Math.imul(seed ^ 0x5bd1e995, 0x27d4eb2f);
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  state = (state ^ (state >>> 12)) >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit);
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
}

const given = process.env['ROGATORY_SEED'] ?? '';
const isExploring = given === 'random';
if (given !== '' && !isExploring && !/^[0-9]{1,9}$/.test(given))
  throw new TypeError('ROGATORY_SEED is "random" or a whole number below 1,000,000,000.');

/**
 * Where a run starts: the same for everybody and every time, so that what was right yesterday is right today. `ROGATORY_SEED=random` explores.
 */
export const firstSeed = given === '' ? 1 : isExploring ? Math.floor(Math.random() * 1e9) : Number(given);

/**
 * The seeds to run: `count` from the first one on, or the one that `ROGATORY_SEED` names alone.
 * @param part of a run in several parts, from 0; no two have a seed in common
 */
export function seedsOf(count: number, part = 0): number[] {
  if (given !== '' && !isExploring) return part === 0 ? [firstSeed] : [];
  return Array.from({ length: count }, (_, n) => firstSeed + part * count + n);
}

/** Runs one seed; a failure tells how to have it again. */
export async function withSeed(seed: number, run: (random: Random) => Promise<void>): Promise<void> {
  try {
    await run(randomOf(seed));
  } catch (cause) {
    throw new Error(`seed ${seed} (again: ROGATORY_SEED=${seed}): ${String(cause)}`, { cause });
  }
}
