/**
 * A store that dies at any of its steps, by a signal or with the power, and is opened again, life after life: whatever was acknowledged is
 * there, what was under way is there whole or not at all, and nothing else is.
 */
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FAILPOINTS, codeOf, utf8ToBytes, type Failpoint } from '../../src/base/mod.ts';
import { openJournaled } from '../../src/store/open-store.ts';
import { MemoryStore, type Batch, type NodeStore } from '../../src/store/mod.ts';
import { quickFolder } from '../kit/folder.ts';
import { seedsOf, withSeed, type Random } from '../kit/random.ts';

const LIVES = 24;
const SEEDS = process.env['SLOW'] === '1' ? Number(process.env['ROGATORY_LIVES'] ?? 7_200) / LIVES : 12;
const COMMITS_A_LIFE = 30;
// Segments of some commits each, so that a life sees many of them come and go.
const SHARE = 2e-3;
const SECTOR_BYTES = 512;
const DATA_KEY = new Uint8Array(32).fill(9);
const KEYS = Array.from({ length: 24 }, (_, n) => `${n % 3 === 0 ? 'a' : 'b'}/${n}`);

type Contents = ReadonlyMap<string, string>;

test(`${SEEDS * LIVES} deaths: what was acknowledged is there, and what was under way is whole or not there`, async () => {
  const reached = new Set<string>();
  for (const seed of seedsOf(SEEDS)) await withSeed(seed, (random) => live(random, reached));
  const ours = FAILPOINTS.filter((name) => name.startsWith('store.'));
  expect(ours.filter((name) => !reached.has(name))).toEqual([]);
}, 600_000);

async function live(random: Random, reached: Set<string>): Promise<void> {
  const tables = new MemoryStore();
  const folder = join(quickFolder(), 'journal');
  // What may be found after a power cut, and from which on after a kill: of a process that is killed, the system keeps what it wrote.
  let possible: Contents[] = [new Map()];
  let least = 0;
  let synced: Written = { number: 0, bytes: 0 };
  for (let life = 0; life < LIVES; life++) {
    const fuse = fuseOf(random.below(120), reached);
    const isPower = random.below(2) === 0;
    let store: NodeStore | undefined;
    try {
      store = await openJournaled(tables, folder, DATA_KEY, { failpoint: fuse, share: SHARE });
      possible = [await found(store, possible.slice(least))];
      synced = written(folder);
      for (let n = 0; n < COMMITS_A_LIFE; n++) {
        const batch = batchOf(random);
        const after = applied(possible.at(-1)!, batch);
        // Until it is acknowledged, it may be there and may not.
        possible = [...possible, after];
        await store.commit(batch);
        if (batch.durable === false) continue;
        possible = [after];
        synced = written(folder);
      }
      least = possible.length - 1;
    } catch (error) {
      if (!isInjected(error)) throw error;
      // What was under way may be there and may not; of what could not even be opened, nothing was added.
      if (store !== undefined) least = Math.max(0, possible.length - 2);
    }
    // What it was doing beside comes to its own next step, and ends there.
    await store?.close();
    if (!isPower) continue;
    cutPower(folder, synced, random);
    least = 0;
  }
  const last = await openJournaled(tables, folder, DATA_KEY, { share: SHARE });
  await found(last, possible.slice(least));
  await last.close();
}

/** What a store holds is one of the contents that are possible. */
async function found(store: NodeStore, possible: readonly Contents[]): Promise<Contents> {
  const contents = new Map<string, string>();
  for await (const [key, value] of store.scan('')) contents.set(key, Buffer.from(value).toString('latin1'));
  for (const key of KEYS) {
    const value = await store.get(key);
    expect(value === undefined ? undefined : Buffer.from(value).toString('latin1')).toBe(contents.get(key));
  }
  const texts = possible.map(textOf);
  expect(texts).toContain(textOf(contents));
  return contents;
}

function textOf(contents: Contents): string {
  return JSON.stringify(
    [...contents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, v.length, v.slice(0, 8)]),
  );
}

function batchOf(random: Random): Batch {
  const keys = KEYS.filter(() => random.below(8) === 0);
  const large = random.below(3) === 0;
  const puts = keys.slice(1).map((key) => {
    const head = utf8ToBytes(String(random.below(1e8)).padStart(8, '0'));
    const value = new Uint8Array(large ? 2048 + random.below(3000) : 8 + random.below(200)).fill(random.below(256));
    value.set(head);
    return [key, value] as const;
  });
  return { puts, deletes: keys.slice(0, 1), durable: random.below(4) > 0 };
}

function applied(contents: Contents, { puts, deletes = [] }: Batch): Contents {
  const after = new Map(contents);
  for (const key of deletes) after.delete(key);
  for (const [key, value] of puts) after.set(key, Buffer.from(value).toString('latin1'));
  return after;
}

/** Ends the process, as it were, at its n-th step: that step and every later one fail. */
function fuseOf(steps: number, reached: Set<string>): Failpoint {
  let left = steps;
  return (name) => {
    reached.add(name);
    if (left-- <= 0) throw new Error('injected: the process is dead');
  };
}

function isInjected(error: unknown): boolean {
  const cause = codeOf(error) === 'INTERNAL' ? error : (error as { readonly cause?: unknown }).cause;
  return cause instanceof Error && cause.message.startsWith('injected');
}

interface Written {
  readonly number: number;
  readonly bytes: number;
}

function written(folder: string): Written {
  const name = readdirSync(folder).sort().at(-1)!;
  // Ahead of the records there may be zeros.
  const bytes = readFileSync(join(folder, name));
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return { number: Number.parseInt(name, 10), bytes: Math.min(bytes.length, Math.ceil(end / 32) * 32) };
}

/** Of what was not flushed, the end is missing or a sector was not written. */
function cutPower(folder: string, synced: Written, random: Random): void {
  const name = readdirSync(folder).sort().at(-1);
  if (name === undefined) return;
  const path = join(folder, name);
  const { size } = statSync(path);
  const sure = Number.parseInt(name, 10) === synced.number ? Math.min(synced.bytes, size) : 0;
  if (random.below(2) === 0) {
    truncateSync(path, sure + random.below(size - sure + 1));
    return;
  }
  const bytes = readFileSync(path);
  const sector = Math.floor((sure + random.below(Math.max(1, size - sure))) / SECTOR_BYTES) * SECTOR_BYTES;
  bytes.fill(0, Math.max(sure, sector), Math.min(size, sector + SECTOR_BYTES));
  writeFileSync(path, bytes);
}
