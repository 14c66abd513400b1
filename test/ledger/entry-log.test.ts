import { describe, expect, test } from 'vitest';
import { EntryLog } from '../../src/ledger/entry-log.ts';
import { encodeEntryBundle, parseEntryBundle } from '../../src/ledger/mod.ts';
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
    [31, [1]],
    [32, [1]],
    [33, [20]],
    [256, [32]],
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
    expect(keys.filter((key) => key.startsWith('ledger/block/'))).toHaveLength(Math.floor(size / 32));
    const runs = keys
      .filter((key) => key.startsWith('ledger/run/'))
      .map((key) => Number(key.slice('ledger/run/'.length)));
    expect(runs.every((at) => at >= size - (size % 32) && at < size)).toBe(true);
    expect(runs.length > 0).toBe(size % 32 > 0);

    const seen: Uint8Array[] = [];
    const again = await EntryLog.open(store, size, (parts, count) => {
      const entries = parts.flatMap(parseEntryBundle);
      expect(entries).toHaveLength(count);
      seen.push(...entries);
      return Promise.resolve();
    });
    expect(seen).toEqual(all);
    expect(await again.read(0, size)).toEqual(all);
  });

  test('what is read is the caller’s: changing it changes no later answer', async () => {
    const { log } = await logOf(300, [50]);
    for (const entry of await log.read(0, 256)) entry.fill(255);
    expect(await log.read(0, 256)).toEqual(Array.from({ length: 256 }, (_, i) => entryAt(i)));
  });

  test('published bundles are 256 wide, whatever the store’s blocks, whether these are in memory or not', async () => {
    const size = 600;
    const { store, log } = await logOf(size, [7]);
    const again = await EntryLog.open(store, size, () => Promise.resolve());
    // In memory are then some blocks of a bundle, and not the others.
    await again.read(300, 301);
    for (const each of [log, again])
      for (const end of [1, 31, 32, 33, 255, 256, 257, 288, 511, 512, 513, 544, 600]) {
        const index = Math.floor((end - 1) / 256);
        const width = end - index * 256;
        const entries = Array.from({ length: width }, (_, i) => entryAt(index * 256 + i));
        expect(await each.bundleBytes(index, width)).toEqual(encodeEntryBundle(entries));
      }
  });

  test('what is not done yet is not read', async () => {
    const { store, log } = await logOf(250, [50]);
    const writes = log.append(Array.from({ length: 7 }, (_, i) => entryAt(250 + i)));
    await store.commit(writes);
    await expect(log.read(240, 257)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(await log.read(240, 250)).toHaveLength(10);
    writes.done();
    expect(await log.read(240, 257)).toHaveLength(17);
  });

  test.each([
    ['a block', 'ledger/block/0000000000000000'],
    ['a run of the tail', 'ledger/run/0000000000000288'],
  ])('without %s it is corrupt', async (_what, key) => {
    const { store } = await logOf(310, [31]);
    await store.commit({ puts: [], deletes: [key] });
    await expect(EntryLog.open(store, 310, () => Promise.resolve())).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  test('a block of too few entries is corrupt', async () => {
    const { store } = await logOf(310, [31]);
    const key = 'ledger/block/0000000000000000';
    const block = (await store.get(key))!;
    const first = 2 + block[0]! * 256 + block[1]!;
    await store.commit({ puts: [[key, block.slice(first)]] });
    await expect(EntryLog.open(store, 310, () => Promise.resolve())).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });
});
