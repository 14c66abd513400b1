import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { bytesToBase64, equalBytes, utf8ToBytes } from '../../src/base/mod.ts';
import {
  EMPTY_ROOT,
  Ledger,
  leafHash,
  encodeEntryBundle,
  newestHead,
  parseCheckpointNote,
  parseEntryBundle,
  tilePath,
  tilesOfTree,
  verifyConsistencyProofText,
  verifyInclusionProofText,
  type LedgerOptions,
  type LedgerStorage,
} from '../../src/ledger/mod.ts';
import { MemoryStore } from '../../src/store/mod.ts';
import { encodeLedgerEntry } from '../../src/wire/mod.ts';
import { FaultyStore, type FaultMoment } from '../kit/faulty-store.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { logKeyOf } from '../kit/keys.ts';
import { rootOf } from './reference.ts';

const { key, sign } = logKeyOf('node-a.example/ledger', '11'.repeat(32));
const deep = process.env['SLOW'] === '1';

function entryOf(n: number): Uint8Array {
  const digest = new Uint8Array(32).fill(n % 256);
  return encodeLedgerEntry({
    version: 1,
    kind: 'INCIDENT',
    time: 1_767_225_600_000 + n,
    seq: 0,
    detail: { type: 'incident', value: { digest } },
  });
}

function optionsOf(storage: LedgerStorage, folder = temporaryFolder()): LedgerOptions {
  return {
    storage,
    key,
    sign,
    headFile: join(folder, 'head'),
    folder: join(folder, 'ledger'),
    onPublishError: () => undefined,
  };
}

const openLedger = (options: LedgerOptions): Promise<Ledger> => closedAfter(Ledger.open(options));
const createLedger = (options: LedgerOptions): Promise<Ledger> => closedAfter(Ledger.create(options));

/** One that a test leaves behind would write on, into a folder that is gone; its store may be dead, or another one by then. */
async function closedAfter(opening: Promise<Ledger>): Promise<Ledger> {
  const ledger = await opening;
  onTestFinished(() => ledger.close().catch(() => undefined));
  return ledger;
}

const NOTHING = { puts: [], deletes: [] };

describe('append', () => {
  test('every entry has a receipt that proves it under the latest checkpoint', async () => {
    const ledger = await createLedger(optionsOf(new MemoryStore()));
    const entries: Uint8Array[] = [];
    for (let batch = 1; batch <= 30; batch++) {
      const more = Array.from({ length: batch }, (_, i) => entryOf(entries.length + i));
      await ledger.append(more, NOTHING);
      entries.push(...more);
    }
    expect(ledger.size).toBe(465);
    expect(bytesToBase64(ledger.checkpoint.root)).toBe(bytesToBase64(rootOf(entries.map(leafHash))));
    for (const [index, entry] of entries.entries()) {
      const receipt = await ledger.receipt(index);
      expect(equalBytes(receipt.entry, entry)).toBe(true);
      expect(verifyInclusionProofText(receipt.proof, entry, key)).toMatchObject({
        ok: true,
        value: { index, checkpoint: { size: 465 } },
      });
    }
    await expect(ledger.receipt(465)).rejects.toThrow(
      expect.objectContaining({ code: 'LEDGER_INDEX_OUT_OF_RANGE' }) as Error,
    );
  });

  test('entries and the writes that belong to them are one batch', async () => {
    const store = new MemoryStore();
    const ledger = await createLedger(optionsOf(store));
    await ledger.append([entryOf(0)], { puts: [['message/1', utf8ToBytes('x')]], deletes: [] });
    expect(await store.get('message/1')).toEqual(utf8ToBytes('x'));
    await ledger.append([entryOf(1)], { puts: [], deletes: ['message/1'] });
    expect(await store.get('message/1')).toBeUndefined();
  });

  test('refuses an entry that is empty or too long', async () => {
    const ledger = await createLedger(optionsOf(new MemoryStore()));
    for (const size of [0, 65_536]) {
      await expect(ledger.append([new Uint8Array(size)], NOTHING)).rejects.toThrow(
        expect.objectContaining({ code: 'LEDGER_ENTRY_SIZE' }) as Error,
      );
    }
  });

  test('T23: times never decrease, whatever the clock does', async () => {
    const ledger = await createLedger(optionsOf(new MemoryStore()));
    expect([ledger.entryTime(1000), ledger.entryTime(500), ledger.entryTime(1001)]).toEqual([1000, 1000, 1001]);
  });

  test('two writers cannot both extend one head', async () => {
    const store = new MemoryStore();
    const folder = temporaryFolder();
    const first = await createLedger(optionsOf(store, folder));
    const second = await openLedger(optionsOf(store, folder));
    await first.append([entryOf(1)], NOTHING);
    await expect(second.append([entryOf(2)], NOTHING)).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_CONFLICT' }) as Error,
    );
  });

  test('a later checkpoint continues every earlier one', async () => {
    const ledger = await createLedger(optionsOf(new MemoryStore()));
    const heads = [];
    for (let i = 0; i < 20; i++) {
      await ledger.append([entryOf(i)], NOTHING);
      heads.push(ledger.checkpoint);
    }
    for (const head of heads) {
      expect(verifyConsistencyProofText(await ledger.consistencyProof(head.size), head, key)).toMatchObject({
        ok: true,
      });
      expect(await ledger.contains(head)).toBe(true);
    }
    expect(await ledger.contains({ size: 3, root: heads[3]!.root })).toBe(false);
    expect(await ledger.contains({ size: 21, root: heads[3]!.root })).toBe(false);
  });
});

