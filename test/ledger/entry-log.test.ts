import { describe, expect, test } from 'vitest';
import { EntryLog } from '../../src/ledger/entry-log.ts';
import { MemoryStore } from '../../src/store/mod.ts';

const entryAt = (index: number): Uint8Array =>
  Uint8Array.from({ length: 1 + (index % 40) }, (_, i) => (index * 31 + i) % 256);

/** A log of so many entries, appended in batches of the sizes given, over and over. */
async function logOf(size: number, batches: readonly number[]): Promise<{ store: MemoryStore; log: EntryLog }> {
  const store = new MemoryStore();
  const log = EntryLog.empty(store);
  let at = 0;
  for (let turn = 0; at < size; turn++) {
    const count = Math.min(batches[turn % batches.length]!, size - at);
    const writes = log.append(Array.from({ length: count }, (_, i) => entryAt(at + i)));
    await store.commit(writes);
    writes.done();
    at += count;
  }
  return { store, log };
}

async function keysOf(store: MemoryStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.scan('ledger/')) keys.push(key);
  return keys;
}

describe('entries in the store', () => {
  test.each([
    [0, [1]],
    [255, [1]],
    [256, [1]],
    [257, [100]],
    [1000, [1, 255, 7]],
    [1100, [600, 3]],
  ])('%i of them, whatever the batches, are read back and stored once', async (size, batches) => {
    const { store, log } = await logOf(size, batches);
    const all = Array.from({ length: size }, (_, i) => entryAt(i));
    expect(await log.read(0, size)).toEqual(all);
    for (const [start, end] of [
      [0, 1],
      [250, 270],
      [size - 1, size],
    ] as const)
      if (start >= 0 && end <= size) expect(await log.read(start, end)).toEqual(all.slice(start, end));
    const keys = await keysOf(store);
    expect(keys.filter((key) => key.startsWith('ledger/bundle/'))).toHaveLength(Math.floor(size / 256));
    const runs = keys
      .filter((key) => key.startsWith('ledger/run/'))
      .map((key) => Number(key.slice('ledger/run/'.length)));
    expect(runs.every((at) => at >= size - (size % 256) && at < size)).toBe(true);
    expect(runs.length > 0).toBe(size % 256 > 0);

    const seen: Uint8Array[] = [];
    const again = await EntryLog.open(store, size, (entries) => seen.push(...entries));
    expect(seen).toEqual(all);
    expect(await again.read(0, size)).toEqual(all);
  });

  test('what is read is the caller’s: changing it changes no later answer', async () => {
    const { log } = await logOf(300, [50]);
    for (const entry of await log.read(0, 256)) entry.fill(255);
    expect(await log.read(0, 256)).toEqual(Array.from({ length: 256 }, (_, i) => entryAt(i)));
  });

  test('what is not done yet is not read', async () => {
    const { store, log } = await logOf(250, [50]);
    const writes = log.append([251, 252, 253, 254, 255, 256, 257].map((_, i) => entryAt(250 + i)));
    await store.commit(writes);
    await expect(log.read(240, 257)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(await log.read(240, 250)).toHaveLength(10);
    writes.done();
    expect(await log.read(240, 257)).toHaveLength(17);
  });

  test.each([
    ['a bundle', 'ledger/bundle/0000000000000000'],
    ['a run of the tail', 'ledger/run/0000000000000279'],
  ])('without %s it is corrupt', async (_what, key) => {
    const { store } = await logOf(310, [31]);
    await store.commit({ puts: [], deletes: [key] });
    await expect(EntryLog.open(store, 310, () => undefined)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  test('a bundle of too few entries is corrupt', async () => {
    const { store } = await logOf(310, [31]);
    const key = 'ledger/bundle/0000000000000000';
    const bundle = (await store.get(key))!;
    const first = 2 + bundle[0]! * 256 + bundle[1]!;
    await store.commit({ puts: [[key, bundle.slice(first)]] });
    await expect(EntryLog.open(store, 310, () => undefined)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });
});
