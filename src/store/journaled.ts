/**
 * The node's store: an append-only journal, and LevelDB's tables behind it.
 *
 * A commit is one record under one seal, one write and one flush. What commits came to is in memory until a generation of them is brought
 * into the tables; large values stay where the journal has them, and are never written again. A start reads the journal from the last
 * settled segment on and writes what it finds anew: what a disk has failed to keep, and the system still shows, must not be relied upon.
 */
import type { KeyObject } from 'node:crypto';
import type { Failpoint } from '../base/mod.ts';
import { StoreError, diskReason } from './error.ts';
import { Flush } from './flush.ts';
import { Generation, isLarge, type Held } from './generation.ts';
import { sealRecord } from './journal-record.ts';
import { mergeFound, type Found } from './merge.ts';
import { OWN_PREFIX, parsePlace } from './place.ts';
import { RecentBytes, copyOf } from './recent.ts';
import { openValue, sealValue } from './sealed-value.ts';
import type { Segment } from './segment.ts';
import type { Segments } from './segments.ts';
import { settle } from './settling.ts';
import { checkExpected } from './expected.ts';
import type { Batch, NodeStore, Put, ScanOptions, Store } from './store.ts';

// What is deleted is overwritten within about so long.
const ERASE_AFTER_MS = 60_000;
const REWRITTEN_BYTES = 1024 * 1024;

/** A journal that is open, over its tables. */
export class JournaledStore implements NodeStore {
  readonly #resting: Store;
  readonly #dataKey: KeyObject;
  readonly #segments: Segments;
  readonly #failpoint: Failpoint;
  readonly #share: number;
  readonly #flush = new Flush();
  readonly #recent = new RecentBytes();
  #active: Generation;
  /** Full and on disk, and kept until the next one is: what that one has written again or deleted need not be brought into the tables. */
  #full: Generation | undefined;
  /** On its way into the tables. */
  #leaving: Generation | undefined;
  #lastCommit: number;
  #turn: Promise<void> = Promise.resolve();
  #settling: Promise<void> = Promise.resolve();
  #failure: StoreError | undefined;
  #eraser: NodeJS.Timeout | undefined;

  constructor(parts: {
    readonly resting: Store;
    readonly dataKey: KeyObject;
    readonly segments: Segments;
    readonly segment: Segment;
    readonly lastCommit: number;
    readonly failpoint: Failpoint;
    readonly share: number;
  }) {
    this.#resting = parts.resting;
    this.#dataKey = parts.dataKey;
    this.#segments = parts.segments;
    this.#failpoint = parts.failpoint;
    this.#share = parts.share;
    this.#active = new Generation(parts.segment, parts.share);
    this.#lastCommit = parts.lastCommit;
  }