describe('files', () => {
  test('the published tree is the signed one, tile by tile, and gives back the entries', async () => {
    const options = optionsOf(new MemoryStore());
    const ledger = await createLedger(options);
    const entries = Array.from({ length: 600 }, (_, i) => entryOf(i));
    await ledger.append(entries.slice(0, 100), NOTHING);
    await ledger.publish();
    await ledger.append(entries.slice(100), NOTHING);
    await ledger.publish();
    const file = (name: string): Buffer => readFileSync(join(options.folder, name));
    expect(file('checkpoint').toString()).toBe(ledger.checkpoint.note);
    const bundles = tilesOfTree(600).filter(({ level }) => level === 'entries');
    expect(bundles.flatMap((tile) => parseEntryBundle(file(tilePath(tile))))).toEqual(entries);
    for (const tile of tilesOfTree(600)) expect(existsSync(join(options.folder, tilePath(tile)))).toBe(true);
    // The partial tile of the first publication gave way to the full one.
    expect(existsSync(join(options.folder, 'tile/0/000.p'))).toBe(false);
  });

  test('a restart publishes what is missing', async () => {
    const [store, folder] = [new MemoryStore(), temporaryFolder()];
    const ledger = await createLedger(optionsOf(store, folder));
    await ledger.append([entryOf(0), entryOf(1)], NOTHING);
    const reopened = await openLedger(optionsOf(store, folder));
    await reopened.publish();
    expect(parseCheckpointNote(readFileSync(join(folder, 'ledger/checkpoint'), 'utf8')).size).toBe(2);
    expect(parseEntryBundle(readFileSync(join(folder, 'ledger/tile/entries/000.p/2')))).toHaveLength(2);
  });

  test.each([
    ['cut short by a power cut is written again, and is no news', (whole: Buffer) => whole.subarray(0, 40), 0],
    ['that never reached the disk likewise', () => Buffer.alloc(0), 0],
    ['that somebody changed is written again, and told of', (whole: Buffer) => whole.map((byte) => byte ^ 1), 1],
    ['that somebody made longer likewise', (whole: Buffer) => Buffer.concat([whole, Buffer.alloc(1)]), 1],
  ])('a tile %s', async (_, damage, told) => {
    const [store, folder] = [new MemoryStore(), temporaryFolder()];
    const ledger = await createLedger(optionsOf(store, folder));
    await ledger.append([entryOf(0), entryOf(1)], NOTHING);
    await ledger.close();
    const path = join(folder, 'ledger/tile/0/000.p/2');
    const whole = readFileSync(path);
    writeFileSync(path, damage(whole));
    const errors: unknown[] = [];
    const onPublishError = (error: unknown): number => errors.push(error);
    const reopened = await openLedger({ ...optionsOf(store, folder), onPublishError });
    await reopened.close();
    expect(readFileSync(path)).toEqual(whole);
    expect(errors).toEqual(
      Array.from({ length: told }, () => expect.objectContaining({ code: 'LEDGER_CORRUPT' }) as Error),
    );
  });
});

