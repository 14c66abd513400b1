/** Peers witness peers. */
import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { cosign, parseCheckpointNote, parseVerifierKey, verifyCosignatures } from '../../src/ledger/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseLedgerEntry, type Frame, type LedgerEntry } from '../../src/wire/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Puppet, type PuppetSession } from '../kit/puppet.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WITNESSING = { witnessIntervalMs: 50 };

async function entriesOf(node: Node): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (let i = 0; i < node.storage.ledger.size; i++) entries.push(parseLedgerEntry(await node.storage.ledger.entry(i)));
  return entries;
}

const cosignedSize = async (node: Node): Promise<number> => (await node.exchange.cosignatures())[0]?.size ?? -1;

/** Size of the ledger up to its last entry that is not about witnessing. */
async function meaningfulSize(node: Node): Promise<number> {
  return (await entriesOf(node)).findLastIndex(({ kind }) => kind !== 'WITNESSED') + 1;
}

const isCosigned = async (node: Node): Promise<boolean> => (await cosignedSize(node)) >= (await meaningfulSize(node));

describe('two nodes', () => {
  test('cosign each other’s checkpoints, publish them, and come to rest', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA, WITNESSING), await startNode(federation, XB, WITNESSING)];
    const sent = await a.exchange.send(requestDraft(), XB);
    await a.exchange.answerOf(sent.message_id, 60_000);
    await until(async () => (await isCosigned(a)) && (await isCosigned(b)));
    // The last cosignature may still be on its way; two nodes that cosigned for ever would do so many times in each of these waits.
    await until(async () => {
      const before = a.storage.ledger.size + b.storage.ledger.size;
      await new Promise((resolve) => setTimeout(resolve, 400));
      return a.storage.ledger.size + b.storage.ledger.size === before;
    });
    for (const [node, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const witnessed = (await entriesOf(node)).filter(({ kind }) => kind === 'WITNESSED');
      expect(witnessed.length).toBeGreaterThan(0);
      const note = witnessed.at(-1)!.detail as Extract<LedgerEntry['detail'], { type: 'witnessed' }>;
      expect(parseCheckpointNote(note.value.checkpoint)).toMatchObject({
        origin: peer.config.ledgerOrigin,
        size: await cosignedSize(peer),
      });
    }
    // Whichever of the two grew last by witnessing has a checkpoint beyond its cosignature; the other publishes both together.
    const published = await Promise.all(
      [a, b].map(async (node) => {
        await node.storage.ledger.publish();
        const checkpoint = parseCheckpointNote(readFileSync(join(node.config.paths.ledger, 'checkpoint'), 'utf8'));
        const keys = node.exchange.manifest.members.map(({ witness }) => parseVerifierKey(witness.vkey));
        const verdict = verifyCosignatures(checkpoint, keys);
        expect(verdict.ok).toBe(true);
        return {
          isLatest: checkpoint.size === (await cosignedSize(node)),
          count: verdict.ok ? verdict.value.length : -1,
        };
      }),
    );
    for (const { isLatest, count } of published) expect(count).toBe(isLatest ? 1 : 0);
  });

  test('a peer that was away is brought forward by one proof, and restarts forget nothing', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const a = await startNode(federation, XA, WITNESSING);
    let b = await startNode(federation, XB, WITNESSING);
    await until(() => isCosigned(a));
    const first = await cosignedSize(a);
    await b.stop();
    for (let i = 0; i < 25; i++) await a.exchange.send(requestDraft(`Facts ${i}`), XB);
    b = await startNode(federation, XB, WITNESSING);
    await until(async () => (await cosignedSize(a)) >= first + 25 && (await isCosigned(a)));
    const sizes = (await entriesOf(b)).flatMap(({ detail }) =>
      detail?.type === 'witnessed' ? [parseCheckpointNote(detail.value.checkpoint).size] : [],
    );
    expect(sizes).toEqual(sizes.toSorted((x, y) => x - y));
    expect(new Set(sizes).size).toBe(sizes.length);
  });
});

