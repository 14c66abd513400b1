/**
 * The tree of a stored ledger, made again from its entries. To hash them is most of what a node with a long past does when it starts: of a
 * large ledger, a second thread takes as much of it as it can while the next entries are read and opened here.
 */
import { Worker } from 'node:worker_threads';
import { leafHash } from './hash.ts';
import type { MerkleTiles } from './merkle-tiles.ts';
import { topsOf } from './tile-nodes.ts';
import type { Answer, Order } from './tile-thread.ts';
import { TILE_WIDTH, countEntries, entriesIn } from './tile.ts';

// From so many on, what a thread takes to start is little beside what it saves.
const THREAD_FROM = 100_000;
// It has its next work when it has done one; what is beyond, this thread does meanwhile.
const MAX_AT_THREAD = 2;
const MAX_WAITING = 8;
// These sources as they are can be run by tests only, and a thread on Node 20 not even there: it runs what was built of them.
const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? '../../.build/ledger/tile-thread.js' : './tile-thread.js',
  import.meta.url,
);

/** Takes the entries of a ledger in their order, once each. */
export class Rehash {
  readonly #tree: MerkleTiles;
  readonly #thread: TileThread | undefined;
  // Of those that wait, in the order of the tree.
  readonly #tops: (Uint8Array | Promise<Uint8Array>)[] = [];
  // Used again: what nobody needs any more would lie about until it is collected.
  readonly #spare: ArrayBuffer[] = [];

  /** @param size of the whole ledger, in entries */
  constructor(tree: MerkleTiles, size: number, threadFrom = THREAD_FROM) {
    this.#tree = tree;
    this.#thread = size < threadFrom ? undefined : new TileThread();
  }

  /**
   * Entries as a bundle holds them, in parts of it. Resolves when the next may come; those may be in the tree later.
   * @throws whatever ended the thread
   */
  async add(parts: readonly Uint8Array[], count: number): Promise<void> {
    if (this.#thread === undefined || count % TILE_WIDTH > 0) {
      await this.end();
      for (const part of parts) this.#tree.replay(entriesIn(part, 0, countEntries(part)).map(leafHash));
      return;
    }
    const order = { bundles: this.#together(parts), tiles: count / TILE_WIDTH };
    if (this.#thread.atWork < MAX_AT_THREAD) {
      this.#tops.push(this.#thread.ask(order, (memory) => this.#spare.push(memory)));
    } else {
      this.#tops.push(topsOf(order));
      this.#spare.push(order.bundles.buffer);
    }
    await this.#take(MAX_WAITING);
  }

  /** Resolves when all are in the tree. @throws whatever ended the thread */
  async end(): Promise<void> {
    await this.#take(0);
  }

  async close(): Promise<void> {
    await this.#thread?.close();
  }

  async #take(left: number): Promise<void> {
    while (this.#tops.length > left) this.#tree.replayTops(await this.#tops.shift()!);
  }

  #together(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const spare = this.#spare.pop();
    // Twice as much as is needed: entries are of much the same length, so the next have room there too.
    const memory = spare !== undefined && spare.byteLength >= length ? spare : new ArrayBuffer(2 * length);
    const bytes = new Uint8Array(memory, 0, length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

interface Asked {
  readonly resolve: (tops: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
  readonly onMemory: (memory: ArrayBuffer) => void;
}

/** This side of the thread. */
class TileThread {
  readonly #worker = new Worker(THREAD);
  readonly #asked: Asked[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor() {
    this.#worker.on('message', ({ tops, memory }: Answer) => {
      const { resolve, onMemory } = this.#asked.shift()!;
      onMemory(memory);
      resolve(tops);
    });
    this.#worker.on('error', (error) => {
      this.#failure = { error };
      for (const { reject } of this.#asked.splice(0)) reject(error);
    });
  }

  /** How much it has not answered yet. */
  get atWork(): number {
    return this.#asked.length;
  }

  /** Has it make tops. The memory of the entries is the thread’s until it is given back. @throws whatever ended the thread */
  ask(order: Order, onMemory: Asked['onMemory']): Promise<Uint8Array> {
    const tops = this.#post(order, onMemory);
    // Its turn to be waited for comes later.
    tops.catch(() => undefined);
    return tops;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #post(order: Order, onMemory: Asked['onMemory']): Promise<Uint8Array> {
    if (this.#failure !== undefined) throw this.#failure.error;
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject, onMemory });
      this.#worker.postMessage(order, [order.bundles.buffer]);
    });
  }
}