describe('start', () => {
  async function filled(): Promise<{ store: MemoryStore; folder: string }> {
    const [store, folder] = [new MemoryStore(), temporaryFolder()];
    const ledger = await createLedger(optionsOf(store, folder));
    for (let i = 0; i < 5; i++) await ledger.append([entryOf(i)], NOTHING);
    return { store, folder };
  }
  const withCode = (code: string): Error => expect.objectContaining({ code }) as Error;

  test('the same head again, byte for byte', async () => {
    const { store, folder } = await filled();
    const before = newestHead(readFileSync(join(folder, 'head')))?.note;
    const ledger = await openLedger(optionsOf(store, folder));
    expect(ledger.checkpoint.note).toBe(before);
    expect(ledger.entryTime(0)).toBe(1_767_225_600_004);
  });

  test('under the key that has signed so far, in whichever order the keys are held', async () => {
    const { store, folder } = await filled();
    const second = logKeyOf('node-a.example/ledger', '22'.repeat(32));
    const swapped = { ...optionsOf(store, folder), ...second, successors: [{ key, sign }] };
    const ledger = await openLedger(swapped);
    expect(ledger.key).toEqual(key);
    await ledger.append([entryOf(5)], NOTHING, second);
    expect(ledger.key).toEqual(second.key);
    for (const options of [swapped, { ...optionsOf(store, folder), successors: [second] }])
      expect((await openLedger(options)).key).toEqual(second.key);
    await expect(openLedger(optionsOf(store, folder))).rejects.toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^LEDGER_(KEY_MISSING|HEAD_INVALID)$/) as string,
      }) as Error,
    );
  });

  test('a changed or missing entry', async () => {
    const { store, folder } = await filled();
    const name = `ledger/run/${'3'.padStart(16, '0')}`;
    await store.commit({ puts: [[name, encodeEntryBundle([entryOf(9)])]] });
    await expect(openLedger(optionsOf(store, folder))).rejects.toThrow(withCode('LEDGER_CORRUPT'));
    await store.commit({ puts: [], deletes: [name] });
    await expect(openLedger(optionsOf(store, folder))).rejects.toThrow(withCode('LEDGER_CORRUPT'));
  });

  describe('of a large ledger, with a second thread', () => {
    const SIZE = 13_077;

    async function large(): Promise<{ options: LedgerOptions; store: MemoryStore; ledger: Ledger }> {
      const store = new MemoryStore();
      const options = { ...optionsOf(store), threadFrom: 1 };
      const ledger = await createLedger(options);
      for (const count of [SIZE - 1000, 1000])
        await ledger.append(
          Array.from({ length: count }, (_, i) => entryOf(ledger.size + i)),
          NOTHING,
        );
      return { options, store, ledger };
    }

    test.each([
      ['one that answers at once', () => Promise.resolve()],
      ['one that takes its time', () => sleep(2)],
    ])('the same tree and entries out of %s', async (_what, wait) => {
      const { options, store, ledger } = await large();
      const slow: LedgerStorage = {
        get: (name) => store.get(name),
        getMany: async (names) => {
          await wait();
          return store.getMany(names);
        },
        commit: (writes) => store.commit(writes),
      };
      const told: number[] = [];
      const again = await Ledger.open({ ...options, storage: slow }, (done) => told.push(done));
      expect(again.checkpoint.note).toBe(ledger.checkpoint.note);
      expect(told).toEqual([...told].sort((a, b) => a - b));
      for (const index of [0, 255, 256, 4095, 4096, 12_287, 12_288, SIZE - 1])
        expect(await again.receipt(index)).toEqual(await ledger.receipt(index));
      for (const old of [1, 256, 4097, 8192, SIZE - 1])
        expect(await again.consistencyProof(old)).toBe(await ledger.consistencyProof(old));
      await again.append([entryOf(SIZE)], NOTHING);
      await ledger.release();
      const all = Array.from({ length: SIZE + 1 }, (_, i) => leafHash(entryOf(i)));
      expect(again.checkpoint.root).toEqual(rootOf(all));
      await again.close();
    });

    test.each([3, 4096 / 32, Math.floor(SIZE / 32) - 1])('a changed entry in block %i', async (block) => {
      const { options, store } = await large();
      const name = `ledger/block/${String(block).padStart(16, '0')}`;
      const entries = parseEntryBundle((await store.get(name))!);
      entries[5] = entryOf(7);
      await store.commit({ puts: [[name, encodeEntryBundle(entries)]] });
      await expect(openLedger(options)).rejects.toThrow(withCode('LEDGER_CORRUPT'));
      await store.commit({ puts: [], deletes: [name] });
      await expect(openLedger(options)).rejects.toThrow(withCode('LEDGER_CORRUPT'));
    });
  });

  test('T20: an old copy of the store', async () => {
    const old = await filled();
    const { folder } = old;
    const newer = new MemoryStore();
    for await (const put of old.store.scan('')) await newer.commit({ puts: [put] });
    await (await openLedger(optionsOf(newer, folder))).append([entryOf(5)], NOTHING);
    await expect(openLedger(optionsOf(old.store, folder))).rejects.toThrow(withCode('LEDGER_ROLLED_BACK'));
  });

  test('another history of the same or a larger size', async () => {
    const { folder } = await filled();
    for (const size of [5, 7]) {
      const [other, elsewhere] = [new MemoryStore(), temporaryFolder()];
      const ledger = await createLedger(optionsOf(other, elsewhere));
      for (let i = 0; i < size; i++) await ledger.append([entryOf(100 + i)], NOTHING);
      await expect(openLedger(optionsOf(other, folder))).rejects.toThrow(withCode('LEDGER_FORKED'));
    }
  });

  test('no head record, or one that this ledger’s key did not sign', async () => {
    const { store } = await filled();
    const folder = temporaryFolder();
    await expect(openLedger(optionsOf(store, folder))).rejects.toThrow(withCode('LEDGER_HEAD_MISSING'));
    writeFileSync(join(folder, 'head'), 'x');
    await expect(openLedger(optionsOf(store, folder))).rejects.toThrow(withCode('LEDGER_HEAD_INVALID'));
  });

  test('no ledger is made over another', async () => {
    const { store, folder } = await filled();
    await expect(createLedger(optionsOf(store, folder))).rejects.toThrow(withCode('LEDGER_EXISTS'));
  });
});

