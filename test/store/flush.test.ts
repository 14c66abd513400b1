/** Which thread waits for the disk. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Flush } from '../../src/store/flush.ts';
import { temporaryFolder } from '../kit/folder.ts';

/** A flush by this thread looks at the clock before and after; one that is left to others does not. */
function clocked(): { readonly flush: Flush; readonly looks: () => number; takes: number } {
  let [looks, now] = [0, 0];
  const clock = {
    takes: 0,
    looks: () => looks,
    flush: new Flush(() => {
      if (looks++ % 2 === 1) now += clock.takes;
      return now;
    }),
  };
  return clock;
}

test('this thread waits for a disk that is quick, and for one that was slow others do, for a while', async () => {
  const file = openSync(join(temporaryFolder(), 'file'), 'w');
  onTestFinished(() => {
    closeSync(file);
  });
  const clock = clocked();
  const flushed = async (times: number): Promise<number> => {
    const before = clock.looks();
    for (let i = 0; i < times; i++) {
      writeSync(file, 'more');
      await clock.flush.data(file);
    }
    return (clock.looks() - before) / 2;
  };
  clock.takes = 4;
  expect(await flushed(100)).toBe(100);
  clock.takes = 6;
  expect(await flushed(1)).toBe(1);
  expect(await flushed(32)).toBe(0);
  // It is asked again, and has not become quicker.
  expect(await flushed(33)).toBe(1);
  clock.takes = 1;
  expect(await flushed(10)).toBe(10);
});

test('what the system says reaches the caller from either', async () => {
  const file = openSync(join(temporaryFolder(), 'file'), 'w');
  closeSync(file);
  await expect(clocked().flush.data(file)).rejects.toMatchObject({ code: 'EBADF', syscall: 'fdatasync' });
  const open = openSync(join(temporaryFolder(), 'other'), 'w');
  const slow = clocked();
  slow.takes = 6;
  await slow.flush.data(open);
  closeSync(open);
  await expect(slow.flush.data(open)).rejects.toMatchObject({ code: 'EBADF', syscall: 'fdatasync' });
  expect(slow.looks()).toBe(2);
});
