/**
 * What a node tells a monitoring system. Labelled by peer and by code only: a metric names no message, no case and no person. Every one
 * is described in `node-config/README.md`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchReport, Exchange, ExchangeEvent } from '../exchange/mod.ts';
import type { AppendReport, Ledger } from '../ledger/mod.ts';
import type { Transport, TransportEvent } from '../transport/mod.ts';
import { WARNING_DAYS, type Ending } from './expiry.ts';

/** Where the values of gauges come from: asked when somebody asks for the metrics. */
export interface MetricsSources {
  readonly exchange: Exchange;
  readonly ledger: Ledger;
  readonly transport: Transport;
  /** What ends, of this node, its peers and the federation. */
  readonly endings: () => readonly Ending[];
}

// From a fast disk's flush to one that is about to make peers give up.
const LATENCY_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
// The monitor's timer must not keep an idle node busy.
const LOOP_RESOLUTION_MS = 20;
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128];

/** Takes one value of a gauge. */
type SetValue = (value: number, labels?: Readonly<Record<string, string | number>>) => void;

/** The metrics of one node. */
export class Metrics {
  readonly registry = new Registry();
  readonly #messages = this.#counter('rogatory_messages_total', 'What happened to messages.', ['peer', 'event']);
  readonly #refused = this.#counter('rogatory_refused_total', 'Messages that this node refused.', ['peer', 'reason']);
  readonly #refusals = this.#counter('rogatory_refusals_held_total', 'Messages of this node that peers refused.', [
    'peer',
    'reason',
  ]);
  readonly #incidents = this.#counter('rogatory_incidents_total', 'Contradictions by peers.', ['peer']);
  readonly #connections = this.#counter(
    'rogatory_connection_events_total',
    'Sessions begun and ended, attempts that failed, connections refused.',
    ['peer', 'event'],
  );
  readonly #batchSteps = this.#histogram('rogatory_batch_steps', 'Steps that shared one write.', BATCH_BUCKETS);
  readonly #batchEntries = this.#histogram('rogatory_batch_entries', 'Ledger entries of one write.', BATCH_BUCKETS);
  readonly #append = this.#histogram('rogatory_append_seconds', 'One append to the ledger, all of it.');
  readonly #storeSync = this.#histogram('rogatory_store_sync_seconds', 'The synced write to the store in it.');
  readonly #headSync = this.#histogram('rogatory_head_sync_seconds', 'The synced replacement of the head in it.');
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });

  /** Counts a message's event, or an incident. */
  onExchange(event: ExchangeEvent): void {
    const { kind, peer } = event;
    if (kind === 'INCIDENT') {
      this.#incidents.inc({ peer });
      return;
    }
    if (kind === 'CLOCK_OVERDUE' || kind === 'CLOCK_ESCALATED') return;
    this.#messages.inc({ peer, event: kind });
    if (kind === 'REFUSED') this.#refused.inc({ peer, reason: event.reason });
    if (kind === 'REFUSAL_HELD') this.#refusals.inc({ peer, reason: event.reason });
  }

  onTransport({ kind, peer }: TransportEvent): void {
    this.#connections.inc({ peer: peer ?? '', event: kind });
  }

  onBatch({ steps, entries }: BatchReport): void {
    this.#batchSteps.observe(steps);
    this.#batchEntries.observe(entries);
  }

  onAppend({ storeMs, headMs, totalMs }: AppendReport): void {
    this.#storeSync.observe(storeMs / 1000);
    this.#headSync.observe(headMs / 1000);
    this.#append.observe(totalMs / 1000);
  }

  /** Begins to answer for a node that has started. */
  start({ exchange, ledger, transport, endings }: MetricsSources): void {
    this.#loop.enable();
    this.#gauge('rogatory_ledger_entries', 'Size of the ledger.', [], (set) => {
      set(ledger.size);
    });
    this.#expiry(endings);
    this.#gauge('rogatory_session_up', 'Whether there is a session.', ['peer'], (set) => {
      for (const { code, connected } of transport.connections()) set(connected ? 1 : 0, { peer: code });
    });
    this.#gauge('rogatory_clock_offset_seconds', 'How far the peer’s clock is ahead.', ['peer'], (set) => {
      for (const { code, clock_offset_ms: offset } of transport.connections())
        if (offset !== undefined) set(offset / 1000, { peer: code });
    });
    this.#queues(exchange, transport);
    this.#gauge('rogatory_witness_lag_entries', 'Entries the peer has not cosigned.', ['peer'], async (set) => {
      const cosigned = new Map((await exchange.cosignatures()).map(({ peer, size }) => [peer, size]));
      for (const { code } of transport.connections())
        set(Math.max(0, exchange.grownTo - (cosigned.get(code) ?? 0)), { peer: code });
    });
    this.#process();
  }

  #expiry(endings: () => readonly Ending[]): void {
    this.#gauge('rogatory_days_left', 'Whole days until it ends.', ['owner', 'what'], (set) => {
      for (const { owner, what, daysLeft } of endings()) set(daysLeft, { owner, what });
    });
    this.#gauge('rogatory_expiring', 'Things of which a warning is due, by the days it is for.', ['days'], (set) => {
      const all = endings();
      for (const days of [...WARNING_DAYS, 0])
        set(all.filter(({ warning }) => warning !== undefined && warning <= days).length, { days });
    });
  }

  #queues(exchange: Exchange, transport: Transport): void {
    this.#gauge('rogatory_queue_messages', 'Messages waiting for the peer’s receipt.', ['peer'], async (set) => {
      for (const { code } of transport.connections()) set((await exchange.backlog(code)).count, { peer: code });
    });
    this.#gauge('rogatory_queue_oldest_seconds', 'Age of the oldest of them.', ['peer'], async (set) => {
      for (const { code } of transport.connections()) {
        const since = await exchange.waitingSince(code);
        set(since === undefined ? 0 : Math.max(0, (Date.now() - since) / 1000), { peer: code });
      }
    });
  }

  #process(): void {
    this.#gauge('rogatory_event_loop_lag_seconds', '99th percentile since the last look.', [], (set) => {
      const lagNs = this.#loop.percentile(99);
      set(Number.isFinite(lagNs) ? lagNs / 1e9 : 0);
      this.#loop.reset();
    });
    this.#gauge('rogatory_resident_bytes', 'Memory of the process.', [], (set) => {
      set(process.memoryUsage.rss());
    });
    this.#gauge('rogatory_cpu_seconds', 'CPU time of the process since it began.', [], (set) => {
      const { user, system } = process.cpuUsage();
      set((user + system) / 1e6);
    });
    this.#gauge('rogatory_start_time_seconds', 'When the process began, Unix time.', [], (set) => {
      set(performance.timeOrigin / 1000);
    });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[] = LATENCY_BUCKETS_S): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }

  #gauge(name: string, help: string, labelNames: string[], collect: (set: SetValue) => void | Promise<void>): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const values: Parameters<SetValue>[] = [];
        await collect((...value) => values.push(value));
        // Only now, and in one go: another look may be under way, and would find the half of it. A peer that has left the federation
        // leaves the metrics too.
        this.reset();
        for (const [value, labels] of values) this.set(labels ?? {}, value);
      },
    });
  }
}
