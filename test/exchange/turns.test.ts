import { expect, test } from 'vitest';
import { Turns } from '../../src/exchange/turns.ts';

test('peers are served in turn, and each in its own order', async () => {
  const turns = new Turns();
  const done: string[] = [];
  const job = (lane: string, n: number): Promise<void> =>
    turns.take(lane, () => {
      done.push(`${lane}${n}`);
      return Promise.resolve();
    });
  const flood = Array.from({ length: 6 }, (_, i) => job('flood', i));
  await Promise.all([...flood, job('a', 0), job('b', 0), job('a', 1)]);
  expect(done).toEqual(['flood0', 'a0', 'b0', 'flood1', 'a1', 'flood2', 'flood3', 'flood4', 'flood5']);
});

test('a job that fails is its caller’s affair, and the next is done', async () => {
  const turns = new Turns();
  await expect(turns.take('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await turns.take('a', () => Promise.resolve(1))).toBe(1);
});

test('a long run of jobs leaves room for timers and sockets', async () => {
  const turns = new Turns();
  let fired = 0;
  const timer = setInterval(() => fired++, 1);
  const busy = (): Promise<void> => {
    const end = performance.now() + 1;
    while (performance.now() < end);
    return Promise.resolve();
  };
  await Promise.all(Array.from({ length: 60 }, () => turns.take('a', busy)));
  clearInterval(timer);
  expect(fired).toBeGreaterThan(3);
});
