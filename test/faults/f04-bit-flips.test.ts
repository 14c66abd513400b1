/**
 * F04: one bit of a node's store is flipped, anywhere. Either the node refuses to start and says why in a stable code, or the bit made no
 * difference: every record, every entry, the published files and the bundle are what they were. Its other files are flipped by
 * `f04-other-files.test.ts`, at the same time.
 */
import { describe, test } from 'vitest';
import { STORE_PARTS, flipPart } from '../kit/flips.ts';

describe.each(STORE_PARTS)('$name', (part) => {
  test('a flipped bit is noticed or makes no difference', () => flipPart(part), 600_000);
});
