/** How everything is measured: in short turns, one contestant after another, several rounds over, medians of what comes out. */

/** The middle of some numbers. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value below which this share of sorted or unsorted numbers lies. */
export function percentile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/** To so many significant digits: more would be noise. */
export function round(value, digits = 3) {
  return Number(value.toPrecision(digits));
}

/**
 * Lets each contestant have its turn in every round, after one round that does not count, and gives the results of each in order.
 * Interleaved, so that a machine that slows down slows all of them.
 * @param {Record<string, () => Promise<T> | T>} contestants
 * @template T
 * @returns {Promise<Record<string, T[]>>}
 */
export async function interleave(contestants, rounds) {
  const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let turn = 0; turn <= rounds; turn++) {
    for (const [name, act] of Object.entries(contestants)) {
      const result = await act();
      if (turn > 0) results[name].push(result);
    }
  }
  return results;
}

/** CPU time of this process and all its threads, in microseconds. */
export function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * Repeats an operation for a while.
 * @param {() => unknown} act waited for when it returns a promise
 * @returns {Promise<{perSecond: number, cpuUs: number, wallUs: number}>} per operation
 */
export async function repeat(act, forMs, operations = 1) {
  let count = 0;
  const [start, cpu] = [performance.now(), cpuUs()];
  while (performance.now() - start < forMs) {
    const result = act();
    if (result instanceof Promise) await result;
    count += operations;
  }
  const elapsedMs = performance.now() - start;
  return {
    perSecond: (count / elapsedMs) * 1000,
    cpuUs: (cpuUs() - cpu) / count,
    wallUs: (elapsedMs * 1000) / count,
  };
}
