import { describe, expect, test } from 'vitest';
import { bytesToHex, parseHex } from '../../src/base/mod.ts';
import { EMPTY_ROOT, MerkleTiles, leafHash, verifyConsistency, verifyInclusion } from '../../src/ledger/mod.ts';
import { fc } from '../kit/property.ts';
import { randomOf, seedsOf, withSeed } from '../kit/random.ts';
import { readVector } from '../kit/vectors.ts';
import { pathOf, proofOf, rootOf } from './reference.ts';

const deep = process.env['SLOW'] === '1';

interface Rfc6962Vector {
  readonly entries: readonly string[];
  readonly empty_root: string;
  readonly roots: readonly string[];
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly path: readonly string[] }[];
  readonly consistency: readonly { readonly old: number; readonly size: number; readonly path: readonly string[] }[];
}

const vector = readVector<Rfc6962Vector>('valid/rfc6962');

/** A tree, and the full tiles that a store would keep for it. */
function treeOf(leaves: readonly Uint8Array[]): MerkleTiles {
  const full = new Map<string, Uint8Array>();
  const tree = new MerkleTiles((level, index) => Promise.resolve(full.get(`${level}/${index}`)!));
  for (const { level, index, bytes } of tree.append(leaves)) full.set(`${level}/${index}`, bytes);
  return tree;
}

/** The same with hardly any memory, which asks for leaves and tiles again and again. */
function forgetfulTreeOf(leaves: readonly Uint8Array[]): MerkleTiles {
  const full = new Map<string, Uint8Array>();
  const tree = new MerkleTiles((level, index) => Promise.resolve(full.get(`${level}/${index}`)!), {
    tiles: 24,
    tops: 24,
    readLeaves: (start, end) => Promise.resolve(leaves.slice(start, end)),
  });
  for (const { level, index, bytes } of tree.append(leaves)) full.set(`${level}/${index}`, bytes);
  return tree;
}

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
}

describe('known trees', () => {
  test('the empty tree', async () => {
    expect(bytesToHex(EMPTY_ROOT)).toBe(vector.empty_root);
    expect(await treeOf([]).rootAt()).toEqual(EMPTY_ROOT);
  });

  test('the roots and proofs of the reference implementation', async () => {
    const leaves = vector.entries.map((entry) => leafHash(parseHex(entry)));
    const tree = treeOf(leaves);
    for (const [i, root] of vector.roots.entries()) expect(bytesToHex(await tree.rootAt(i + 1))).toBe(root);
    for (const { index, size, path } of vector.inclusion)
      expect((await tree.inclusionPath(index, size)).map(bytesToHex)).toEqual(path);
    for (const { old, size, path } of vector.consistency)
      expect((await tree.consistencyPath(old, size)).map(bytesToHex)).toEqual(path);
  });
});

describe('every size up to 5,000', () => {
  test('a random leaf and a random earlier size verify, and with any byte changed they do not', async () => {
    const big = leavesOf(5000);
    const bigTree = treeOf(big);
    const [seed] = seedsOf(1);
    await withSeed(seed!, async (random) => {
      for (let size = 1; size <= big.length; size += deep ? 1 : 41) {
        const root = await bigTree.rootAt(size);
        const [index, old] = [random.below(size), 1 + random.below(size)];
        const claim = { index, size, leaf: big[index]!, path: await bigTree.inclusionPath(index, size), root };
        expect(verifyInclusion(claim)).toBe(true);
        const older = { size: old, root: await bigTree.rootAt(old) };
        const newer = { size, root };
        const path = await bigTree.consistencyPath(old, size);
        expect(verifyConsistency(older, newer, path)).toBe(true);
        for (let at = 0; at < 32; at++) {
          const bit = at * 8 + random.below(8);
          expect(verifyInclusion({ ...claim, leaf: flip(claim.leaf, bit) })).toBe(false);
          expect(verifyInclusion({ ...claim, root: flip(root, bit) })).toBe(false);
          expect(verifyConsistency({ ...older, root: flip(older.root, bit) }, newer, path)).toBe(false);
          const which = random.below(claim.path.length);
          if (claim.path.length > 0)
            expect(verifyInclusion({ ...claim, path: claim.path.with(which, flip(claim.path[which]!, bit)) })).toBe(
              false,
            );
          const step = random.below(path.length);
          if (path.length > 0)
            expect(verifyConsistency(older, newer, path.with(step, flip(path[step]!, bit)))).toBe(false);
        }
      }
    });
  }, 240_000);
});

