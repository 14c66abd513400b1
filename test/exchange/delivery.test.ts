import { expect, test } from 'vitest';
import { noFailpoint, systemTimers, type JurisdictionCode } from '../../src/base/mod.ts';
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
function queued(): readonly Put[] {
  const record = { message_id: ID, peer: XB, seq: 1, status: 'QUEUED', sent: { index: 0, time: 1 } } as MessageRecord;
  return [
    [keys.message(ID), encodeRecord(record)],
    [keys.sealed(ID), utf8ToBytes('a.b.c.d.e')],
    [keys.pending(XB, 1), utf8ToBytes(ID)],
    [keys.peer(XB), encodeRecord({ sent_seq: 1, received_seq: 0 })],
  ];
}

/** A delivery that notes what it sends. */
function deliveryFrom(
  store: Store,
  ledger: { size: number },
  provedIn: (number | undefined)[] = [],
): { delivery: Delivery; delivered: number[] } {
  const delivered: number[] = [];
  const receipt = (index: number, size?: number): Promise<object> =>
    provedIn.push(size) > 0 && index < ledger.size
      ? Promise.resolve({ entry: Uint8Array.of(1), proof: 'x' })
      : Promise.reject(new Error('no signed checkpoint covers it'));
  const context = {
    code: 'XA',
    store,
    records: new RecentRecords(store),
    clock: { nowMs: () => 1 },
    timers: systemTimers,
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
    close: () => undefined,
  };
  const delivery = new Delivery({
    context,
    link,
    attempts: new Attempts(context, XB),
    onFailure: (error) => {
      throw error;
    },
  });
  return { delivery, delivered };
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
