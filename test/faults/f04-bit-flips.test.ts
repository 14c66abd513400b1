/**
 * F04: one bit of what a node keeps is flipped, anywhere. Either the node refuses to start and says why in a stable code, or the bit made no
 * difference: every record, every entry, the published files and the bundle are what they were.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RogatoryError, codeOf } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { filesUnder } from '../kit/canary.ts';
import { seedsOf, withSeed } from '../kit/random.ts';
import { copyOf, readAll, stoppedNode } from '../kit/stopped-node.ts';

const FLIPS = process.env['SLOW'] === '1' ? 10_000 : 100;

/** What is flipped, and how often for every other; by the path in the node's folder. */
const PARTS: readonly { readonly name: string; readonly share: number; readonly path: RegExp }[] = [
  { name: 'tables of the store', share: 4, path: /^store\/.*\.ldb$/ },
  { name: 'log of the store', share: 4, path: /^store\/.*\.log$/ },
  { name: 'manifest of the store', share: 2, path: /^store\/MANIFEST/ },
  { name: 'CURRENT of the store', share: 1, path: /^store\/CURRENT$/ },
  { name: 'published ledger', share: 2, path: /^ledger\// },
  { name: 'head', share: 2, path: /^head$/ },
  { name: 'keys', share: 2, path: /^keys\// },
  { name: 'federation manifest', share: 1, path: /^manifest\.json$/ },
  { name: 'fingerprint in node.json', share: 1, path: /^node\.json$/ },
];
const SHARES = PARTS.reduce((sum, { share }) => sum + share, 0);

// What a start may say. Anything else, an internal error above all, would be a fault that nobody can act on.
const DETECTED =
  /^(?:STORE_(?:CORRUPT|UNREADABLE|PASSPHRASE_NEEDED|PASSPHRASE_WRONG)|LEDGER_(?:CORRUPT|ROLLED_BACK|FORKED|HEAD_INVALID)|NODE_(?:MANIFEST_REFUSED|NOT_A_MEMBER)|CONFIG_INVALID)$/;

describe.each(PARTS)('$name', ({ share, path }) => {
  test('a flipped bit is noticed or makes no difference', async () => {
    const { dir, whole } = await stoppedNode();
    for (const seed of seedsOf(Math.ceil((FLIPS * share) / SHARES))) {
      await withSeed(seed, async (random) => {
        const copy = copyOf(dir);
        const files = filesUnder(copy).filter((file) => path.test(relative(copy, file.path)));
        const { path: file, bytes } = random.pick(files);
        const [start, end] = flippable(file, bytes);
        const at = start * 8 + random.below((end - start) * 8);
        bytes[at >> 3]! ^= 1 << (at & 7);
        writeFileSync(file, bytes);
        const where = `bit ${at} of ${relative(copy, file)}`;
        try {
          const found = await readAll(copy);
          expect({ where, ...found }).toEqual({ where, ...whole });
        } catch (error) {
          if (!(error instanceof RogatoryError)) throw new Error(`${where}: ${String(error)}`, { cause: error });
          expect({ where, code: codeOf(error) }).toEqual({ where, code: expect.stringMatching(DETECTED) as string });
        } finally {
          rmSync(copy, { recursive: true });
        }
      });
    }
  }, 600_000);
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

/** Of node.json only the pinned fingerprint is the node's memory of anything; the rest is its operator's to write. */
function flippable(file: string, bytes: Buffer): [start: number, end: number] {
  if (!file.endsWith('node.json')) return [0, bytes.length];
  const at = /"manifest_fingerprint": "/.exec(bytes.toString('latin1'))!;
  return [at.index + at[0].length, at.index + at[0].length + 64];
}
