import { expect, test } from 'vitest';
import { MemoryStore, rememberRecent, type Batch, type Store } from '../../src/store/mod.ts';

const value = (byte: number, length = 1): Uint8Array => new Uint8Array(length).fill(byte);

/** A store that counts what it is asked for, and whose writes take effect at once but end when they are told to. */
class SlowStore extends MemoryStore {
  asked = 0;
  readonly ends: ((error?: Error) => void)[] = [];

  override get(key: string): Promise<Uint8Array | undefined> {
    this.asked++;
    return super.get(key);
  }

  override async commit(batch: Batch): Promise<void> {
    await super.commit(batch);
    await new Promise<void>((resolve, reject) =>
      this.ends.push((error) => {
        if (error === undefined) resolve();
        else reject(error);
      }),
    );
  }
}

async function write(store: Store, below: SlowStore, batch: Batch): Promise<void> {
  const writing = store.commit(batch);
  await Promise.resolve();
  below.ends.pop()!();
  await writing;
}

test('a value written is not asked for again; one deleted is', async () => {
  const below = new SlowStore();
  const store = rememberRecent(below);
  await write(store, below, { puts: [['a', value(1)]] });
  expect(await store.get('a')).toEqual(value(1));
  expect(below.asked).toBe(0);
  await write(store, below, { puts: [], deletes: ['a'] });
  expect(await store.get('a')).toBeUndefined();
  expect(below.asked).toBe(1);
});

test('while it is being written, the store is asked; after a failure too', async () => {
  const below = new SlowStore();
  const store = rememberRecent(below);
  await write(store, below, { puts: [['a', value(1)]] });
  const writing = store.commit({ puts: [['a', value(2)]] });
  await Promise.resolve();
  expect(await store.get('a')).toEqual(value(2));
  expect(below.asked).toBe(1);
  below.ends.pop()!(new Error('disk'));
  await expect(writing).rejects.toThrow('disk');
  await store.get('a');
  expect(below.asked).toBe(2);
});

test('of two writes at once, the one that ends first is not taken for the last word', async () => {
  const below = new SlowStore();
  const store = rememberRecent(below);
  const one = store.commit({ puts: [['a', value(1)]] });
  const two = store.commit({ puts: [['a', value(2)]] });
  await Promise.resolve();
  const [endOne, endTwo] = below.ends;
  endOne!();
  await one;
  expect(await store.get('a')).toEqual(value(2));
  endTwo!();
  await two;
  expect(await store.get('a')).toEqual(value(2));
  expect(below.asked).toBe(1);
});

test('memory is bounded: the oldest go first', async () => {
  const below = new SlowStore();
  const store = rememberRecent(below);
  for (let i = 0; i < 20; i++) await write(store, below, { puts: [[`k${i}`, value(i, 1024 * 1024)]] });
  for (let i = 0; i < 20; i++) expect((await store.get(`k${i}`))![0]).toBe(i);
  expect(below.asked).toBe(16);
});
