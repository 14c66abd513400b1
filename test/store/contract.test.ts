import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { utf8ToBytes } from '../../src/base/mod.ts';
import { openJournaled } from '../../src/store/open-store.ts';
import { MemoryStore, openLevelStore, openStore, type Put, type Store } from '../../src/store/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { fc } from '../kit/property.ts';

const DATA_KEY = new Uint8Array(32).fill(7);
const ENGINES: Readonly<Record<string, () => Promise<Store>>> = {
  memory: () => Promise.resolve(new MemoryStore()),
  level: () => openLevelStore(join(temporaryFolder(), 'store')),
  journaled: () => openStore(join(temporaryFolder(), 'store'), DATA_KEY),
  // Every commit begins another segment, so that what is asked for is in the tables, on its way there, or in the journal.
  'journaled, settled at once': () => openStore(join(temporaryFolder(), 'store'), DATA_KEY, { share: 0 }),
  'journaled, over memory': () =>
    openJournaled(new MemoryStore(), join(temporaryFolder(), 'journal'), DATA_KEY, { share: 1e-4 }),
};
const bytes = (text: string): Uint8Array => utf8ToBytes(text);

async function collect(items: AsyncIterable<Put>): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const [key, value] of items) found.push([key, Buffer.from(value).toString('utf8')]);
  return found;
}

describe.each(Object.entries(ENGINES))('%s', (_name, open) => {
  test('keeps what it is given, and nothing of a value changes with the caller’s copy', async () => {
    const store = await open();
    const value = bytes('one');
    await store.commit({ puts: [['a', value]] });
    value.fill(0);
    expect(await store.get('a')).toEqual(bytes('one'));
    (await store.get('a'))!.fill(0);
    expect(await store.get('a')).toEqual(bytes('one'));
    expect(await store.get('b')).toBeUndefined();
    expect(await store.getMany(['b', 'a'])).toEqual([undefined, bytes('one')]);
    await store.commit({ puts: [['a', new Uint8Array()]] });
    expect(await store.get('a')).toEqual(new Uint8Array());
    await store.close();
  });

  test('scans by prefix in order, from either end, up to a limit', async () => {
    const store = await open();
    const keys = ['a/1', 'a/2', 'a/10', 'b/1', 'a', 'a0'];
    await store.commit({ puts: keys.map((key) => [key, bytes(key)] as const) });
    expect((await collect(store.scan('a/'))).map(([key]) => key)).toEqual(['a/1', 'a/10', 'a/2']);
    expect((await collect(store.scan('a/', { reverse: true, limit: 2 }))).map(([key]) => key)).toEqual(['a/2', 'a/10']);
    expect(await collect(store.scan('c'))).toEqual([]);
    await store.close();
  });

  test('writes only when the expectation holds, and then all of it', async () => {
    const store = await open();
    const conflict = expect.objectContaining({ code: 'STORE_CONFLICT' }) as Error;
    const puts: Put[] = [
      ['head', bytes('1')],
      ['x', bytes('x')],
    ];
    await expect(store.commit({ expect: { key: 'head', value: bytes('0') }, puts })).rejects.toThrow(conflict);
    expect(await store.get('x')).toBeUndefined();
    await store.commit({ expect: { key: 'head', value: undefined }, puts });
    await expect(store.commit({ expect: { key: 'head', value: undefined }, puts })).rejects.toThrow(conflict);
    await store.commit({ expect: { key: 'head', value: bytes('1') }, puts: [['head', bytes('2')]], deletes: ['x'] });
    expect(await store.getMany(['head', 'x'])).toEqual([bytes('2'), undefined]);
    await store.close();
  });

  test('expects a value, and not the one time that it was written', async () => {
    const store = await open();
    const conflict = expect.objectContaining({ code: 'STORE_CONFLICT' }) as Error;
    const put = (value: string): Put[] => [['head', bytes(value)]];
    await store.commit({ expect: { key: 'head', value: undefined }, puts: put('1') });
    await store.commit({ expect: { key: 'head', value: bytes('1') }, puts: put('2') });
    await store.commit({ puts: put('other') });
    await expect(store.commit({ expect: { key: 'head', value: bytes('2') }, puts: put('3') })).rejects.toThrow(
      conflict,
    );
    await store.commit({ puts: put('2') });
    await store.commit({ expect: { key: 'head', value: bytes('2') }, puts: [...put('3'), ...put('4')] });
    await expect(store.commit({ expect: { key: 'head', value: bytes('3') }, puts: put('5') })).rejects.toThrow(
      conflict,
    );
    await store.commit({ expect: { key: 'head', value: bytes('4') }, puts: [['x', bytes('x')]] });
    await store.commit({ expect: { key: 'head', value: bytes('4') }, puts: [], deletes: ['head'] });
    await store.commit({ expect: { key: 'head', value: undefined }, puts: put('4') });
    expect(await store.get('head')).toEqual(bytes('4'));
    await store.close();
  });

  test('of two writers with one expectation exactly one succeeds', async () => {
    const store = await open();
    const write = (value: string): Promise<void> =>
      store.commit({ expect: { key: 'head', value: undefined }, puts: [['head', bytes(value)]] });
    const outcomes = await Promise.allSettled([write('a'), write('b'), write('c')]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await store.close();
  });

  test('behaves like a plain map, whatever is done to it', async () => {
    const store = await open();
    const model = new Map<string, string>();
    const key = fc.constantFrom('a', 'b', 'c/1', 'c/2');
    const batch = fc.record({
      puts: fc.array(fc.tuple(key, fc.string({ maxLength: 5 })), { maxLength: 3 }),
      gone: fc.array(key, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 8 }), async (batches) => {
        for (const { puts, gone } of batches) {
          const deletes = gone.filter((name) => !puts.some(([put]) => put === name));
          await store.commit({
            puts: puts.map(([name, value]) => [name, bytes(value)] as const),
            deletes,
            durable: false,
          });
          for (const name of deletes) model.delete(name);
          for (const [name, value] of puts) model.set(name, value);
        }
        expect(await collect(store.scan(''))).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
      }),
      { numRuns: 20 },
    );
    await store.close();
  });
});

describe('level', () => {
  test('what was committed is there after opening again', async () => {
    const folder = join(temporaryFolder(), 'store');
    const first = await openLevelStore(folder);
    await first.commit({ puts: [['a', bytes('1')]] });
    await first.close();
    const second = await openLevelStore(folder);
    expect(await second.get('a')).toEqual(bytes('1'));
    await second.close();
  });

  test('a second owner is refused, clearly', async () => {
    const folder = join(temporaryFolder(), 'store');
    const store = await openLevelStore(folder);
    await expect(openLevelStore(folder)).rejects.toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }) as Error);
    await store.close();
  });
});
