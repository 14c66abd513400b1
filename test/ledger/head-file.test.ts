import { describe, expect, test } from 'vitest';
import { parseUtf8, systemTimers, type Timers } from '../../src/base/mod.ts';
import { HeadFile, newestHead, parseHeadFile } from '../../src/ledger/head-file.ts';
import { signCheckpoint, verifyCheckpoint } from '../../src/ledger/mod.ts';
import { logKeyOf } from '../kit/keys.ts';
import { Fuse, MemoryDisk } from '../kit/memory-disk.ts';
import { seedsOf, withSeed } from '../kit/random.ts';

const { key, sign } = logKeyOf('node-a.example/ledger', '11'.repeat(32));
const noteOf = (size: number): string => signCheckpoint({ size, root: new Uint8Array(32).fill(size) }, key, sign).note;
const PATH = '/head';

/** Timers that go off when the test says so. */
class Bell implements Timers {
  #acts: (() => void)[] = [];
  readonly monotonicMs = (): number => 0;

  after(_delayMs: number, act: () => void): () => void {
    this.#acts.push(act);
    return () => undefined;
  }

  ring(): void {
    for (const act of this.#acts.splice(0)) act();
  }
}

describe('the head record', () => {
  test('holds the notes as they were written, and is read while it is written', async () => {
    const disk = new MemoryDisk().mount(new Fuse(Infinity, 'before'));
    const head = await HeadFile.start(PATH, noteOf(3), disk.files, systemTimers);
    for (const size of [4, 5, 6]) {
      await head.write(noteOf(size));
      expect(newestHead(await disk.files.readFile(PATH))?.note).toBe(noteOf(size));
    }
    await head.close();
    expect(parseHeadFile(await disk.files.readFile(PATH))).toContain(noteOf(6));
  });

  test('of whatever a power cut leaves, the last flushed head or a later one counts', async () => {
    for (const seed of seedsOf(300)) {
      await withSeed(seed, async (random) => {
        const [disk, bell] = [new MemoryDisk(), new Bell()];
        const { files } = disk.mount(new Fuse(Infinity, 'before'));
        const head = await HeadFile.start(PATH, noteOf(1), files, bell);
        let [written, flushed] = [1, 1];
        for (let steps = random.below(12); steps > 0; steps--) {
          if (random.below(3) > 0) await head.write(noteOf(++written));
          else if (random.below(2) === 0) {
            await head.flush();
            flushed = written;
          } else bell.ring();
        }
        await disk.cutPower(random);
        // As a ledger reads it: what was torn does not verify.
        const heads = parseHeadFile(await files.readFile(PATH)).map((note) => verifyCheckpoint(note, key));
        const newest = Math.max(...heads.map((head) => (head.ok ? head.value.size : 0)));
        expect(newest).toBeGreaterThanOrEqual(flushed);
        expect(newest).toBeLessThanOrEqual(written);
      });
    }
  });

  test('a flush that fails in the background is told to whoever writes next', async () => {
    const [disk, bell] = [new MemoryDisk(), new Bell()];
    const { files } = disk.mount(new Fuse(Infinity, 'before'));
    const failing = {
      ...files,
      open: async (path: string, flags: 'wx' | 'r' | 'r+', mode?: number) => {
        const file = await files.open(path, flags, mode);
        return flags === 'r+' ? { ...file, sync: () => Promise.reject(new Error('EIO')) } : file;
      },
    };
    const head = await HeadFile.start(PATH, noteOf(1), failing, bell);
    await head.write(noteOf(2));
    bell.ring();
    await expect(head.close()).rejects.toThrow('EIO');
    await expect(head.write(noteOf(3))).rejects.toThrow('EIO');
  });

  test.each([
    ['nothing', new Uint8Array()],
    ['line ends', new Uint8Array(100).fill(10)],
    ['no text', Uint8Array.of(0xff, 0xfe, 10)],
    ['another text', new TextEncoder().encode('head\n')],
  ])('%s is no head', (_what, bytes) => {
    expect(newestHead(bytes)).toBeUndefined();
    expect(parseHeadFile(bytes).every((note) => note === '' || parseUtf8(bytes).startsWith(note))).toBe(true);
  });
});
