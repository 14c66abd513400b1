import { describe, expect, test } from 'vitest';
import { BatchWrites } from '../../src/exchange/batch-writes.ts';
import { RecentRecords } from '../../src/exchange/recent-records.ts';
import { decodeRecord, encodeRecord } from '../../src/exchange/record.ts';
import { MemoryStore, type Store } from '../../src/store/mod.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A store that counts what it is asked. */
async function counted(): Promise<{ readonly store: Store; readonly asked: string[] }> {
  const below = new MemoryStore();
  await below.commit({ puts: [['a', encodeRecord({ n: 1 })]] });
  const asked: string[] = [];
  const store = Object.assign(Object.create(below) as Store, {
    get: (key: string) => {
      asked.push(key);
      return below.get(key);
    },
  });
  return { store, asked };
}

describe('the writes of a batch', () => {
  test('are seen by who reads through them; a fork that is not merged leaves nothing', async () => {
    const { store } = await counted();
    const batch = new BatchWrites(new RecentRecords(store));
    batch.put('b', bytes('2'));
    const kept = batch.fork();
    expect(await kept.get('a')).toEqual({ n: 1 });
    kept.delete('a');
    kept.putRecord('c', { n: 3 });
    expect(await kept.get('a')).toBeUndefined();
    expect(await kept.getBytes('b')).toEqual(bytes('2'));
    const dropped = batch.fork();
    dropped.put('d', bytes('4'));
    batch.merge(kept);
    expect(await batch.get('a')).toBeUndefined();
    expect(await batch.getBytes('d')).toBeUndefined();
    expect(await batch.get('c')).toEqual({ n: 3 });
    expect(await batch.getBytes('c')).toEqual(encodeRecord({ n: 3 }));
    const { puts, deletes } = batch.encode();
    expect(puts).toEqual([
      ['b', bytes('2')],
      ['c', encodeRecord({ n: 3 })],
    ]);
    expect(deletes).toEqual(['a']);
    expect(decodeRecord((await store.get('a'))!)).toEqual({ n: 1 });
  });

  test('a part of the keys is given with what the batch has added and taken away', async () => {
    const store = new MemoryStore();
    const puts = ['a/1', 'a/3', 'a/4', 'b/1'].map((key): [string, Uint8Array] => [key, bytes(key)]);
    await store.commit({ puts });
    const batch = new BatchWrites(new RecentRecords(store));
    batch.put('a/2', bytes('2'));
    batch.delete('a/3');
    const fork = batch.fork();
    fork.putRecord('a/5', { n: 5 });
    fork.delete('a/4');
    fork.put('b/2', bytes('2'));
    expect(await fork.keysUnder('a/')).toEqual(['a/1', 'a/2', 'a/5']);
    expect(await batch.keysUnder('a/')).toEqual(['a/1', 'a/2', 'a/4']);
    batch.merge(fork);
    expect(await batch.keysUnder('a/')).toEqual(['a/1', 'a/2', 'a/5']);
  });

  test('a record that bytes have replaced is read from those', async () => {
    const batch = new BatchWrites(new RecentRecords(new MemoryStore()));
    batch.putRecord('a', { n: 1 });
    batch.put('a', encodeRecord({ n: 2 }));
    expect(await batch.get('a')).toEqual({ n: 2 });
    expect([...batch.encode().records.keys()]).toEqual([]);
  });
});

describe('recent records', () => {
  test('what was written is given without asking the store, until it is to be something else', async () => {
    const { store, asked } = await counted();
    const records = new RecentRecords(store);
    records.remember('a', { record: { n: 2 }, bytes: 7 });
    expect(await records.get('a')).toEqual({ n: 2 });
    expect(asked).toEqual([]);
    records.forget('a');
    expect(await records.get('a')).toEqual({ n: 1 });
    expect(asked).toEqual(['a']);
    // What was only read may be older than what is being written, and is not kept.
    await records.get('a');
    expect(asked).toEqual(['a', 'a']);
  });

  test('the oldest make room: what is remembered is bounded in number and in bytes', async () => {
    const { store, asked } = await counted();
    const records = new RecentRecords(store);
    for (const [count, bytes] of [
      [8192, 2],
      [2, 1024 * 1024],
    ] as const) {
      records.remember('a', { record: { n: 2 }, bytes: 7 });
      for (let i = 0; i < count; i++) records.remember(`k${i}`, { record: { i }, bytes });
      expect(await records.get('a')).toEqual({ n: 1 });
      expect(await records.get(`k${count - 1}`)).toEqual({ i: count - 1 });
      expect(asked.splice(0)).toEqual(['a']);
    }
  });

  test('what is written again is not given as it was', async () => {
    const { store } = await counted();
    const records = new RecentRecords(store);
    records.remember('a', { record: { n: 2 }, bytes: 7 });
    for (let i = 0; i < 4096; i++) records.remember(`k${i}`, { record: {}, bytes: 2 });
    expect(await records.get('a')).toEqual({ n: 2 });
    records.remember('a', { record: { n: 3 }, bytes: 7 });
    expect(await records.get('a')).toEqual({ n: 3 });
    records.forget('a');
    expect(await records.get('a')).toEqual({ n: 1 });
  });
});