describe('a peer with two histories', () => {
  async function stage(): Promise<{ node: Node; honest: Puppet; other: Puppet }> {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XA);
    const [honest, other] = [await Puppet.of(federation, XB), await Puppet.of(federation, XB)];
    for (let i = 0; i < 5; i++) {
      honest.append(incident(i));
      other.append(incident(i < 2 ? i : 100 + i));
    }
    return { node, honest, other };
  }
  const incident = (n: number): Omit<LedgerEntry, 'version' | 'time'> => ({
    kind: 'INCIDENT',
    seq: 0,
    detail: { type: 'incident', value: { digest: new Uint8Array(32).fill(n) } },
  });
  const answerTo = async (
    session: PuppetSession,
    frame: Frame,
  ): Promise<Extract<Frame, { type: 'cosignature' }>['value']> => {
    session.send(frame);
    const answer = await session.next();
    if (answer.type !== 'cosignature') throw new Error(`a ${answer.type} came`);
    return answer.value;
  };

  test('gets one cosigned, step by step, and is told where to start from when it does not know', async () => {
    const { node, honest } = await stage();
    const session = await honest.converse('XA', { checkpoint: (await honest.checkpoint(2)).note });
    expect((await answerTo(session, await honest.offer(0, 2))).signature).toBeDefined();
    const size = node.storage.ledger.size;
    expect(await answerTo(session, await honest.offer(0, 5))).toEqual({ size: 2, signature: undefined });
    expect(await answerTo(session, await honest.offer(1, 5))).toEqual({ size: 2, signature: undefined });
    expect(node.storage.ledger.size).toBe(size);
    expect(await answerTo(session, await honest.offer(2, 5))).toMatchObject({
      size: 5,
      signature: expect.any(String) as string,
    });
    expect(node.storage.ledger.size).toBe(size + 1);
    // The same head again is cosigned again and recorded once.
    expect((await answerTo(session, await honest.offer(5, 5))).signature).toBeDefined();
    expect(node.storage.ledger.size).toBe(size + 1);
    session.close();
  });

  test.each<[string, (honest: Puppet, other: Puppet) => Promise<Frame>]>([
    ['another history of the same size', (_honest, other) => other.offer(3, 3)],
    ['another history that is longer', (_honest, other) => other.offer(3, 5)],
    ['a smaller tree than was cosigned', (honest) => honest.offer(1, 2)],
    [
      'its own history with a broken proof',
      async (honest) => {
        const frame = await honest.offer(3, 5);
        return { ...frame, value: { ...frame.value, proof: frame.value.proof.slice(1) } };
      },
    ],
  ])('is refused, and the proof is kept: %s', async (_name, make) => {
    const { node, honest, other } = await stage();
    const session = await honest.converse('XA', { checkpoint: (await honest.checkpoint(3)).note });
    expect((await answerTo(session, await honest.offer(0, 3))).signature).toBeDefined();
    const size = node.storage.ledger.size;
    session.send(await make(honest, other));
    expect((await session.ended).code).toBe(4008);
    await until(() => node.storage.ledger.size === size + 1);
    const [incidentEntry] = (await entriesOf(node)).slice(-1);
    expect(incidentEntry).toMatchObject({ kind: 'INCIDENT', peer: 'XB' });
    const [record] = await node.exchange.incidents();
    expect(record!.exhibits.map((note) => parseCheckpointNote(note).origin)).toEqual([
      'xb.test.example/ledger',
      'xb.test.example/ledger',
    ]);
  });

  test('an offer whose checkpoint does not verify ends the session', async () => {
    const { honest } = await stage();
    const session = await honest.converse('XA');
    const frame = await honest.offer(0, 5);
    session.send({ ...frame, value: { ...frame.value, checkpoint: 'x' } });
    expect((await session.ended).code).toBe(4007);
  });
});

describe('a witness that lies', () => {
  test('a cosignature that is none, over another head, or that nobody asked for, ends the session', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XA, WITNESSING);
    const puppet = await Puppet.of(federation, XB);
    for (const signature of ['AAAA', 'x', Buffer.alloc(76).toString('base64')]) {
      const session = await puppet.converse('XA');
      expect((await session.next()).type).toBe('witness_offer');
      session.send({ type: 'cosignature', value: { size: 1, signature } });
      expect((await session.ended).code).toBe(4020);
    }
    // Signed as it should be, at a time at which the key is not valid: nobody who audits this node would believe it.
    const { witness } = puppet.manifest.manifest.members.find(({ code }) => code === XB)!;
    for (const timeS of [9_100_000_000_000, Number.MAX_SAFE_INTEGER]) {
      const session = await puppet.converse('XA');
      const offer = await session.next();
      if (offer.type !== 'witness_offer') throw new Error(`a ${offer.type} came`);
      const head = parseCheckpointNote(offer.value.checkpoint);
      const key = parseVerifierKey(witness.vkey);
      const signature = cosign(head.origin, head, timeS, key, (message) => sign(null, message, puppet.keys.witness));
      session.send({ type: 'cosignature', value: { size: head.size, signature } });
      expect((await session.ended).code).toBe(4020);
    }
    expect(await node.exchange.cosignatures()).toEqual([]);
    const session = await puppet.converse('XA');
    await session.next();
    // A size that this ledger has never had is ignored; one that it had is where the next offer starts.
    session.send({ type: 'cosignature', value: { size: 1, signature: undefined } });
    const second = await session.next();
    expect(second).toMatchObject({ type: 'witness_offer', value: { old_size: 1, proof: [] } });
    session.close();
  });
});
