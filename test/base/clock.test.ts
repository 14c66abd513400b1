import { expect, test } from 'vitest';
import { isoTime } from '../../src/base/mod.ts';

test('a time is told whichever it is', () => {
  expect([0, 8.64e15, 8.64e15 + 1, Number.MAX_SAFE_INTEGER].map(isoTime)).toEqual([
    '1970-01-01T00:00:00.000Z',
    '+275760-09-13T00:00:00.000Z',
    '+275760-09-13T00:00:00.000Z',
    '+275760-09-13T00:00:00.000Z',
  ]);
});
