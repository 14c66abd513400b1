/** The tree: appending costs one or two hashes a leaf, and a proof for any earlier size can be made at any time. */
import { TransientMap } from '../base/mod.ts';
import { LedgerError } from './error.ts';
import { EMPTY_ROOT, nodeHash } from './hash.ts';
import { TILE_WIDTH } from './tile.ts';
import { TOP_BYTES } from './tile-nodes.ts';
import { TreeNodes, type CompletedTile, type Reading, type ReadTile, type TreeMemory } from './tree-nodes.ts';

// Trees whose ragged right edge is remembered; it is as many hashes as a size has digits.
const REMEMBERED_EDGES = 32;
const MAX_UINT32 = 2 ** 32 - 1;

/** An append-only RFC 6962 tree. */
export class MerkleTiles {
  readonly #nodes: TreeNodes;
  // Every proof of one batch hashes the same ragged right edge together: by where a range ends, and then by where it begins.
  readonly #edges = new TransientMap<number, Map<number, Uint8Array>>();
  #size = 0;

  constructor(readTile: ReadTile, memory: TreeMemory = {}) {
    this.#nodes = new TreeNodes(readTile, memory);
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Appends leaf hashes and returns the tiles that became full, lowest level first for each leaf; they stay in memory. */
  append(leaves: readonly Uint8Array[]): CompletedTile[] {
    const completed: CompletedTile[] = [];
    for (const leaf of leaves) this.#nodes.push(leaf, (tile) => completed.push(tile));
    this.#size += leaves.length;
    return completed;
  }

  /** Appends leaf hashes whose full tiles can be read already; no more than their tops stay in memory. */
  replay(leaves: readonly Uint8Array[]): void {
    for (const leaf of leaves) this.#nodes.push(leaf);
    this.#size += leaves.length;
  }

  /** Appends full tiles of leaves to a tree of full ones, where no leaf hash is at hand but what `topsOf` makes of their entries. */
  replayTops(tops: Uint8Array): void {
    this.#check(this.#size % TILE_WIDTH === 0, `no full tile in a tree of ${this.#size} leaves`);
    for (let at = 0; at < tops.length; at += TOP_BYTES) this.#nodes.pushTop(tops.subarray(at, at + TOP_BYTES));
    this.#size += (tops.length / TOP_BYTES) * TILE_WIDTH;
  }

  /** The root of the tree when it had `size` leaves. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  rootAt(size: number = this.#size): Promise<Uint8Array> {
    this.#check(size <= this.#size, `no tree of ${size} leaves`);
    if (size === 0) return Promise.resolve(EMPTY_ROOT);
    return this.#nodes.ask((reading) => this.#range(0, size, reading));
  }

  /**
   * The audit path of one leaf, from its sibling up.
   * @see RFC 6962 §2.1.1
   * @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE
   */
  inclusionPath(index: number, size: number = this.#size): Promise<Uint8Array[]> {
    this.#check(size <= this.#size && index >= 0 && index < size, `no leaf ${index} in a tree of ${size}`);
    return this.#nodes.ask((reading) => {
      const path: Uint8Array[] = [];
      let [start, end] = [0, size];
      while (end - start > 1) {
        const middle = start + splitOf(end - start);
        if (index < middle) {
          path.push(this.#range(middle, end, reading));
          end = middle;
        } else {
          path.push(this.#range(start, middle, reading));
          start = middle;
        }
      }
      return path.reverse();
    }, index);
  }

  /**
   * The proof that the tree of `size` continues the tree of `oldSize`; empty from an empty tree, which proves nothing.
   * @see RFC 6962 §2.1.2
   * @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE
   */
  consistencyPath(oldSize: number, size: number = this.#size): Promise<Uint8Array[]> {
    this.#check(
      oldSize >= 0 && oldSize <= size && size <= this.#size,
      `no tree of ${oldSize} and one of ${size} leaves`,
    );
    if (oldSize === 0 || oldSize === size) return Promise.resolve([]);
    return this.#nodes.ask((reading) => {
      const path: Uint8Array[] = [];
      let [start, end] = [0, size];
      while (oldSize !== end) {
        const middle = start + splitOf(end - start);
        if (oldSize <= middle) {
          path.push(this.#range(middle, end, reading));
          end = middle;
        } else {
          path.push(this.#range(start, middle, reading));
          start = middle;
        }
      }
      // The older tree's own root is left out: whoever verifies has it.
      if (start !== 0) path.push(this.#range(start, end, reading));
      return path.reverse();
    });
  }

  /** The hash of one leaf. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  leafAt(index: number): Promise<Uint8Array> {
    this.#check(Number.isSafeInteger(index) && index >= 0 && index < this.#size, `no leaf ${index}`);
    return this.#nodes.ask((reading) => this.#nodes.at(0, index, reading));
  }

  /** The first `width` hashes of a tile as its file holds them. Whoever asks for one asks for all, once: none of them stays in memory. */
  tileBytes(level: number, index: number, width: number): Promise<Uint8Array> {
    return this.#nodes.tileBytes(level, index, width);
  }

  // Hash of the leaves from start to end, where start is a multiple of the largest power of two that fits.
  #range(start: number, end: number, reading: Reading): Uint8Array {
    const width = end - start;
    const [power, height] = largestPower(width);
    if (power === width) return this.#nodes.at(height, start / power, reading);
    const known = this.#edges.get(end)?.get(start);
    if (known !== undefined) return known;
    const left = this.#nodes.at(height, start / power, reading);
    const hash = nodeHash(left, this.#range(start + power, end, reading));
    this.#edgeTo(end).set(start, hash);
    return hash;
  }

  #edgeTo(end: number): Map<number, Uint8Array> {
    let edge = this.#edges.get(end);
    if (edge === undefined) {
      if (this.#edges.size >= REMEMBERED_EDGES) this.#edges.clear();
      this.#edges.set(end, (edge = new Map<number, Uint8Array>()));
    }
    return edge;
  }

  #check(holds: boolean, otherwise: string): void {
    if (!holds) throw new LedgerError('LEDGER_INDEX_OUT_OF_RANGE', `There is ${otherwise}.`);
  }
}

/** The largest power of two that is at most `n`, and its exponent. */
function largestPower(n: number): [power: number, exponent: number] {
  // The bit operators of the language stop at 32 bits, and its powers take ten times as long.
  const isWide = n > MAX_UINT32;
  const exponent = 31 - Math.clz32(isWide ? n / 2 ** 32 : n) + (isWide ? 32 : 0);
  return [isWide ? 2 ** exponent : (1 << exponent) >>> 0, exponent];
}

/** The largest power of two below `n`, for `n` of at least 2. */
function splitOf(n: number): number {
  return largestPower(n - 1)[0];
}
