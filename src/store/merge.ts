import type { Held } from './generation.ts';
import type { Put } from './store.ts';

/** A key, and what the journal holds of it, or what the tables hold where the journal says nothing. */
export type Found =
  | { readonly key: string; readonly held: Held; readonly resting?: undefined }
  | { readonly key: string; readonly held?: undefined; readonly resting: Uint8Array };

/** What is newer and what is older in one, in order of the keys: the newer's word where both have a key. */
export async function* mergeFound(
  newer: Iterable<readonly [key: string, held: Held]>,
  older: AsyncIterable<Put>,
  reverse: boolean,
): AsyncGenerator<Found> {
  const recent = newer[Symbol.iterator]();
  let next = recent.next();
  for await (const [key, resting] of older) {
    while (next.done !== true && isBefore(next.value[0], key, reverse)) {
      yield { key: next.value[0], held: next.value[1] };
      next = recent.next();
    }
    if (next.done === true || next.value[0] !== key) yield { key, resting };
  }
  for (; next.done !== true; next = recent.next()) yield { key: next.value[0], held: next.value[1] };
}

function isBefore(a: string, b: string, reverse: boolean): boolean {
  return reverse ? a > b : a < b;
}
