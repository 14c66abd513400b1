/** A file that goes out: what is asked for leaves whenever it is asked for, and nothing leaves of what is not wanted any more. */
import { expect, test } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import { EvidenceServe } from '../../src/exchange/evidence-serve.ts';
import { evidenceKeys, fileToRecord, type EvidenceRecord } from '../../src/exchange/evidence-record.ts';
import type { PeerLink } from '../../src/exchange/link.ts';
import { encodeRecord } from '../../src/exchange/record.ts';
import { EvidenceError } from '../../src/evidence/error.ts';
import { MemoryStore } from '../../src/store/mod.ts';
import { parseFrame, type EvidenceFile } from '../../src/wire/mod.ts';

const XB = 'XB' as JurisdictionCode;
const ID = '019b0000-0000-7000-8000-000000000001' as Uuid;
const CHUNKS = 12;
const FILE: EvidenceFile = {
  file_id: ID,
  name: 'a.bin',
  media_type: 'image/tiff',
  size: CHUNKS * 4096,
  chunk_bytes: 4096,
  chunk_count: CHUNKS,
  sha256: new Uint8Array(32),
  root: new Uint8Array(32),
  key: new Uint8Array(32),
};

/** The giving half of a session over a link that takes a chunk when the test says so. */
async function setUp(): Promise<{
  readonly serve: EvidenceServe;
  readonly sent: number[];
  readonly take: () => void;
  readonly ask: (from: number, credit: number, restart?: boolean) => Promise<void>;
  /** Files that people are told are moving. */
  readonly moving: Set<string>;
  /** From now on the store of objects gives no chunks from this one on. */
  readonly away: (from: number) => void;
  readonly pass: () => void;
}> {
  const store = new MemoryStore();
  const record = { file: fileToRecord(FILE), status: 'STORED' } as EvidenceRecord;
  const puts = [
    [evidenceKeys.offer(XB, ID), encodeRecord({ file_id: ID, message_ids: [], status: 'OFFERED' })],
    [evidenceKeys.file(ID), encodeRecord(record)],
  ] as const;
  await store.commit({ puts });
  let take = (): void => undefined;
  let awayFrom = Infinity;
  let acts: (() => void)[] = [];
  const sent: number[] = [];
  const moving = new Set<string>();
  const link = {
    peer: XB,
    answer: () => undefined,
    sendBulk: (encoded: Uint8Array) => {
      const frame = parseFrame(encoded.slice());
      if (frame.type === 'evidence_chunk') sent.push(frame.value.index);
      return new Promise<void>((resolve) => (take = resolve));
    },
  } as unknown as PeerLink;
  const failed = (): Promise<never> => Promise.reject(new EvidenceError('EVIDENCE_STORE_FAILED', 'away'));
  const context = {
    store,
    committer: { commit: () => Promise.resolve() },
    clock: { nowMs: () => 1 },
    timers: {
      monotonicMs: () => 1,
      after: (_ms: number, act: () => void) => {
        acts.push(act);
        return () => {
          acts = acts.filter((other) => other !== act);
        };
      },
    },
    failpoint: () => undefined,
    emit: () => undefined,
    evidence: {
      vault: {
        sealedLength: () => 4112,
        sealedChunks: (_file: unknown, first: number) => (first >= awayFrom ? failed() : Promise.resolve()),
      },
      transfers: {
        note: (_peer: string, id: string) => moving.add(id),
        postpone: (_peer: string, id: string) => moving.add(id),
        end: (_peer: string, id: string) => moving.delete(id),
      },
    },
  } as unknown as ExchangeContext;
  const onFailure = (error: unknown): never => {
    throw error;
  };
  const serve = new EvidenceServe({ context, link, onFailure });
  return {
    serve,
    sent,
    take: () => {
      take();
    },
    ask: (from_chunk, credit, restart = false) => serve.onRequest({ file_id: ID, from_chunk, credit, restart }),
    moving,
    away: (from) => {
      awayFrom = from;
    },
    pass: () => {
      for (const act of acts.splice(0)) act();
    },
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

test('a request that comes at whatever moment of the last chunk’s leaving is served', async () => {
  for (let moment = -20; moment <= 20; moment++) {
    const { serve, sent, take, ask } = await setUp();
    await ask(0, 1, true);
    await settled();
    expect(sent).toEqual([0]);
    const askNext = (): void => void ask(1, 1);
    const [first, then] = moment < 0 ? [askNext, take] : [take, askNext];
    first();
    for (let step = Math.abs(moment); step > 0; step--) await Promise.resolve();
    then();
    await settled();
    expect([moment, sent]).toEqual([moment, [0, 1]]);
    const stopped = serve.stop();
    take();
    await stopped;
  }
});

test('a file that the peer has settled while the store was away does not go out again', async () => {
  const { serve, sent, ask, moving, away, pass } = await setUp();
  away(0);
  await ask(0, CHUNKS, true);
  await settled();
  expect([...moving]).toEqual([ID]);
  await serve.onStop(ID, 'CORRUPT');
  away(Infinity);
  pass();
  await settled();
  expect([sent, [...moving]]).toEqual([[], []]);
  await serve.stop();
});

test('chunks that are asked for anew while the store goes away leave when it is back', async () => {
  for (let moment = 0; moment <= 20; moment++) {
    const { serve, sent, take, ask, away, pass } = await setUp();
    away(8);
    await ask(0, CHUNKS, true);
    for (let index = 0; index < 7; index++) {
      await settled();
      take();
    }
    await settled();
    expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    take();
    for (let step = moment; step > 0; step--) await Promise.resolve();
    await ask(2, CHUNKS, true);
    for (let turn = 0; turn < 2 * CHUNKS; turn++) {
      await settled();
      away(Infinity);
      pass();
      take();
    }
    const again = Array.from({ length: CHUNKS - 2 }, (_, n) => n + 2);
    expect([moment, sent.slice(8)]).toEqual([moment, expect.arrayContaining(again)]);
    await serve.stop();
  }
});
