import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, parseHex } from '../../src/base/mod.ts';
import { EMPTY_ROOT, MerkleTiles, leafHash, verifyConsistency, verifyInclusion } from '../../src/ledger/mod.ts';
import { pathOf, proofOf, rootOf } from './reference.ts';

const deep = process.env['SLOW'] === '1';

// The inputs and roots that the reference implementation of Certificate Transparency is tested with (google/certificate-transparency,
// cpp/merkletree/merkle_tree_test.cc).
const CT_INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** A tree, and the full tiles that a store would keep for it. */
function treeOf(leaves: readonly Uint8Array[]): MerkleTiles {
  const full = new Map<string, Uint8Array>();
  const tree = new MerkleTiles((level, index) => Promise.resolve(full.get(`${level}/${index}`)!));
  for (const { level, index, bytes } of tree.append(leaves)) full.set(`${level}/${index}`, bytes);
  return tree;
}

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
}

describe('known trees', () => {
  test('the empty tree', async () => {
    expect(bytesToHex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(await treeOf([]).rootAt()).toEqual(EMPTY_ROOT);
  });

  test('the roots of the reference implementation, at every size', async () => {
    const leaves = CT_INPUTS.map((input) => leafHash(parseHex(input)));
    const tree = treeOf(leaves);
    for (const [i, root] of CT_ROOTS.entries()) expect(bytesToHex(await tree.rootAt(i + 1))).toBe(root);
  });
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