describe('a write that fails', () => {
  // Two writes at the start and one for each of twelve batches.
  const steps = Array.from({ length: deep ? 60 : 15 }, (_, n) => n);
  test.each(steps.flatMap((n) => (['before', 'after'] as const).map((moment) => [n, moment] as const)))(
    'write %i failing %s taking effect: nothing acknowledged is lost, and no size has two roots',
    async (n, moment: FaultMoment) => {
      const [disk, folder] = [new MemoryStore(), temporaryFolder()];
      const signed = new Map<number, string>([[0, bytesToBase64(EMPTY_ROOT)]]);
      const watched = (options: LedgerOptions): LedgerOptions => ({
        ...options,
        sign: (message) => {
          const [, size, root] = Buffer.from(message).toString('utf8').split('\n');
          expect(signed.get(Number(size)) ?? root).toBe(root);
          signed.set(Number(size), root!);
          return sign(message);
        },
      });
      await createLedger(watched(optionsOf(disk, folder)));
      const acknowledged: Uint8Array[] = [];
      let made = 0;
      let faults = 0;
      let store: LedgerStorage = new FaultyStore(disk, n, moment);
      let ledger: Ledger | undefined;
      while (acknowledged.length < 24) {
        try {
          ledger ??= await openLedger(watched(optionsOf(store, folder)));
          const batch = [entryOf(made++), entryOf(made++)];
          await ledger.append(batch, NOTHING);
          acknowledged.push(...batch);
        } catch {
          faults++;
          ledger = undefined;
          store = disk;
        }
      }
      expect(faults).toBe(n < 14 ? 1 : 0);
      const final = await openLedger(watched(optionsOf(disk, folder)));
      const kept = [];
      for (let index = 0; index < final.size; index++) kept.push(bytesToBase64(await final.entry(index)));
      expect(new Set(kept).size).toBe(kept.length);
      for (const entry of acknowledged) expect(kept).toContain(bytesToBase64(entry));
    },
  );
});

test('after close has resolved, nothing is written, whatever is still asked for', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const folder = temporaryFolder();
  const ledger = await createLedger(optionsOf(new MemoryStore(), folder));
  await ledger.append([entryOf(1)], NOTHING);
  await ledger.close();
  expect(existsSync(join(folder, 'ledger'))).toBe(true);
  rmSync(folder, { recursive: true });
  ledger.setCosignatures(1, ['— late.example AAAA\n']);
  await ledger.publish();
  await vi.runAllTimersAsync();
  expect(existsSync(folder)).toBe(false);
});

test('a folder that somebody has removed is told of, and what comes next is published all the same', async () => {
  const folder = temporaryFolder();
  const told: unknown[] = [];
  const options = { ...optionsOf(new MemoryStore(), folder), onPublishError: (error: unknown) => told.push(error) };
  const ledger = await createLedger(options);
  const published = async (seed: number): Promise<string> => {
    await ledger.append([entryOf(seed)], NOTHING);
    await ledger.publish();
    return readFileSync(join(folder, 'ledger', 'checkpoint'), 'utf8');
  };
  await published(1);
  rmSync(join(folder, 'ledger'), { recursive: true });
  expect(parseCheckpointNote(await published(2)).size).toBe(2);
  expect(told).toMatchObject(told.map(() => ({ code: 'ENOENT' })));
  const before = told.length;
  expect(before).toBeGreaterThan(0);
  await published(3);
  expect(told.length).toBe(before);
  await ledger.close();
});

test('who only looked writes nothing, neither then nor later', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const [store, folder] = [new MemoryStore(), temporaryFolder()];
  await (await createLedger(optionsOf(store, folder))).close();
  rmSync(join(folder, 'ledger'), { recursive: true });
  await (await openLedger(optionsOf(store, folder))).release();
  await vi.runAllTimersAsync();
  expect(existsSync(join(folder, 'ledger'))).toBe(false);
});
