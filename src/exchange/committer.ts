/**
 * Group commit: while one batch is being made durable, the next one gathers. One synced write, one checkpoint signature and one head
 * record serve every step of a batch, in both directions of the exchange.
 *
 * Steps are planned one after another, each seeing the writes of those before it, so that a read followed by a write needs no lock. A
 * step that throws while it is planned leaves nothing behind. Steps on behalf of peers are taken from each peer in turn, and few from
 * each while several are busy: a batch that one peer fills would make the others wait for all of it. When the write itself fails, nothing of it may be believed: every waiting
 * step is rejected, and the node has to stop and start again from disk.
 */
import { TransientMap, type Clock, type Failpoint, type Timers } from '../base/mod.ts';
import type { Ledger, LedgerSigner } from '../ledger/mod.ts';
import type { Store } from '../store/mod.ts';
import { ENTRY_VERSION, encodeLedgerEntry, type LedgerEntry } from '../wire/mod.ts';
import { BatchWrites } from './batch-writes.ts';
import { ExchangeError } from './error.ts';
import { RecentRecords } from './recent-records.ts';
import type { EntryRef } from './record.ts';
import { nextTurn } from './turns.ts';

/** An entry before the ledger gives it a time. */
export type EntryDraft = Omit<LedgerEntry, 'version' | 'time'>;

/** What one step sees and does. Nothing is durable before the step's commit resolves. */
export interface StepView {
  get(key: string): Promise<Uint8Array | undefined>;
  getRecord<T>(key: string): Promise<T | undefined>;
  /** Every key that begins so, in order: of the store, and of what the steps before this one in its batch have written. */
  keysUnder(prefix: string): Promise<string[]>;
  put(key: string, value: Uint8Array): void;
  putRecord(key: string, record: object): void;
  delete(key: string): void;
  /** Appends a ledger entry in the same batch; the reference says where it will be. */
  append(entry: EntryDraft): EntryRef;
  /** Has another key sign the checkpoint over this batch, and all after it; the step appends the KEY entry that says so. */
  succeed(signer: LedgerSigner): void;
}

interface DraftedEntry {
  readonly kind: LedgerEntry['kind'];
  readonly bytes: Uint8Array;
}

interface Waiting {
  readonly plan: (view: StepView) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

// Larger batches only make everybody wait longer; the writes are already shared at this size.
const MAX_STEPS = 128;
// While several peers are busy, so many steps of each: a larger batch would make the others wait longer than the writes it saves.
const MAX_STEPS_OF_ONE_PEER = 8;
const BUSY_MS = 1_000;
// Planning signs and seals: after this many steps, let sockets be read, or the two ends of a session work in turns (a convoy).
const STEPS_PER_TURN = 16;

// So many turns of the event loop a batch waits to be as large as the one before it.
const PATIENCE_TURNS = 4;

/** What one batch came to, for measurements. */
export interface BatchReport {
  readonly steps: number;
  readonly entries: number;
}

/** Commits steps to the store and the ledger together. */
export class Committer {
  /** What the store holds, with what was committed last at hand. */
  readonly records: RecentRecords;
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onFailure: (error: unknown) => void;
  readonly #onGrowth: () => void;
  readonly #onBatch: ((report: BatchReport) => void) | undefined;
  readonly #failpoint: Failpoint;
  #grownTo: number;
  // One queue for each peer, and one under '' for the node's own people.
  readonly #waiting = new TransientMap<string, Waiting[]>();
  readonly #busySince = new TransientMap<string, number>();
  #running: Promise<void> | undefined;
  // Of the last batch.
  #steps = 1;
  #stopped = false;

  /** @param onFailure called once when a write failed: the process must stop and recover from disk */
  constructor(options: {
    readonly store: Store;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly onFailure: (error: unknown) => void;
    /** Called after a batch with entries that witnesses should hear of. */
    readonly onGrowth: () => void;
    /** Told of every batch that is durable. */
    readonly onBatch?: ((report: BatchReport) => void) | undefined;
    readonly failpoint: Failpoint;
  }) {
    this.records = new RecentRecords(options.store);
    this.#store = options.store;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#onFailure = options.onFailure;
    this.#onGrowth = options.onGrowth;
    this.#onBatch = options.onBatch;
    this.#failpoint = options.failpoint;
    this.#grownTo = options.ledger.size;
  }

  /**
   * Size of the ledger after the last entry that was not WITNESSED. Two nodes that cosign each other would otherwise do so for ever: each
   * cosignature is an entry, and each entry asks for a cosignature.
   */
  get grownTo(): number {
    return this.#grownTo;
  }

