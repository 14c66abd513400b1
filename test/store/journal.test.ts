/** What the journal leaves on the disk, read and spoilt byte by byte. */
import { createSecretKey } from 'node:crypto';
import { cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { codeOf, utf8ToBytes } from '../../src/base/mod.ts';
import { openJournaled } from '../../src/store/open-store.ts';
import { openValue, sealValue } from '../../src/store/sealed-value.ts';
import { MemoryStore, openStore, type NodeStore, type Put, type Store } from '../../src/store/mod.ts';
import { quickFolder } from '../kit/folder.ts';

const DATA_KEY = new Uint8Array(32).fill(7);
// Every commit is a segment of its own, and its large values stay in it.
const AT_ONCE = { share: 0 };
const CANARY = utf8ToBytes('quokka-7f31-lighthouse');

/** A value that stays where it is written. */
function large(fill: number, length = 3000): Uint8Array {
  const value = new Uint8Array(length).fill(fill);
  value.set(CANARY, 100);
  return value;
}

async function contentsOf(store: Store): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const [key, value] of store.scan('')) found[key] = Buffer.from(value).toString('latin1');
  return found;
}

/** Tables and a journal that tests take copies of. */
async function made(
  commits: (store: NodeStore) => Promise<void>,
  options = {},
): Promise<{ tables: MemoryStore; folder: string }> {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const store = await openJournaled(tables, folder, DATA_KEY, options);
  await commits(store);
  await store.close();
  return { tables, folder };
}

function segmentFiles(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

async function tablesLike(tables: MemoryStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  for await (const put of tables.scan('')) await copy.commit({ puts: [put] });
  return copy;
}

test('nothing of a value stands on the disk as it is', async () => {
  const { tables, folder } = await made(async (store) => {
    await store.commit({
      puts: [
        ['small', CANARY],
        ['large', large(1)],
      ],
    });
    await store.commit({ puts: [['next', CANARY]] });
    await store.commit({ puts: [['last', large(2)]] });
  }, AT_ONCE);
  for (const file of segmentFiles(folder)) expect(readFileSync(file).includes(Buffer.from(CANARY))).toBe(false);
  for await (const [, value] of tables.scan('')) expect(Buffer.from(value).includes(Buffer.from(CANARY))).toBe(false);
});

test('every flipped bit of a journal that is not settled is damage, whatever it is in', async () => {
  const { tables, folder } = await made(async (store) => {
    await store.commit({
      puts: [
        ['a', utf8ToBytes('one')],
        ['b', large(1)],
      ],
    });
    await store.commit({ puts: [['c', utf8ToBytes('two')]], deletes: ['a'] });
    await store.commit({ puts: [['d', utf8ToBytes('three')]] });
  });
  const [file] = segmentFiles(folder);
  const bytes = readFileSync(file!);
  let harmless = 0;
  // Of the large value's ciphertext every ninth byte; of all else every bit.
  const bits = Array.from({ length: bytes.length * 8 }, (_, bit) => bit).filter(
    (bit) => bit < 8 * 400 || bit > 8 * (bytes.length - 400) || bit % 72 === 0,
  );
  for (const bit of bits) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    for (const other of segmentFiles(folder)) rmSync(other);
    writeFileSync(file!, flipped);
    const opened = await openJournaled(await tablesLike(tables), folder, DATA_KEY).then(async (store) => {
      expect(Object.keys(await contentsOf(store))).toEqual(['b', 'c', 'd']);
      await store.close();
      return 'whole';
    }, codeOf);
    // Between two records there are up to 31 bytes of nothing.
    if (opened === 'whole') harmless++;
    else expect({ bit, opened }).toEqual({ bit, opened: 'STORE_CORRUPT' });
  }
  expect(harmless).toBeLessThan(2 * 31 * 8);
}, 120_000);

