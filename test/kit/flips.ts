/** One bit of what a node keeps is flipped, and the node is read as a start reads it. */
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import { RogatoryError, codeOf } from '../../src/base/mod.ts';
import { newestHead } from '../../src/ledger/head-file.ts';
import { checkLevelFiles } from '../../src/store/level-files.ts';
import { filesUnder } from './canary.ts';
import { seedsOf, withSeed } from './random.ts';
import { changedCopyOf, copyOf, readAll, stoppedNode } from './stopped-node.ts';

/** How many flips there are over all parts of a node, and in its bundle a twentieth of that beside. */
export const FLIPS = process.env['SLOW'] === '1' ? Number(process.env['ROGATORY_FLIPS'] ?? 10_000) : 100;

/** What is flipped, and how often for every other; by the path in the node's folder. */
export interface Part {
  readonly name: string;
  readonly share: number;
  readonly path: RegExp;
  /** Its files are written again where they are not what they should be, each by itself, and none of them keeps a node from starting. */
  readonly isMended?: boolean;
  /** Whether what a start takes from the file is the same, changed or not. */
  readonly isAlike?: (bytes: Uint8Array, changed: Uint8Array) => boolean;
}

/** The parts of a node's store. */
export const STORE_PARTS: readonly Part[] = [
  { name: 'tables of the store', share: 3, path: /^store\/.*\.ldb$/ },
  { name: 'journal of the store', share: 4, path: /^store\/journal\/.*\.segment$/ },
  { name: 'log of the store', share: 2, path: /^store\/[^/]*\.log$/ },
  { name: 'manifest of the store', share: 1, path: /^store\/MANIFEST/ },
  { name: 'CURRENT of the store', share: 1, path: /^store\/CURRENT$/ },
];

/** Everything else. */
export const OTHER_PARTS: readonly Part[] = [
  { name: 'published ledger', share: 2, path: /^ledger\//, isMended: true },
  { name: 'head', share: 2, path: /^head$/, isAlike: haveSameHead },
  { name: 'keys', share: 2, path: /^keys\// },
  { name: 'federation manifest', share: 1, path: /^manifest\.json$/ },
  { name: 'fingerprint in node.json', share: 1, path: /^node\.json$/ },
];
const SHARES = [...STORE_PARTS, ...OTHER_PARTS].reduce((sum, { share }) => sum + share, 0);

// What a start may say. Anything else, an internal error above all, would be a fault that nobody can act on.
const DETECTED =
  /^(?:STORE_(?:CORRUPT|UNREADABLE|PASSPHRASE_NEEDED|PASSPHRASE_WRONG)|LEDGER_(?:CORRUPT|ROLLED_BACK|FORKED|HEAD_INVALID)|NODE_(?:MANIFEST_REFUSED|NOT_A_MEMBER)|CONFIG_INVALID)$/;

// A start looks at the store's files before it opens them. Of what that look refuses, so many are started as well.
const STARTED_OF_REFUSED = 20;
// And so many of what makes no difference to what a start takes from the file.
const STARTED_OF_ALIKE = 10;

interface Flip {
  /** Path in the node's folder. */
  readonly name: string;
  /** Number of the bit. */
  readonly at: number;
  readonly bytes: Buffer;
  readonly changed: Buffer;
}

/** Flips the part's share of all bits; each is noticed or makes no difference. */
export async function flipPart({ share, path, isMended = false, isAlike }: Part): Promise<void> {
  const { dir, whole } = await stoppedNode();
  const files = filesUnder(dir).filter((file) => path.test(relative(dir, file.path)));
  const looked = copyOf(join(dir, 'store'));
  let [refused, alike] = [0, 0];
  // A file that is mended says nothing about the next one: one bit of each is flipped at a time.
  const together = isMended ? files.length : 1;
  for (const seed of seedsOf(Math.ceil((FLIPS * share) / SHARES / together))) {
    await withSeed(seed, async (random) => {
      const flips = (isMended ? files : [random.pick(files)]).map((file): Flip => {
        const [start, end] = flippable(file.path, file.bytes);
        const at = start * 8 + random.below((end - start) * 8);
        const changed = Buffer.from(file.bytes);
        changed[at >> 3]! ^= 1 << (at & 7);
        return { name: relative(dir, file.path), at, bytes: file.bytes, changed };
      });
      if (await isRefused(looked, flips[0]!)) {
        if (refused++ % STARTED_OF_REFUSED > 0) return;
      }
      if (isAlike?.(flips[0]!.bytes, flips[0]!.changed) === true) {
        if (alike++ % STARTED_OF_ALIKE > 0) return;
      }
      const copy = changedCopyOf(dir, new Map(flips.map(({ name, changed }) => [name, changed])));
      const where = flips.map(({ name, at }) => `bit ${at} of ${name}`).join(', ');
      try {
        const found = await readAll(copy);
        expect({ where, ...found }).toEqual({ where, ...whole });
      } catch (error) {
        if (isMended || !(error instanceof RogatoryError))
          throw new Error(`${where}: ${String(error)}`, { cause: error });
        expect({ where, code: codeOf(error) }).toEqual({ where, code: expect.stringMatching(DETECTED) as string });
      } finally {
        rmSync(copy, { recursive: true });
      }
    });
  }
  rmSync(looked, { recursive: true });
}

/** The newest of the slots is as it was, to the byte; the others are older, whatever is in them, and no key signs what was flipped. */
function haveSameHead(bytes: Uint8Array, changed: Uint8Array): boolean {
  return newestHead(changed)?.note === newestHead(bytes)!.note;
}

/** Whether a start would refuse the store because of one changed file of it, by the very look that it begins with. */
async function isRefused(store: string, { name, bytes, changed }: Flip): Promise<boolean> {
  if (!name.startsWith('store/')) return false;
  const file = join(store, name.slice('store/'.length));
  writeFileSync(file, changed);
  try {
    await checkLevelFiles(store);
    return false;
  } catch (error) {
    expect(codeOf(error)).toBe('STORE_CORRUPT');
    return true;
  } finally {
    writeFileSync(file, bytes);
  }
}

/** Of node.json only the pinned fingerprint is the node's memory of anything; the rest is its operator's to write. */
function flippable(file: string, bytes: Buffer): [start: number, end: number] {
  if (!file.endsWith('node.json')) return [0, bytes.length];
  const at = /"manifest_fingerprint": "/.exec(bytes.toString('latin1'))!;
  return [at.index + at[0].length, at.index + at[0].length + 64];
}
