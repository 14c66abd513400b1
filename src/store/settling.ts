/**
 * Brings what a segment's commits came to into the tables, behind the back of whoever commits: small values under a seal of their own, of
 * large ones the place, if so much of the segment is large values that it is worth keeping. A process that ends in the middle of it does
 * all of it again, from the journal.
 */
import type { KeyObject } from 'node:crypto';
import type { Failpoint } from '../base/mod.ts';
import { isLarge, liveBytesOf, type Generation, type Held } from './generation.ts';
import type { Extent } from './journal-record.ts';
import { encodeNumbers, encodePlace, lastNumberOf, numbersOf, ownKeys, parsePlace, type Place } from './place.ts';
import { sealValue } from './sealed-value.ts';
import type { Segments } from './segments.ts';
import type { Put, Store } from './store.ts';

// Small enough that a commit which waits for the disk meanwhile hardly notices.
const BATCH_BYTES = 256 * 1024;
const KEYS_PER_TURN = 32;
// How many new keys have to have a prefix, before it is worth a look at the last one that is there.
const WORTH_ASKING = 16;
/** A segment stays for its values when they are at least so much, and at least so great a part of it. */
const MIN_KEPT_BYTES = 1024 * 1024;
const MIN_KEPT_SHARE = 0.5;

/** Where settled values go. */
export interface Tables {
  readonly resting: Store;
  readonly dataKey: KeyObject;
  readonly segments: Segments;
  readonly failpoint: Failpoint;
  /** Part of the usual sizes: 1 in service. */
  readonly share: number;
}

/**
 * Settles a generation; its segment is not written any more.
 * @param newer the one after it, if that is on disk to its end: what has another value there, or none, is left to it
 */
export async function settle(generation: Generation, newer: Generation | undefined, tables: Tables): Promise<void> {
  const { resting, dataKey, share } = tables;
  const { segment, lastCommit } = generation;
  const { held, dead } = newer === undefined ? generation : generation.without(newer);
  const liveBytes = liveBytesOf(held);
  const isKept = liveBytes >= MIN_KEPT_BYTES * share && liveBytes >= segment.bytes * MIN_KEPT_SHARE;
  const gone: Place[] = isKept ? dead.map((extent) => ({ segment: segment.number, ...extentOf(extent) })) : [];
  let [puts, deletes, bytes]: [Put[], string[], number] = [[], [], 0];
  const keys = [...held.keys()];
  const isNew = await newKeys(keys, resting);
  for (let start = 0; start < keys.length; start += KEYS_PER_TURN) {
    const some = keys.slice(start, start + KEYS_PER_TURN);
    const before = await formerOf(some, isNew, resting);
    for (const key of some) {
      const [value, former] = [held.get(key), before.get(key)];
      // What it replaces in a segment that was settled before is gone as well.
      const place = former === undefined ? undefined : parsePlace(former);
      if (place !== undefined && place.segment !== segment.number) gone.push(place);
      bytes += key.length;
      if (value === undefined || value === null) {
        if (former !== undefined) deletes.push(key);
        continue;
      }
      const rest = restingOf(dataKey, key, value, isKept);
      puts.push([key, rest]);
      bytes += rest.length;
    }
    // The next keys have their turn when everybody else had one.
    await new Promise(setImmediate);
    if (bytes < BATCH_BYTES * share) continue;
    // Whoever does all of it again finds in the tables what replaced these: it is noted with that, or never.
    await resting.commit({ puts: [...puts, ...(await countGone(gone.splice(0), resting))], deletes });
    tables.failpoint('store.settling');
    [puts, deletes, bytes] = [[], [], 0];
  }
  await resting.commit({
    puts: [
      ...puts,
      ...(await countGone(gone, resting)),
      [ownKeys.settled, encodeNumbers(segment.number, lastCommit)],
      ...(isKept ? [[ownKeys.segment(segment.number), encodeNumbers(segment.bytes, liveBytes)] as const] : []),
    ],
    deletes,
  });
  tables.failpoint('store.settled');
  if (!isKept) tables.segments.remove(segment.number);
  await eraseDead(tables);
}

