/** A disk that fails to keep what it was given, as the system tells of it: once to each who has opened the file, and never again. */
import type * as Fs from 'node:fs';
import { expect, test, vi } from 'vitest';
import { Flush } from '../../src/store/flush.ts';
import { Segment } from '../../src/store/segment.ts';
import { quickFolder } from '../kit/folder.ts';

const disk = vi.hoisted(() => {
  const told = new Set<number>();
  return {
    hasFailed: false,
    flushes: 0,
    /** @throws to whom it was not told yet */
    flush(descriptor: number): void {
      this.flushes++;
      if (!this.hasFailed || told.has(descriptor)) return;
      told.add(descriptor);
      throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    },
  };
});

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof Fs>()),
  fdatasyncSync: (descriptor: number) => {
    disk.flush(descriptor);
  },
  fdatasync: (descriptor: number, done: (error: unknown) => void) => {
    setImmediate(() => {
      try {
        disk.flush(descriptor);
        done(null);
      } catch (error) {
        done(error);
      }
    });
  },
}));

test('a record that the disk did not keep is not acknowledged, also where zeros ahead of it were flushed meanwhile', async () => {
  const segment = await Segment.create(quickFolder(), 1, new Uint8Array(32).fill(9), 1);
  const bytes = 300_000;
  const before = disk.flushes;
  segment.append({ parts: [Buffer.alloc(bytes, 1)], bytes, smallBytes: bytes, operations: [] });
  disk.hasFailed = true;
  // The zeros are flushed, and told.
  await segment.room(2 ** 30);
  expect(disk.flushes).toBe(before + 1);
  await expect(segment.sync(new Flush())).rejects.toThrow('EIO');
  segment.close();
});