test('cut anywhere, a journal holds the commits before the cut', async () => {
  const { tables, folder } = await made(async (store) => {
    for (const n of [1, 2, 3])
      await store.commit({ puts: [[`key ${n}`, n === 2 ? large(n, 2100) : utf8ToBytes('x')]] });
  });
  const [file] = segmentFiles(folder);
  const bytes = readFileSync(file!);
  const seen = new Set<number>();
  for (let length = bytes.length; length >= 0; length -= length > 2500 || length < 300 ? 1 : 37) {
    for (const other of segmentFiles(folder)) rmSync(other);
    writeFileSync(file!, bytes.subarray(0, length));
    const store = await openJournaled(await tablesLike(tables), folder, DATA_KEY);
    const keys = Object.keys(await contentsOf(store));
    expect(keys).toEqual(['key 1', 'key 2', 'key 3'].slice(0, keys.length));
    seen.add(keys.length);
    await store.close();
  }
  expect([...seen].sort()).toEqual([0, 1, 2, 3]);
}, 120_000);

test('a large value stays where it was written, and a changed bit, a cut and another place of it are errors', async () => {
  const { tables, folder } = await made(async (store) => {
    await store.commit({
      puts: [
        ['a', large(1)],
        ['b', large(2)],
      ],
    });
    await store.commit({ puts: [['c', utf8ToBytes('x')]] });
    await store.commit({ puts: [['d', utf8ToBytes('x')]] });
  }, AT_ONCE);
  const [a, b] = [(await tables.get('a'))!, (await tables.get('b'))!];
  expect([a[0], a.length, b.length]).toEqual([2, 13, 13]);
  const kept = segmentFiles(folder)[0]!;
  const bytes = readFileSync(kept);
  const at = Buffer.from(a).readUInt32BE(5);
  const read = async (): Promise<string> => {
    // A start changes what is there.
    const copy = join(quickFolder(), 'journal');
    cpSync(folder, copy, { recursive: true });
    const store = await openJournaled(await tablesLike(tables), copy, DATA_KEY).catch(codeOf);
    if (typeof store === 'string') return store;
    const found = await Promise.all(['a', 'b'].map((key) => store.get(key).then((value) => value![0], codeOf)));
    await store.close();
    return found.join(' ');
  };
  expect(await read()).toBe('1 2');
  for (const offset of [at, at + 1500, at + 3015]) {
    const flipped = Buffer.from(bytes);
    flipped[offset]! ^= 4;
    writeFileSync(kept, flipped);
    expect(await read()).toBe('STORE_CORRUPT 2');
  }
  writeFileSync(kept, bytes);
  await tables.commit({ puts: [['a', b]] });
  expect(await read()).toBe('STORE_CORRUPT 2');
  await tables.commit({ puts: [['a', a]] });
  truncateSync(kept, bytes.length - 1);
  expect(await read()).toBe('STORE_CORRUPT');
  rmSync(kept);
  expect(await read()).toBe('STORE_CORRUPT');
  writeFileSync(kept, bytes);
  expect(await read()).toBe('1 2');
});

/** Where every commit fills a segment: brings everything before into the tables. One more segment is full, and one is being settled. */
async function tick(store: NodeStore): Promise<void> {
  for (const n of [1, 2, 3]) await store.commit({ puts: [['tick', utf8ToBytes(String(n))]] });
}