/**
 * Tells keys that are surely in no table: most are a prefix and a number that grows, or a time, and behind every one with that prefix. To
 * look for each would take as long as to write it.
 */
async function newKeys(keys: readonly string[], resting: Store): Promise<(key: string) => boolean> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(prefixOf(key), (counts.get(prefixOf(key)) ?? 0) + 1);
  const last = new Map<string, string>();
  for (const [prefix, count] of counts) {
    if (count < WORTH_ASKING) continue;
    last.set(prefix, '');
    for await (const [key] of resting.scan(prefix, { reverse: true, limit: 1 })) last.set(prefix, key);
  }
  return (key) => {
    const greatest = last.get(prefixOf(key));
    return greatest !== undefined && key > greatest;
  };
}

function prefixOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** What the tables have under those of the keys that may be in them. */
async function formerOf(
  keys: readonly string[],
  isNew: (key: string) => boolean,
  resting: Store,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const asked = keys.filter((key) => !isNew(key));
  const former = new Map<string, Uint8Array>();
  if (asked.length === 0) return former;
  for (const [i, found] of (await resting.getMany(asked)).entries())
    if (found !== undefined) former.set(asked[i]!, found);
  return former;
}

function restingOf(dataKey: KeyObject, key: string, value: Exclude<Held, null>, isKept: boolean): Uint8Array {
  if (!isLarge(value)) return sealValue(dataKey, key, value);
  if (isKept) return encodePlace({ segment: value.segment.number, ...extentOf(value) });
  return sealValue(dataKey, key, value.recent ?? value.segment.read(key, value));
}

/** Notes which values are to be overwritten, and how much is left of their segments. */
async function countGone(gone: readonly Place[], resting: Store): Promise<Put[]> {
  const puts: Put[] = gone.map((place) => [ownKeys.deadAt(place), encodeNumbers(place.length)]);
  for (const number of new Set(gone.map(({ segment }) => segment))) {
    const record = await resting.get(ownKeys.segment(number));
    if (record === undefined) continue;
    const [bytes, liveBytes] = numbersOf(record);
    const lost = gone.filter(({ segment }) => segment === number).reduce((sum, { length }) => sum + length, 0);
    puts.push([ownKeys.segment(number), encodeNumbers(bytes!, Math.max(0, liveBytes! - lost))]);
  }
  return puts;
}

/** Overwrites what is noted to be gone, and removes segments of which nothing is left. */
export async function eraseDead({
  resting,
  segments,
  failpoint,
}: Pick<Tables, 'resting' | 'segments' | 'failpoint'>): Promise<void> {
  const found = new Map<number, Extent[]>();
  const deletes: string[] = [];
  for await (const [key, length] of resting.scan(ownKeys.dead)) {
    const number = Number(key.slice(ownKeys.dead.length).split('/')[0]);
    const extents = found.get(number) ?? [];
    found.set(number, extents);
    extents.push({ at: lastNumberOf(key), length: numbersOf(length)[0]! });
    deletes.push(key);
  }
  if (deletes.length === 0) return;
  const emptied: number[] = [];
  for (const [number, extents] of found) {
    const record = await resting.get(ownKeys.segment(number));
    // Of a segment that did not stay, nothing is left to overwrite.
    if (record === undefined) continue;
    await segments.get(number).erase(extents);
    if (numbersOf(record)[1] === 0) emptied.push(number);
  }
  failpoint('store.erased');
  await resting.commit({ puts: [], deletes: [...deletes, ...emptied.map((number) => ownKeys.segment(number))] });
  for (const number of emptied) segments.remove(number);
}

function extentOf({ at, length }: Extent): Extent {
  return { at, length };
}