  /** Writes what an earlier journal came to into this one. */
  async rewrite(outcome: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    let [puts, deletes, bytes]: [Put[], string[], number] = [[], [], 0];
    for (const [key, value] of outcome) {
      if (value === null) deletes.push(key);
      else puts.push([key, value]);
      bytes += key.length + (value?.length ?? 0);
      if (bytes < REWRITTEN_BYTES) continue;
      await this.#write({ puts, deletes, durable: false });
      [puts, deletes, bytes] = [[], [], 0];
    }
    if (puts.length + deletes.length > 0) await this.#write({ puts, deletes });
    await this.#active.segment.sync(this.#flush);
    if (this.#active.hasDeletions) this.#eraseSoon();
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const held = this.#held(key);
    if (held !== undefined) return this.#valueOf(key, held);
    const resting = await this.#resting.get(key);
    return resting === undefined ? undefined : this.#open(key, resting);
  }

  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    // Read before the tables are asked: what is held may be settled meanwhile, and its segment closed.
    const known = new Map<string, Uint8Array | undefined>();
    for (const key of keys) {
      const held = this.#held(key);
      if (held !== undefined) known.set(key, this.#valueOf(key, held));
    }
    const rest = keys.filter((key) => !known.has(key));
    const found = rest.length === 0 ? [] : await this.#resting.getMany(rest);
    let next = 0;
    return keys.map((key) => {
      if (known.has(key)) return known.get(key);
      const resting = found[next++];
      return resting === undefined ? undefined : this.#open(key, resting);
    });
  }

  async *scan(prefix: string, { limit = Infinity, reverse = false }: ScanOptions = {}): AsyncIterable<Put> {
    let left = limit;
    for await (const found of this.#found(prefix, limit, reverse)) {
      if (left <= 0) return;
      if (found.key.startsWith(OWN_PREFIX)) continue;
      const value = await this.#valueAt(found);
      if (value === undefined) continue;
      left--;
      yield [found.key, value];
    }
  }

  async *records(): AsyncIterable<Put> {
    for await (const [key, value] of this.scan('')) yield [key, sealValue(this.#dataKey, key, value)];
  }

  // One process owns the folder, so comparing and writing in turn is as good as a conditional write.
  commit(batch: Batch): Promise<void> {
    return this.#inTurn(() => this.#commit(batch));
  }

  async close(): Promise<void> {
    clearTimeout(this.#eraser);
    await this.#turn;
    await this.#settling;
    await this.#active.segment.finish();
    for (const generation of [this.#active, this.#full, this.#leaving]) generation?.segment.close();
    this.#segments.close();
    await this.#resting.close();
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #commit(batch: Batch): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { expect, puts, deletes = [] } = batch;
    if (expect !== undefined) checkExpected(expect, await this.get(expect.key));
    if (puts.length + deletes.length === 0) return;
    try {
      if (this.#active.isFull) await this.#turnOver();
      await this.#write(batch);
    } catch (cause) {
      throw this.#fail(cause);
    }
    if (this.#active.hasDeletions) this.#eraseSoon();
  }

  async #write(batch: Batch): Promise<void> {
    const { segment } = this.#active;
    const record = sealRecord(segment.key, segment.end, this.#lastCommit + 1, batch);
    const room = segment.room(record.bytes);
    if (room !== undefined) await room;
    segment.append(record);
    this.#failpoint('store.written');
    const synced = batch.durable === false ? undefined : segment.sync(this.#flush);
    const prepared = this.#active.prepare(record, (value, bytes) => {
      this.#recent.keep(value, bytes);
    });
    await synced;
    this.#active.take(record, ++this.#lastCommit, prepared);
  }

  /** Begins another segment, and has the one before the full one settled. There is one on its way at a time. */
  async #turnOver(): Promise<void> {
    await this.#settling;
    if (this.#failure !== undefined) throw this.#failure;
    const { segment } = this.#active;
    await segment.finish();
    await segment.sync(this.#flush);
    const next = await this.#segments.create(segment.number + 1);
    this.#failpoint('store.turned-over');
    const before = this.#full;
    this.#full = this.#active;
    this.#active = new Generation(next, this.#share);
    if (before !== undefined) this.#settling = this.#settle(before, this.#full);
  }

  async #settle(generation: Generation, newer: Generation | undefined): Promise<void> {
    this.#leaving = generation;
    try {
      await settle(generation, newer, {
        resting: this.#resting,
        dataKey: this.#dataKey,
        segments: this.#segments,
        failpoint: this.#failpoint,
        share: this.#share,
      });
    } catch (cause) {
      this.#fail(cause);
      return;
    }
    this.#leaving = undefined;
    generation.segment.close();
  }

  async #settleFull(): Promise<void> {
    const full = this.#full;
    if (full === undefined || this.#failure !== undefined) return;
    this.#full = undefined;
    await this.#settle(full, undefined);
  }

  /** What a person has deleted does not wait for as much traffic as fills segments. */
  #eraseSoon(): void {
    this.#eraser ??= setTimeout(() => {
      this.#eraser = undefined;
      const turn = this.#inTurn(async () => {
        if (this.#failure !== undefined) return;
        if (this.#active.hasDeletions) await this.#turnOver();
        this.#settling = this.#settling.then(() => this.#settleFull());
      });
      turn.catch((error: unknown) => this.#fail(error));
    }, ERASE_AFTER_MS).unref();
  }

  #held(key: string): Held | undefined {
    for (const generation of [this.#active, this.#full, this.#leaving]) {
      const held = generation?.held.get(key);
      if (held !== undefined) return held;
    }
    return undefined;
  }

  #valueOf(key: string, held: Held): Uint8Array | undefined {
    if (held === null) return undefined;
    if (!isLarge(held)) return copyOf(held);
    return held.recent === undefined ? held.segment.read(key, held) : copyOf(held.recent);
  }

  #open(key: string, resting: Uint8Array): Uint8Array {
    const place = parsePlace(resting);
    return place === undefined
      ? openValue(this.#dataKey, key, resting)
      : this.#segments.get(place.segment).read(key, place);
  }

  /** What is there at this moment; a reader sees whole commits only, however long it takes. */
  #found(prefix: string, limit: number, reverse: boolean): AsyncIterable<Found> {
    const recent = new Map<string, Held>();
    for (const generation of [this.#leaving, this.#full, this.#active]) {
      for (const key of generation?.keysWith(prefix) ?? []) recent.set(key, generation!.held.get(key)!);
    }
    const newer = [...recent].sort(([a], [b]) => (a < b ? -1 : 1));
    if (reverse) newer.reverse();
    // Each of the newer may stand in the place of one that is older; the journal's own keys begin the list of all.
    const most = prefix === '' || limit === Infinity ? {} : { limit: limit + newer.length };
    return mergeFound(newer, this.#resting.scan(prefix, { ...most, reverse }), reverse);
  }

  async #valueAt({ key, held, resting }: Found): Promise<Uint8Array | undefined> {
    try {
      return held === undefined ? this.#open(key, resting) : this.#valueOf(key, held);
    } catch {
      // Erased since the scan began, or moved; what was damaged is refused again.
      return this.get(key);
    }
  }

  #fail(cause: unknown): StoreError {
    return (this.#failure ??= new StoreError(
      'STORE_WRITE_FAILED',
      `The store could not be written${diskReason(cause)}.`,
      { cause },
    ));
  }
}