test('what the next segment replaces or deletes never reaches the tables, and is overwritten', async () => {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const put = new Set<string>();
  const commit = tables.commit.bind(tables);
  tables.commit = (batch) => {
    for (const [key] of batch.puts) put.add(key);
    return commit(batch);
  };
  const store = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  await store.commit({
    puts: [
      ['replaced', large(1)],
      ['deleted', large(2)],
      ['stays', large(3, 9000)],
      ['queued', CANARY],
    ],
  });
  const first = segmentFiles(folder).at(-1)!;
  await store.commit({ puts: [['replaced', large(4)]], deletes: ['deleted', 'queued'] });
  await tick(store);
  const places = Object.fromEntries(['replaced', 'deleted', 'queued', 'stays'].map((key) => [key, put.has(key)]));
  expect(places).toEqual({ replaced: true, deleted: false, queued: false, stays: true });
  const at = Buffer.from((await tables.get('stays'))!).readUInt32BE(5);
  const bytes = readFileSync(first);
  // The three lie one after another, in the order in which they were written.
  const isErased = (start: number): boolean => bytes.subarray(start, start + 3016).every((byte) => byte === 0);
  expect([at - 2 * 3016, at - 3016, at].map(isErased)).toEqual([true, true, false]);
  expect(await contentsOf(store)).toEqual({
    replaced: Buffer.from(large(4)).toString('latin1'),
    stays: Buffer.from(large(3, 9000)).toString('latin1'),
    tick: '3',
  });
  await store.close();
});

test('of many keys, those that are settled while the tables are asked for the others are read all the same', async () => {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const store = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  // Longer than what is kept in memory beside the segment.
  const value = large(1, 600_000);
  await store.commit({ puts: [['a', value]] });
  const ask = tables.getMany.bind(tables);
  tables.getMany = async (keys) => {
    if (keys.includes('absent')) await tick(store);
    return ask(keys);
  };
  const found = await store.getMany(['a', 'absent', 'a']);
  expect(await tables.get('a')).toBeDefined();
  expect(found.map((each) => each && Buffer.compare(each, value))).toEqual([0, undefined, 0]);
  await store.close();
});