describe('proofs', () => {
  const LIMIT = deep ? 600 : 130;
  const leaves = leavesOf(LIMIT);
  const tree = treeOf(leaves);

  test(`every inclusion proof up to ${LIMIT} leaves is the standard’s and verifies`, async () => {
    for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, LIMIT]) {
      const root = rootOf(leaves.slice(0, size));
      expect(await tree.rootAt(size)).toEqual(root);
      for (let index = 0; index < size; index++) {
        const path = await tree.inclusionPath(index, size);
        expect(path).toEqual(pathOf(index, leaves.slice(0, size)));
        expect(verifyInclusion({ index, size, leaf: leaves[index]!, path, root })).toBe(true);
      }
    }
  });

  test('every consistency proof between two sizes is the standard’s and verifies', async () => {
    for (const size of [1, 2, 3, 4, 7, 8, 9, 31, 33, 64, 65, LIMIT]) {
      const newer = { size, root: rootOf(leaves.slice(0, size)) };
      for (let old = 1; old <= size; old++) {
        const path = await tree.consistencyPath(old, size);
        expect(path).toEqual(proofOf(old, leaves.slice(0, size)));
        expect(verifyConsistency({ size: old, root: rootOf(leaves.slice(0, old)) }, newer, path)).toBe(true);
      }
    }
  });

  test('trees of several levels of tiles: random leaves, sizes and earlier sizes', async () => {
    const big = leavesOf(70_000);
    const bigTree = treeOf(big);
    expect(await bigTree.rootAt()).toEqual(rootOf(big));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: big.length }), fc.nat(), fc.nat(), async (size, a, b) => {
        const [index, old] = [a % size, (b % size) + 1];
        const root = await bigTree.rootAt(size);
        const path = await bigTree.inclusionPath(index, size);
        expect(verifyInclusion({ index, size, leaf: big[index]!, path, root })).toBe(true);
        const older = { size: old, root: await bigTree.rootAt(old) };
        expect(verifyConsistency(older, { size, root }, await bigTree.consistencyPath(old, size))).toBe(true);
      }),
      { numRuns: deep ? 2000 : 200 },
    );
  });

  test('a tree that keeps little in memory, asked many things at once, gives the same proofs and tiles', async () => {
    const big = leavesOf(70_000);
    const [bigTree, forgetful] = [treeOf(big), forgetfulTreeOf(big)];
    const random = randomOf(seedsOf(1)[0]!);
    const answersOf = (tree: MerkleTiles, size: number, index: number, old: number): Promise<unknown[]> =>
      Promise.all([
        tree.rootAt(size),
        tree.inclusionPath(index, size),
        tree.consistencyPath(old, size),
        tree.leafAt(index),
        tree.tileBytes(0, Math.floor(index / 256), 1 + (index % 256)),
      ]);
    for (let round = 0; round < (deep ? 2000 : 60); round++) {
      const size = 1 + random.below(big.length);
      const question = [size, random.below(size), 1 + random.below(size)] as const;
      expect(await answersOf(forgetful, ...question)).toEqual(await answersOf(bigTree, ...question));
    }
  });

  test.each([
    [1, 256],
    [2, 88],
  ])('tile %i, handed out, is the caller’s: changing it changes no later answer', async (index, width) => {
    const bigTree = treeOf(leavesOf(600));
    const before = bytesToHex(await bigTree.tileBytes(0, index, width));
    (await bigTree.tileBytes(0, index, width)).fill(0);
    expect(bytesToHex(await bigTree.tileBytes(0, index, width))).toBe(before);
  });

  test('no claim but the true one verifies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: LIMIT }), fc.nat(), fc.nat(), async (size, a, bit) => {
        const index = a % size;
        const root = await tree.rootAt(size);
        const leaf = leaves[index]!;
        const path = await tree.inclusionPath(index, size);
        for (let other = 0; other < size; other++) {
          expect(verifyInclusion({ index: other, size, leaf, path, root })).toBe(other === index);
        }
        const wrong = [
          { index, size, leaf, path: [...path, leaf], root },
          { index, size, leaf, path: [leaf, ...path], root },
          { index, size, leaf: flip(leaf, bit), path, root },
          { index, size, leaf, path, root: flip(root, bit) },
          { index: size, size, leaf, path, root },
          { index: -1, size, leaf, path, root },
          { index, size: 0, leaf, path, root },
          ...path.map((hash, i) => ({ index, size, leaf, path: path.with(i, flip(hash, bit)), root })),
          ...path.map((_, i) => ({ index, size, leaf, path: path.toSpliced(i, 1), root })),
          ...path.map((hash, i) => ({ index, size, leaf, path: path.with(i, hash.slice(1)), root })),
        ];
        for (const claim of wrong) expect(verifyInclusion(claim)).toBe(false);
      }),
      { numRuns: deep ? 500 : 60 },
    );
  });

  test('no continuation but the true one verifies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: LIMIT }), fc.nat(), fc.nat(), async (size, a, bit) => {
        const old = (a % (size - 1)) + 1;
        const [older, newer] = [
          { size: old, root: await tree.rootAt(old) },
          { size, root: await tree.rootAt(size) },
        ];
        const path = await tree.consistencyPath(old, size);
        expect(verifyConsistency({ ...older, root: flip(older.root, bit) }, newer, path)).toBe(false);
        expect(verifyConsistency(older, { ...newer, root: flip(newer.root, bit) }, path)).toBe(false);
        expect(verifyConsistency(older, newer, [...path, older.root])).toBe(false);
        for (const [i, hash] of path.entries()) {
          expect(verifyConsistency(older, newer, path.with(i, flip(hash, bit)))).toBe(false);
          expect(verifyConsistency(older, newer, path.toSpliced(i, 1))).toBe(false);
        }
        expect(verifyConsistency(newer, older, path)).toBe(false);
        expect(verifyConsistency({ size: 0, root: EMPTY_ROOT }, newer, [])).toBe(false);
      }),
      { numRuns: deep ? 500 : 60 },
    );
  });

  test('sizes beyond 32 bits are no smaller numbers in disguise', () => {
    const leaf = leaves[0]!;
    const size = 2 ** 32 + 1;
    // With 32-bit operators this would be a tree of one leaf.
    expect(verifyInclusion({ index: 0, size, leaf, path: [], root: leaf })).toBe(false);
    expect(verifyInclusion({ index: 2 ** 32, size, leaf, path: [], root: leaf })).toBe(false);
    expect(verifyInclusion({ index: 0, size: 2 ** 53, leaf, path: [], root: leaf })).toBe(false);
  });

  test('asking for what is not there is an error', () => {
    for (const ask of [
      () => tree.inclusionPath(LIMIT),
      () => tree.rootAt(LIMIT + 1),
      () => tree.consistencyPath(3, 2),
    ]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'LEDGER_INDEX_OUT_OF_RANGE' }) as Error);
    }
  });
});

function flip(hash: Uint8Array, bit: number): Uint8Array {
  const flipped = hash.slice();
  flipped[Math.floor((bit % 256) / 8)]! ^= 1 << (bit % 8);
  return flipped;
}
