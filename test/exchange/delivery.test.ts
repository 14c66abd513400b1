import { expect, test } from 'vitest';
import { noFailpoint, systemTimers, type JurisdictionCode, type Timers } from '../../src/base/mod.ts';
import { Attempts } from '../../src/exchange/attempts.ts';
import { Delivery } from '../../src/exchange/delivery.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import type { PeerLink } from '../../src/exchange/link.ts';
import { RecentRecords } from '../../src/exchange/recent-records.ts';
import { encodeRecord, keys, type MessageRecord } from '../../src/exchange/record.ts';
import { MemoryStore, type Put, type ScanOptions, type Store } from '../../src/store/mod.ts';
import { utf8ToBytes, type Uuid } from '../../src/base/mod.ts';
import type { Frame } from '../../src/wire/mod.ts';
import { until } from '../kit/federation.ts';

const XB = 'XB' as JurisdictionCode;
const ID = '019b0000-0000-7000-8000-000000000001' as Uuid;

/** A message in the queue, as a committed batch leaves it. */
function queued(seq = 1): readonly Put[] {
  const id = ID.replace(/1$/, String(seq)) as Uuid;
  const record = { message_id: id, peer: XB, seq, status: 'QUEUED', sent: { index: 0, time: 1 } } as MessageRecord;
  return [
    [keys.message(id), encodeRecord(record)],
    [keys.sealed(id), utf8ToBytes('a.b.c.d.e')],
    [keys.pending(XB, seq), utf8ToBytes(id)],
    [keys.peer(XB), encodeRecord({ sent_seq: seq, received_seq: 0 })],
  ];
}

/** A delivery that notes what it sends. */
function deliveryFrom(
  store: Store,
  ledger: { size: number },
  provedIn: (number | undefined)[] = [],
  timers: Timers = systemTimers,
): { delivery: Delivery; delivered: number[]; closed: string[] } {
  const delivered: number[] = [];
  const closed: string[] = [];
  const receipt = (index: number, size?: number): Promise<object> =>
    provedIn.push(size) > 0 && index < ledger.size
      ? Promise.resolve({ entry: Uint8Array.of(1), proof: 'x' })
      : Promise.reject(new Error('no signed checkpoint covers it'));
  const context = {
    code: 'XA',
    store,
    records: new RecentRecords(store),
    clock: { nowMs: () => 1 },
    timers,
    failpoint: noFailpoint,
    committer: { commit: () => Promise.resolve() },
    ledger: Object.assign(ledger, { receipt }),
  } as unknown as ExchangeContext;
  const link: PeerLink = {
    peer: XB,
    limits: { max_message_bytes: 4096, max_evidence_bytes: 0, credit: 4 },
    send: (frame: Frame) => {
      if (frame.type === 'deliver') delivered.push(frame.value.seq);
      return Promise.resolve();
    },
    answer: () => undefined,
    sendBulk: () => Promise.resolve(),
    close: (reason) => {
      closed.push(reason);
    },
  };
  const delivery = new Delivery({
    context,
    link,
    attempts: new Attempts(context, XB),
    onFailure: (error) => {
      throw error;
    },
  });
  return { delivery, delivered, closed };
}

/** Queues the first message just after somebody looked whether anything is queued. */
class QueuedMeanwhile implements Store {
  readonly below = new MemoryStore();
  get = (key: string): Promise<Uint8Array | undefined> => this.below.get(key);
  getMany = (names: readonly string[]): Promise<(Uint8Array | undefined)[]> => this.below.getMany(names);
  commit = (batch: Parameters<Store['commit']>[0]): Promise<void> => this.below.commit(batch);
  close = (): Promise<void> => this.below.close();

  async *scan(prefix: string, options?: ScanOptions): AsyncIterable<Put> {
    yield* this.below.scan(prefix, options);
    await this.below.commit({ puts: queued() });
  }
}

test('a message that is queued while a new session looks at the queue is delivered in that session', async () => {
  const { delivery, delivered } = deliveryFrom(new QueuedMeanwhile(), { size: 1 });
  delivery.wake();
  await new Promise((resolve) => setTimeout(resolve, 10));
  delivery.wake();
  await until(() => delivered.length > 0);
  expect(delivered).toEqual([1]);
  await delivery.stop();
});

test('a message whose entry is stored but not yet under the signed checkpoint waits for it', async () => {
  const store = new MemoryStore();
  await store.commit({ puts: queued() });
  const ledger = { size: 0 };
  const { delivery, delivered } = deliveryFrom(store, ledger);
  delivery.wake();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(delivered).toEqual([]);
  ledger.size = 1;
  delivery.wake();
  await until(() => delivered.length > 0);
  expect(delivered).toEqual([1]);
  await delivery.stop();
});

test.each([
  ['which the peer has cosigned is proved in that tree', 5, 5],
  ['which the peer has not cosigned yet is proved in the latest tree', 0, undefined],
])('an entry %s', async (_name, cosigned, proving) => {
  const store = new MemoryStore();
  await store.commit({ puts: [...queued(), [keys.cosigned(XB), encodeRecord({ size: cosigned })]] });
  const provedIn: (number | undefined)[] = [];
  const { delivery, delivered } = deliveryFrom(store, { size: 9 }, provedIn);
  delivery.wake();
  await until(() => delivered.length > 0);
  expect(provedIn).toEqual([proving]);
  await delivery.stop();
});

/** Time that passes when a test says so, all at once: what was due meanwhile happens after it. */
function timeThatPasses(): { readonly timers: Timers; readonly pass: (ms: number) => void } {
  let now = 0;
  const waiting = new Map<() => void, number>();
  const after = (ms: number, act: () => void): (() => void) => {
    waiting.set(act, now + ms);
    return () => waiting.delete(act);
  };
  const pass = (ms: number): void => {
    now += ms;
    for (const [act, at] of [...waiting]) if (at <= now && waiting.delete(act)) act();
  };
  return { timers: { monotonicMs: () => now, after }, pass };
}

test('a peer that answers one delivery after another is not silent, however many wait; one that answers none is', async () => {
  const store = new MemoryStore();
  for (const seq of [1, 2, 3, 4]) await store.commit({ puts: queued(seq) });
  const { timers, pass } = timeThatPasses();
  const { delivery, delivered, closed } = deliveryFrom(store, { size: 1 }, [], timers);
  delivery.wake();
  await until(() => delivered.length === 4);
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second++) pass(1000);
  };
  for (const seq of [1, 2]) {
    seconds(20);
    delivery.answered(seq);
  }
  expect(delivery.waitOf(3)).toEqual({ sentMsAgo: 40_000, overdueInMs: 30_000 });
  seconds(20);
  // Not the one whose turn it is.
  delivery.answered(4);
  expect(closed).toEqual([]);
  seconds(20);
  expect(closed[0]).toBe('RECEIPT_OVERDUE');
  await delivery.stop();
});

test('a process that stood still does not take its own silence for the peer’s', async () => {
  const store = new MemoryStore();
  await store.commit({ puts: queued() });
  const { timers, pass } = timeThatPasses();
  const { delivery, delivered, closed } = deliveryFrom(store, { size: 1 }, [], timers);
  delivery.wake();
  await until(() => delivered.length === 1);
  pass(600_000);
  expect(closed).toEqual([]);
  for (let second = 0; second < 40; second++) pass(1000);
  expect(closed[0]).toBe('RECEIPT_OVERDUE');
  await delivery.stop();
});
