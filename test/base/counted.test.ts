import { expect, test } from 'vitest';
import { counted } from '../../src/base/mod.ts';

test('one thing is not several', () => {
  expect([0, 1, 2].map((count) => counted(count, 'exhibit'))).toEqual(['0 exhibits', '1 exhibit', '2 exhibits']);
  expect([1, 4].map((count) => counted(count, 'entry', 'entries'))).toEqual(['1 entry', '4 entries']);
});
