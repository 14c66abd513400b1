import { sign } from 'node:crypto';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import type { PeerLink } from '../../src/exchange/link.ts';
import { SessionWitness } from '../../src/exchange/witness.ts';
import {
  KEY_TYPES,
  cosign,
  encodeVerifierKey,
  signCheckpoint,
  verifierKey,
  verifyCheckpoint,
  verifyCosignature,
  type Checkpoint,
} from '../../src/ledger/mod.ts';
import type { Frame } from '../../src/wire/mod.ts';
import { logKeyOf, privateKeyOf, publicBytes } from '../kit/keys.ts';

const log = logKeyOf('node-a.example/ledger', '11'.repeat(32));
const privateKey = privateKeyOf('ed25519', '22'.repeat(32));
const witnessKey = verifierKey('node-b.example/witness', KEY_TYPES.cosignature, publicBytes(privateKey));

function headOf(size: number): Checkpoint {
  const { note } = signCheckpoint({ size, root: new Uint8Array(32).fill(size) }, log.key, log.sign);
  const verified = verifyCheckpoint(note, [log.key]);
  if (!verified.ok) throw new Error(verified.reason);
  return verified.value;
}

/** A session's witnessing whose ledger grows, and whose store answers, when the test says so. */
function setUp(): {
  readonly grow: (size: number) => void;
  readonly pass: (ms: number) => void;
  readonly read: () => void;
  readonly offers: number[];
  readonly closed: string[];
  /** Where each offer starts from. */
  readonly starts: number[];
  /** The peer says that it stands at another size. */
  readonly stand: (at: number) => Promise<void>;
  /** The peer cosigns what was offered last, or first. */
  readonly answer: (which?: number) => Promise<void>;
  readonly turn: () => Promise<void>;
} {
  let size = 0;
  let nowMs = 0;
  let cosigned: Uint8Array | undefined;
  const reads: (() => void)[] = [];
  const acts: (() => void)[] = [];
  const offers: number[] = [];
  const starts: number[] = [];
  const closed: string[] = [];
  const link = {
    peer: 'XB' as JurisdictionCode,
    send: (frame: Frame) => {
      if (frame.type !== 'witness_offer') throw new Error(frame.type);
      offers.push(Number(frame.value.checkpoint.split('\n')[1]));
      starts.push(frame.value.old_size);
      return Promise.resolve();
    },
    close: (reason: string) => closed.push(reason),
  } as unknown as PeerLink;
  const context = {
    timers: { monotonicMs: () => nowMs, after: (_ms: number, act: () => void) => (acts.push(act), () => undefined) },
    clock: { nowMs: () => 1_700_000_000_000 },
    store: { get: () => new Promise((resolve) => reads.push(() => resolve(cosigned))), scan: () => [] },
    ledger: {
      get size() {
        return size;
      },
      continuation: () => Promise.resolve({ checkpoint: headOf(size), path: [] }),
      setCosignatures: () => undefined,
    },
    committer: {
      get grownTo() {
        return size;
      },
      commit: (step: (view: unknown) => Promise<void>) =>
        step({
          putRecord: (_key: string, record: unknown) => {
            cosigned = Buffer.from(JSON.stringify(record));
          },
        }),
    },
    directory: {
      member: () => ({ witness: { name: witnessKey.name, vkey: encodeVerifierKey(witnessKey) } }),
      witnessKeys: () => [witnessKey],
    },
    failpoint: () => undefined,
  } as unknown as ExchangeContext;
  const onFailure = (error: unknown): never => {
    throw error;
  };
  const witness = new SessionWitness({ context, link, intervalMs: 50, onFailure });
  const turn = async (): Promise<void> => {
    for (const act of acts.splice(0)) act();
    await new Promise(setImmediate);
  };
  return {
    grow: (to) => {
      size = to;
      witness.wake();
    },
    pass: (ms) => {
      nowMs += ms;
    },
    read: () => reads.splice(0).forEach((give) => give()),
    offers,
    starts,
    closed,
    stand: (at) => witness.onCosignature({ size: at }),
    answer: (which = -1) => {
      const head = headOf(offers.at(which)!);
      return witness.onCosignature({
        size: head.size,
        signature: cosign(head.origin, head, 1_700_000_000, witnessKey, (text) => sign(null, text, privateKey)),
      });
    },
    turn,
  };
}

