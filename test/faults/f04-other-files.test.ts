/** F04: one bit of what a node keeps beside its store is flipped, or of a bundle that it has handed out. */
import { describe, expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import { FLIPS, OTHER_PARTS, flipPart } from '../kit/flips.ts';
import { seedsOf, withSeed } from '../kit/random.ts';
import { stoppedNode } from '../kit/stopped-node.ts';

describe.each(OTHER_PARTS)('$name', (part) => {
  test('a flipped bit is noticed or makes no difference', () => flipPart(part), 600_000);
});

describe('a bundle', () => {
  test('a flipped bit is a finding', async () => {
    const { bundle: bytes } = (await stoppedNode()).whole;
    for (const seed of seedsOf(Math.ceil(FLIPS / 20))) {
      await withSeed(seed, async (random) => {
        const changed = bytes.slice();
        const at = random.below(bytes.length * 8);
        changed[at >> 3]! ^= 1 << (at & 7);
        const { ok, findings } = await auditBundles([{ name: 'xb.zip', bytes: changed }]);
        expect({ at, ok, findings: findings.length > 0 }).toEqual({ at, ok: false, findings: true });
      });
    }
  }, 600_000);
});