  /**
   * Runs one step; resolves with what `plan` returned once everything it wrote is durable, the checkpoint over its entries is signed
   * and the external head is replaced.
   * @param lane the peer on whose behalf; steps of one lane are planned in the order in which they came
   * @throws whatever `plan` throws; {ExchangeError} EXCHANGE_STOPPED
   */
  commit<T>(plan: (view: StepView) => Promise<T>, lane = ''): Promise<T> {
    if (this.#stopped) return Promise.reject(stopped());
    return new Promise<T>((resolve, reject) => {
      const queue = this.#waiting.get(lane) ?? [];
      this.#waiting.set(lane, queue);
      queue.push({ plan, resolve: resolve as (value: unknown) => void, reject });
      if (lane !== '') this.#busySince.set(lane, this.#timers.monotonicMs());
      this.#running ??= this.#run();
    });
  }

  /** Finishes what was submitted and takes nothing more. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      // Steps that were submitted together share a batch.
      await Promise.resolve();
      while (this.#waiting.size > 0) {
        // Those whom the last batch has served are about to come back: a batch of the few who are there costs as much as one of them all.
        // Who was alone waits for nobody.
        for (let turn = 0; turn < PATIENCE_TURNS && this.#waitingSteps < this.#steps; turn++) await nextTurn();
        const batch = this.#gather();
        this.#steps = batch.length;
        await this.#commitBatch(batch);
      }
    } finally {
      this.#running = undefined;
    }
  }

  get #waitingSteps(): number {
    let steps = 0;
    for (const queue of this.#waiting.values()) steps += queue.length;
    return steps;
  }

  /** The next batch: one step of each lane, then another of each, until it is full or each has had its share. */
  #gather(): Waiting[] {
    const since = this.#timers.monotonicMs() - BUSY_MS;
    for (const [lane, at] of this.#busySince) if (at < since) this.#busySince.delete(lane);
    const share = this.#busySince.size > 1 ? MAX_STEPS_OF_ONE_PEER : MAX_STEPS;
    const batch: Waiting[] = [];
    for (let round = 0; round < MAX_STEPS && this.#waiting.size > 0; round++) {
      const before = batch.length;
      for (const [lane, queue] of this.#waiting) {
        if (batch.length === MAX_STEPS) return batch;
        if (lane !== '' && round >= share) continue;
        batch.push(queue.shift()!);
        if (queue.length === 0) this.#waiting.delete(lane);
      }
      if (batch.length === before) break;
    }
    return batch;
  }

  async #commitBatch(steps: readonly Waiting[]): Promise<void> {
    const batch = new BatchWrites(this.records);
    const entries: Uint8Array[] = [];
    const planned: { readonly step: Waiting; readonly value: unknown }[] = [];
    let isGrowth = false;
    let successor: LedgerSigner | undefined;
    for (const [index, step] of steps.entries()) {
      if (index > 0 && index % STEPS_PER_TURN === 0) await nextTurn();
      const fork = batch.fork();
      const own: DraftedEntry[] = [];
      let named: LedgerSigner | undefined;
      const succeed = (signer: LedgerSigner): void => {
        named = signer;
      };
      try {
        const value = await step.plan(this.#viewOf(fork, entries.length, own, succeed));
        batch.merge(fork);
        successor = named ?? successor;
        entries.push(...own.map(({ bytes }) => bytes));
        isGrowth ||= own.some(({ kind }) => kind !== 'WITNESSED');
        planned.push({ step, value });
      } catch (error) {
        step.reject(error);
      }
    }
    this.#failpoint('commit.planned');
    try {
      await this.#write(batch, entries, successor);
    } catch (error) {
      this.#stopped = true;
      for (const { step } of planned) step.reject(stopped(error));
      const left = [...this.#waiting.values()].flat();
      this.#waiting.clear();
      for (const step of left) step.reject(stopped(error));
      this.#onFailure(error);
      return;
    }
    this.#onBatch?.({ steps: planned.length, entries: entries.length });
    this.#failpoint('commit.durable');
    for (const { step, value } of planned) step.resolve(value);
    if (!isGrowth) return;
    this.#grownTo = this.#ledger.size;
    this.#onGrowth();
  }

  async #write(batch: BatchWrites, entries: readonly Uint8Array[], successor: LedgerSigner | undefined): Promise<void> {
    const { records, puts, deletes } = batch.encode();
    for (const [key] of puts) this.records.forget(key);
    for (const key of deletes) this.records.forget(key);
    if (entries.length > 0) await this.#ledger.append(entries, { puts, deletes }, successor);
    else if (puts.length + deletes.length > 0) {
      await this.#store.commit({ puts, deletes });
      this.#failpoint('commit.stored');
    }
    for (const [key, written] of records) this.records.remember(key, written);
  }

  #viewOf(fork: BatchWrites, before: number, own: DraftedEntry[], succeed: StepView['succeed']): StepView {
    return {
      succeed,
      get: (key) => fork.getBytes(key),
      getRecord: (key) => fork.get(key),
      keysUnder: (prefix) => fork.keysUnder(prefix),
      put: (key, value) => {
        fork.put(key, value);
      },
      putRecord: (key, record) => {
        fork.putRecord(key, record);
      },
      delete: (key) => {
        fork.delete(key);
      },
      append: (entry) => {
        const time = this.#ledger.entryTime(this.#clock.nowMs());
        const index = this.#ledger.size + before + own.length;
        own.push({ kind: entry.kind, bytes: encodeLedgerEntry(wholeEntry(entry, time)) });
        return { index, time };
      },
    };
  }
}

// Member by member: entries of all kinds are then of one shape to the engine.
function wholeEntry(entry: EntryDraft, time: number): LedgerEntry {
  const { kind, peer, message_id, seq, sealed_digest, signed_digest, reason, detail } = entry;
  return {
    version: ENTRY_VERSION,
    kind,
    time,
    peer,
    message_id,
    seq,
    sealed_digest,
    signed_digest,
    reason,
    detail,
  };
}

function stopped(cause?: unknown): ExchangeError {
  return new ExchangeError('EXCHANGE_STOPPED', 'The node has stopped taking work.', { cause });
}