test('a value that is deleted is overwritten a minute later, however quiet it is', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
    const store = await openJournaled(tables, folder, DATA_KEY, { share: 0.002 });
    await store.commit({
      puts: [
        ['a', large(1)],
        ['b', new Uint8Array(6000).fill(2)],
      ],
    });
    const file = segmentFiles(folder).at(-1)!;
    const before = readFileSync(file);
    await store.commit({ puts: [], deletes: ['a'] });
    vi.advanceTimersByTime(60_000);
    while ((await tables.get('b')) === undefined) await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    const at = Buffer.from((await tables.get('b'))!).readUInt32BE(5);
    expect(before.subarray(at - 3016, at).every((byte) => byte === 0)).toBe(false);
    expect(
      readFileSync(file)
        .subarray(at - 3016, at)
        .every((byte) => byte === 0),
    ).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('a value that is deleted or replaced is overwritten on the disk, and a segment without any other goes', async () => {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const store = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  const settled = (): Promise<void> => tick(store);
  await store.commit({
    puts: [
      ['a', large(1)],
      ['b', large(2)],
    ],
  });
  const kept = segmentFiles(folder).at(-1)!;
  await settled();
  const [a, b] = [(await tables.get('a'))!, (await tables.get('b'))!].map((place) =>
    Buffer.from(place).readUInt32BE(5),
  );
  const lies = (at: number): Buffer => readFileSync(kept).subarray(at, at + 3016);
  expect(lies(a!).every((byte) => byte === 0)).toBe(false);
  await store.commit({ puts: [], deletes: ['a'] });
  await settled();
  expect(lies(a!).every((byte) => byte === 0)).toBe(true);
  expect(await store.get('a')).toBeUndefined();
  expect(await store.get('b')).toEqual(large(2));
  expect(lies(b!).every((byte) => byte === 0)).toBe(false);
  await store.commit({ puts: [['b', utf8ToBytes('short')]] });
  await settled();
  expect(segmentFiles(folder)).not.toContain(kept);
  expect(await store.get('b')).toEqual(utf8ToBytes('short'));
  await store.close();
});

test('a value that is deleted is overwritten also where the process ended when half of that was in the tables', async () => {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const first = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  await first.commit({
    puts: [
      ['a', large(1)],
      ['b', large(2)],
    ],
  });
  const kept = segmentFiles(folder).at(-1)!;
  await tick(first);
  await first.close();
  const at = Buffer.from((await tables.get('a'))!).readUInt32BE(5);
  const isErased = (): boolean =>
    readFileSync(kept)
      .subarray(at, at + 3016)
      .every((byte) => byte === 0);
  let isGone = false;
  const commit = tables.commit.bind(tables);
  tables.commit = (batch) => {
    isGone ||= batch.deletes?.includes('a') === true;
    return commit(batch);
  };
  const dying = await openJournaled(tables, folder, DATA_KEY, {
    ...AT_ONCE,
    failpoint: (name) => {
      if (isGone && name === 'store.settling') throw new Error('the process is dead');
    },
  });
  await dying.commit({ puts: [], deletes: ['a'] });
  await expect(tick(dying).then(() => tick(dying))).rejects.toThrow();
  await dying.close();
  expect([await tables.get('a'), isErased()]).toEqual([undefined, false]);
  const last = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  await tick(last);
  expect([await last.get('a'), isErased()]).toEqual([undefined, true]);
  expect(await last.get('b')).toEqual(large(2));
  // And what is left of the segment is counted right: it goes with the last value in it.
  await last.commit({ puts: [], deletes: ['b'] });
  await tick(last);
  expect(segmentFiles(folder)).not.toContain(kept);
  await last.close();
});

test('of many keys that grow, those that were there before are replaced, deleted and overwritten like any', async () => {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const store = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  const keyOf = (n: number): string => `k/${String(n).padStart(3, '0')}`;
  const evens = Array.from({ length: 40 }, (_, i) => 2 * i);
  await store.commit({ puts: evens.map((n) => [keyOf(n), large(n)]) });
  const kept = segmentFiles(folder).at(-1)!;
  await tick(store);
  const places = new Map<number, number>();
  for (const n of [2, 4, 6, 78]) places.set(n, Buffer.from((await tables.get(keyOf(n)))!).readUInt32BE(5));
  // Two that are replaced, the last of all among them, one between, and twenty behind; two that go, of which one was never there.
  const newer = [2, 3, 78, ...Array.from({ length: 20 }, (_, i) => 79 + i)];
  await store.commit({ puts: newer.map((n) => [keyOf(n), large(100 + n)]), deletes: [keyOf(4), keyOf(200)] });
  await tick(store);
  const expected = Object.fromEntries(
    [...new Set([...evens, ...newer])].filter((n) => n !== 4).map((n) => [keyOf(n), newer.includes(n) ? 100 + n : n]),
  );
  for (const [key, fill] of Object.entries(expected)) expect(await store.get(key)).toEqual(large(fill));
  expect(Object.keys(await contentsOf(store))).toEqual([...Object.keys(expected), 'tick'].sort());
  const bytes = readFileSync(kept);
  const isErased = (n: number): boolean =>
    bytes.subarray(places.get(n), places.get(n)! + 3016).every((byte) => byte === 0);
  expect([2, 4, 6, 78].map(isErased)).toEqual([true, true, false, true]);
  await store.close();
});

test('a reader who began before sees what was there then, and of what is erased meanwhile nothing', async () => {
  const store = await openStore(join(quickFolder(), 'store'), DATA_KEY, AT_ONCE);
  await store.commit({
    puts: [
      ['a', utf8ToBytes('1')],
      ['b', utf8ToBytes('1')],
      ['c', large(1)],
      ['d', utf8ToBytes('1')],
    ],
  });
  for (const n of [1, 2, 3]) await store.commit({ puts: [['e', utf8ToBytes(String(n))]] });
  const seen: string[] = [];
  for await (const [key, value] of store.scan('')) {
    seen.push(`${key} ${value[0]}`);
    if (key !== 'a') continue;
    await store.commit({
      puts: [
        ['b', utf8ToBytes('2')],
        ['f', utf8ToBytes('2')],
      ],
      deletes: ['c', 'd'],
    });
    await tick(store);
  }
  expect(seen).toEqual(['a 49', 'b 49', 'd 49', 'e 51']);
  await store.close();
});

test('a backup has every record under a seal of its own, wherever it is', async () => {
  const [tables, folder] = [new MemoryStore(), join(quickFolder(), 'journal')];
  const store = await openJournaled(tables, folder, DATA_KEY, AT_ONCE);
  await store.commit({
    puts: [
      ['a', large(1)],
      ['b', utf8ToBytes('old')],
    ],
  });
  for (const n of [1, 2, 3]) await store.commit({ puts: [['b', utf8ToBytes(String(n))]] });
  const restored = new MemoryStore();
  const records: Put[] = [];
  for await (const put of store.records()) records.push(put);
  await restored.commit({ puts: records });
  const again = await openJournaled(restored, join(quickFolder(), 'journal'), DATA_KEY);
  expect(await contentsOf(again)).toEqual(await contentsOf(store));
  expect(records.map(([key]) => key)).toEqual(['a', 'b']);
  await Promise.all([again.close(), store.close()]);
});

test('a start writes anew what is not settled, and needs the former journal no more', async () => {
  const { tables, folder } = await made((store) =>
    store.commit({
      puts: [
        ['a', large(1)],
        ['b', CANARY],
      ],
    }),
  );
  const [former] = segmentFiles(folder);
  const store = await openJournaled(tables, folder, DATA_KEY);
  expect(segmentFiles(folder)).not.toContain(former);
  expect(segmentFiles(folder).map((file) => statSync(file).size > 3000)).toEqual([true]);
  expect(await contentsOf(store)).toEqual({
    a: Buffer.from(large(1)).toString('latin1'),
    b: Buffer.from(CANARY).toString('latin1'),
  });
  await store.close();
});

test('of a journal that lacks a segment, or is under another data key, nothing is believed', async () => {
  const { tables, folder } = await made(async (store) => {
    await store.commit({ puts: [['a', CANARY]] });
  });
  const reopened = (key: Uint8Array): Promise<string> =>
    openJournaled(tables, folder, key).then(() => 'opened', codeOf);
  expect(await reopened(new Uint8Array(32))).toBe('STORE_CORRUPT');
  const [file] = segmentFiles(folder);
  writeFileSync(join(folder, '0000000002.segment'), readFileSync(file!));
  expect(await reopened(DATA_KEY)).toBe('STORE_CORRUPT');
  rmSync(join(folder, '0000000002.segment'));
  const second = await openJournaled(tables, folder, DATA_KEY);
  await second.close();
  const before = await tablesLike(tables);
  const third = await openJournaled(tables, folder, DATA_KEY);
  await third.close();
  expect(segmentFiles(folder).map((name) => name.slice(-18))).toEqual(['0000000003.segment']);
  // The tables know nothing of what the second held, and it is not there.
  const codeOfOlder = await openJournaled(before, folder, DATA_KEY).then(() => 'opened', codeOf);
  expect(codeOfOlder).toBe('STORE_CORRUPT');
});

test('a value in a table: every flipped bit, another name and another key are errors, never answers', () => {
  const key = createSecretKey(DATA_KEY);
  const sealed = sealValue(key, 'a', utf8ToBytes('one'));
  expect(openValue(key, 'a', sealed)).toEqual(utf8ToBytes('one'));
  const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' }) as Error;
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = sealed.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => openValue(key, 'a', flipped)).toThrow(corrupt);
  }
  for (let length = 0; length < sealed.length; length++)
    expect(() => openValue(key, 'a', sealed.subarray(0, length))).toThrow(corrupt);
  expect(() => openValue(key, 'b', sealed)).toThrow(corrupt);
  expect(() => openValue(createSecretKey(new Uint8Array(32)), 'a', sealed)).toThrow(corrupt);
  expect(Buffer.compare(sealed, sealValue(key, 'a', utf8ToBytes('one')))).not.toBe(0);
});