test('one offer at a time: a ledger that grows while one is made ready does not make two, whose answers nobody could tell apart', async () => {
  const { grow, read, offers, closed, answer, turn } = setUp();
  grow(1);
  await turn();
  grow(2);
  await turn();
  grow(3);
  read();
  await turn();
  expect(offers).toEqual([3]);
  grow(4);
  await turn();
  await answer();
  expect([offers, closed]).toEqual([[3], []]);
  // What has grown meanwhile is not forgotten.
  await turn();
  read();
  await turn();
  expect(offers).toEqual([3, 4]);
  await answer();
  expect(closed).toEqual([]);
});

test('an answer that takes long is still the answer to its own offer', async () => {
  const { grow, pass, read, offers, closed, answer, turn } = setUp();
  grow(1);
  await turn();
  read();
  await turn();
  grow(2);
  pass(60_000);
  await turn();
  read();
  await turn();
  await answer(0);
  expect(closed).toEqual([]);
  await turn();
  read();
  await turn();
  expect(offers).toEqual([1, 2]);
});

test('a peer that stands elsewhere is offered from there at once, and one that is never content at the pace of all offers', async () => {
  const { grow, read, offers, starts, closed, stand, answer, turn } = setUp();
  grow(5);
  await turn();
  read();
  await turn();
  // Once at once, then when the next offer is due.
  await stand(2);
  expect(starts).toEqual([0, 2]);
  await stand(3);
  expect(starts).toEqual([0, 2]);
  await turn();
  expect(starts).toEqual([0, 2, 3]);
  await stand(2);
  expect(starts).toEqual([0, 2, 3, 2]);
  await stand(3);
  expect(starts).toEqual([0, 2, 3, 2]);
  await turn();
  await answer();
  expect([starts, offers, closed]).toEqual([[0, 2, 3, 2, 3], [5, 5, 5, 5, 5], []]);
});

test('a cosignature under a key that began within this second states the next one', async () => {
  const answers: Frame[] = [];
  const link = { peer: 'XB' as JurisdictionCode, answer: (frame: Frame) => answers.push(frame) } as unknown as PeerLink;
  const validity = { not_before: 1_700_000_000_500, not_after: 1_800_000_000_000 };
  const vkey = encodeVerifierKey(witnessKey);
  const view = {
    getRecord: () => Promise.resolve(undefined),
    putRecord: () => undefined,
    append: () => ({ index: 0, time: 0 }),
  };
  let nowMs = 1_700_000_000_700;
  const context = {
    code: 'XA',
    timers: { monotonicMs: () => 0, after: () => () => undefined },
    clock: { nowMs: () => nowMs },
    committer: { commit: (step: (view: unknown) => unknown) => step(view) },
    directory: {
      member: () => ({ witness: { name: witnessKey.name, vkey, keys: [{ vkey, ...validity }] } }),
      ledgerKeys: () => [log.key],
    },
    witness: () => ({ key: witnessKey, sign: (message: Uint8Array) => sign(null, message, privateKey) }),
    failpoint: () => undefined,
  } as unknown as ExchangeContext;
  const witness = new SessionWitness({ context, link, intervalMs: 50, onFailure: () => undefined });
  const head = headOf(1);
  const statedAt = async (ms: number): Promise<number> => {
    nowMs = ms;
    await witness.onOffer({ checkpoint: head.note, old_size: 0, proof: [] });
    const frame = answers.pop();
    const signature = frame?.type === 'cosignature' ? frame.value.signature! : '';
    const verified = verifyCosignature(signature, head.origin, head, [witnessKey]);
    return verified.ok ? verified.value.timeS : 0;
  };
  expect(await statedAt(1_700_000_000_700)).toBe(1_700_000_001);
  expect(await statedAt(1_700_000_001_000)).toBe(1_700_000_001);
  expect(await statedAt(1_700_000_002_900)).toBe(1_700_000_002);
});
