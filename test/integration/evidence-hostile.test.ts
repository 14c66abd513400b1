/** Ends of a transfer that lie, repeat themselves, send what nobody asked for, or never answer. */
import { randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import { newUuid, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import { FileObjects, Vault, appendCustody } from '../../src/evidence/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { publicJwk } from '../../src/trust/mod.ts';
import {
  parseDraft,
  parseLedgerEntry,
  toJson,
  type EvidenceChunk,
  type EvidenceFile,
  type Frame,
} from '../../src/wire/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { requestDraft } from '../kit/drafts.ts';
import { exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { Puppet, freshId, type PuppetSession } from '../kit/puppet.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const HELD_MS = 120_000;
const AUTHORITY = { name: 'Section II', country: 'XB' };
const CHUNK_BYTES = 4096;
const CHUNKS = 5;

/** A real node XA that has asked XB for something, and XB under the test's control, executing it. */
async function stage(): Promise<Stage> {
  const federation = await copyTestFederation([XA, XB]);
  const node = await startNode(federation, XA);
  const puppet = await Puppet.of(federation, XB);
  const session = await puppet.converse(XA);
  const { message_id: request } = await node.exchange.send(requestDraft(), XB);
  const caseId = (await node.exchange.message(request)).record.case_id!;
  const folder = temporaryFolder();
  const vault = new Vault({
    objects: new FileObjects(join(folder, 'objects')),
    spool: join(folder, 'spool'),
    random: (bytes) => randomBytes(bytes),
  });
  const at = new Stage(node, puppet, session, caseId, vault);
  await at.say(request, { acknowledge_receipt: { received_at: 1, handler: AUTHORITY, local_ref: 'EX 1' } });
  await at.say(request, {
    review_decision: { outcome: 'ACCEPT', measures: [{ measure_id: 'm1', outcome: 'ACCEPT' }], authority: AUTHORITY },
  });
  await at.say(request, {
    execution_started: { measure_ids: ['m1'], started_on: '2026-11-02', executing: AUTHORITY },
  });
  return at;
}

interface Answered {
  readonly kind: string;
  readonly reason: string | undefined;
}

class Stage {
  items = 0;
  readonly node: Node;
  readonly puppet: Puppet;
  readonly session: PuppetSession;
  readonly caseId: Uuid;
  readonly vault: Vault;

  constructor(node: Node, puppet: Puppet, session: PuppetSession, caseId: Uuid, vault: Vault) {
    this.node = node;
    this.puppet = puppet;
    this.session = session;
    this.caseId = caseId;
    this.vault = vault;
  }

  /** Delivers a message of the case and gives what its receipt says. */
  async say(inReplyTo: Uuid | undefined, body: object): Promise<Answered> {
    const { body: parsed } = parseDraft({ ...body });
    const header = { case_id: this.caseId, ...(inReplyTo === undefined ? {} : { in_reply_to: inReplyTo }) };
    this.session.send(await this.puppet.delivery(XA, { header, body: parsed }));
    const receipt = await this.next('receipt');
    const { kind, reason } = parseLedgerEntry(receipt.value.entry);
    return { kind, reason };
  }

  /** The next frame of one of these types; what else comes meanwhile is let go. */
  async next<T extends Frame['type']>(...types: readonly T[]): Promise<Extract<Frame, { type: T }>> {
    for (;;) {
      const frame = await this.session.next();
      if ((types as readonly string[]).includes(frame.type)) return frame as Extract<Frame, { type: T }>;
    }
  }

  async file(seed: number): Promise<EvidenceFile> {
    async function* source(): AsyncIterable<Uint8Array> {
      yield noise(CHUNKS * CHUNK_BYTES - 100, seed);
    }
    const file_id = newUuid(Date.now(), randomBytes(10));
    const label = { file_id, name: `file-${seed}.bin`, media_type: 'application/octet-stream' };
    return this.vault.add(source(), label, { chunkBytes: CHUNK_BYTES });
  }

  /** @param more of the exhibit */
  announce(file: EvidenceFile, more: object = {}): Promise<Answered> {
    const item = { ...exhibit(`e${++this.items}`), files: [file.file_id], ...more };
    const described = { ...file, sha256: b64(file.sha256), root: b64(file.root), key: b64(file.key) };
    const evidence_transfer = { items: [item], files: [described], measure_ids: ['m1'], more_to_follow: true };
    return this.say(undefined, { evidence_transfer });
  }

  /** A chain of custody of one event, signed by the puppet's jurisdiction. */
  chain(itemId: string, place: string): object[] {
    const signer = {
      jurisdiction: XB,
      kid: publicJwk(this.puppet.keys.sign).kid,
      sign: (message: Uint8Array) => new Uint8Array(sign(null, message, this.puppet.keys.sign)),
    };
    const event = { kind: 'COLLECT', at: 1_700_000_000_000, to: 'Police of Brethen', place } as const;
    return [toJson('CustodyRecord', appendCustody(itemId, [], event, signer))];
  }

  /** Sends chunks as they are asked for, each as the test makes it, until the node has the file or gives it up. */
  async serve(
    file: EvidenceFile,
    make: (chunk: EvidenceChunk, asked: number) => readonly EvidenceChunk[] = (chunk) => [chunk],
    sealed: (index: number) => Promise<Uint8Array> = (index) => this.vault.sealedChunk(file, index),
  ): Promise<Frame> {
    let [next, asked] = [0, 0];
    for (;;) {
      const frame = await this.next('evidence_request', 'evidence_stop', 'evidence_done');
      if (frame.type !== 'evidence_request') return frame;
      if (frame.value.restart) {
        next = frame.value.from_chunk;
        asked++;
      }
      for (; next < Math.min(file.chunk_count, frame.value.from_chunk + frame.value.credit); next++) {
        const chunk = { file_id: file.file_id, index: next, sealed: await sealed(next) };
        for (const one of make(chunk, asked)) this.session.send({ type: 'evidence_chunk', value: one });
      }
    }
  }

  async statusOf({ file_id: id }: EvidenceFile): Promise<string | undefined> {
    const found = (await this.node.exchange.evidence.list()).find(({ file_id: known }) => known === id);
    return (
      found &&
      `${found.status}${found.reason === undefined ? '' : ` ${found.reason}`}${found.verified_at === undefined ? '' : ' compared'}`
    );
  }

  /** What lies in the node's folder of evidence. */
  leftovers(): { readonly spools: number; readonly objects: number } {
    const { evidence } = this.node.config.paths;
    const objects = join(evidence, 'objects');
    const all = existsSync(objects) ? readdirSync(objects, { recursive: true }) : [];
    const spool = join(evidence, 'spool');
    return {
      spools: existsSync(spool) ? readdirSync(spool).length : 0,
      objects: all.filter((name) => String(name).length > 4).length,
    };
  }
}

function b64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

const CORRUPT = { type: 'evidence_stop', value: { reason: 'CORRUPT' } };

describe('a sender that lies', () => {
  test('T26: chunks that are cut, swapped or of another key are never kept; a whole that is not the announced one is never delivered', async () => {
    const at = await stage();
    const [one, two, three, four, five] = [
      await at.file(1),
      await at.file(2),
      await at.file(3),
      await at.file(4),
      await at.file(5),
    ];

    expect(await at.announce(one)).toEqual({ kind: 'RECEIVED', reason: undefined });
    const cut = (chunk: EvidenceChunk): EvidenceChunk[] =>
      chunk.index === 2 ? [{ ...chunk, sealed: chunk.sealed.subarray(1) }] : [chunk];
    expect(await at.serve(one, cut)).toMatchObject(CORRUPT);

    await at.announce(two);
    expect(await at.serve(two, undefined, (index) => at.vault.sealedChunk(two, index === 1 ? 0 : index))).toMatchObject(
      CORRUPT,
    );

    await at.announce({ ...three, key: randomBytes(32) });
    expect(await at.serve(three)).toMatchObject(CORRUPT);

    await at.announce({ ...four, root: randomBytes(32) });
    expect(await at.serve(four)).toMatchObject(CORRUPT);
    for (const file of [one, two, three, four]) expect(await at.statusOf(file)).toBe('FAILED CORRUPT');
    expect(at.leftovers()).toEqual({ spools: 0, objects: 0 });

    // The chunks are right and the digest of the whole is not: it is noticed before anybody gets to see it.
    await at.announce({ ...five, sha256: randomBytes(32) });
    expect(await at.serve(five)).toMatchObject({ type: 'evidence_done' });
    await until(async () => (await at.statusOf(five)) === 'FAILED CORRUPT', HELD_MS);
    await expect(at.node.exchange.evidence.open(five.file_id)).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
    await until(() => at.leftovers().objects === 0, HELD_MS);
    await until(async () => (await at.node.exchange.incidents()).length > 0, HELD_MS);
    expect(
      (await at.node.exchange.incidents()).every(({ kind, peer }) => kind === 'EVIDENCE_MISMATCH' && peer === XB),
    ).toBe(true);
  }, 300_000);

  test('a second history of one exhibit is an incident, and neither history is lost', async () => {
    const at = await stage();
    const file = await at.file(1);
    const told = (place: string): Promise<Answered> =>
      at.announce(file, { item_id: 'e1', custody: at.chain('e1', place) });
    expect(await told('Brethen')).toEqual({ kind: 'RECEIVED', reason: undefined });
    await at.serve(file);
    await until(async () => (await at.statusOf(file)) === 'STORED compared', HELD_MS);
    expect(await at.node.exchange.incidents()).toEqual([]);
    // Each history is right by itself: only whoever holds the first can tell.
    expect(await told('Elsewhere')).toEqual({ kind: 'RECEIVED', reason: undefined });
    await until(async () => (await at.node.exchange.incidents()).length > 0, HELD_MS);
    expect(await at.node.exchange.incidents()).toMatchObject([{ kind: 'CUSTODY_CONTRADICTION', peer: XB }]);
    const [known] = await at.node.exchange.evidence.items(at.caseId);
    const custody = known!.item['custody'] as { event: { kind: string; place: string }; jurisdiction: string }[];
    const collected = custody.filter(({ event }) => event.kind === 'COLLECT').map(({ event }) => event.place);
    expect(collected.sort()).toEqual(['Brethen', 'Elsewhere']);
    expect(known!.faults.length).toBeGreaterThan(0);
    const [ledger] = (await auditBundles([{ name: XA, bytes: await exportedBundle(at.node) }])).ledgers;
    expect(ledger!.kinds['INCIDENT']).toBe(1);
  }, 300_000);

  test('a chunk that is bad once, and chunks that come twice, do no harm', async () => {
    const at = await stage();
    const file = await at.file(6);
    await at.announce(file);
    const clumsy = (chunk: EvidenceChunk, asked: number): EvidenceChunk[] => {
      if (asked === 1 && chunk.index === 3) return [{ ...chunk, sealed: noise(chunk.sealed.length, 9) }];
      return [chunk, chunk, { ...chunk, index: Math.max(0, chunk.index - 1) }];
    };
    expect(await at.serve(file, clumsy)).toMatchObject({ type: 'evidence_done' });
    await until(async () => (await at.statusOf(file)) === 'STORED compared', HELD_MS);
    const parts: Uint8Array[] = [];
    for await (const part of (await at.node.exchange.evidence.open(file.file_id)).content)
      parts.push(Uint8Array.from(part));
    expect(Buffer.compare(Buffer.concat(parts), noise(CHUNKS * CHUNK_BYTES - 100, 6))).toBe(0);
    expect(await at.node.exchange.incidents()).toEqual([]);

    // Another file under the root of the first would make the node take that one for it, and lose it.
    const thief = await at.file(7);
    await at.announce({ ...thief, root: file.root, size: file.size, chunk_count: file.chunk_count });
    expect(await at.next('evidence_stop')).toMatchObject({ value: { file_id: thief.file_id, reason: 'MALFORMED' } });
    expect(await at.statusOf(file)).toBe('STORED compared');
    await at.node.exchange.evidence.verify(file.file_id);
  }, 300_000);

  test('sizes, counts and files that do not belong are refused with the message', async () => {
    const at = await stage();
    const file = await at.file(8);
    const invalid = { kind: 'REFUSED', reason: 'FIELD_INVALID' };
    expect(await at.announce({ ...file, chunk_count: file.chunk_count + 1 })).toEqual(invalid);
    expect(await at.announce({ ...file, size: file.size + CHUNK_BYTES })).toEqual(invalid);
    expect(await at.announce({ ...file, chunk_bytes: 16 })).toEqual(invalid);
    expect(await at.statusOf(file)).toBeUndefined();
  }, 300_000);

  test('what nobody asked for is not kept, and whoever goes on is closed', async () => {
    const at = await stage();
    const stranger = { file_id: freshId(), index: 0, sealed: noise(CHUNK_BYTES + 16) };
    const asked = { file_id: stranger.file_id, from_chunk: 0, credit: 16, restart: true };
    const asking: Frame = { type: 'evidence_request', value: asked };
    at.session.send(asking);
    expect(await at.next('evidence_stop')).toMatchObject({ value: { reason: 'NOT_OFFERED' } });
    for (let i = 0; i < 2000; i++) at.session.send({ type: 'evidence_chunk', value: stranger });
    at.session.send(asking);
    // It is closed, or every one of them was let go before the next question is answered.
    const answered = await at.next('evidence_stop').then(
      ({ value }) => value.reason,
      (error: unknown) => String(error),
    );
    expect(answered).toMatch(/^NOT_OFFERED$|closed with 4013/);
    expect(at.leftovers()).toEqual({ spools: 0, objects: 0 });
  }, 300_000);
});

describe('a recipient that never acknowledges', () => {
  test('gets what it asked for and no more, and holds up neither messages nor the sender', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XB);
    const puppet = await Puppet.of(federation, XA);
    const session = await puppet.converse(XB);
    const header = { case_id: newUuid(Date.now(), randomBytes(10)) };
    const delivery = await puppet.delivery(XB, { header, body: requestDraft().body });
    session.send(delivery);
    const next = async <T extends Frame['type']>(type: T): Promise<Extract<Frame, { type: T }>> => {
      for (;;) {
        const frame = await session.next();
        if (frame.type === type) return frame as Extract<Frame, { type: T }>;
      }
    };
    await next('receipt');
    const request = delivery.value.message_id;
    for (const body of [
      { acknowledge_receipt: { received_at: 1, handler: AUTHORITY, local_ref: 'EX 1' } },
      {
        review_decision: {
          outcome: 'ACCEPT',
          measures: [{ measure_id: 'm1', outcome: 'ACCEPT' }],
          authority: AUTHORITY,
        },
      },
      { execution_started: { measure_ids: ['m1'], started_on: '2026-11-02', executing: AUTHORITY } },
    ])
      await node.exchange.send(parseDraft({ in_reply_to: request, ...body }), XA);
    const { evidence } = node.exchange;
    await evidence.putItem(header.case_id, exhibit('e1'));
    async function* source(): AsyncIterable<Uint8Array> {
      for (let i = 0; i < 40; i++) yield noise(262_144, i);
    }
    const label = { case_id: header.case_id, name: 'a.bin', media_type: 'application/octet-stream' };
    const { file_id: id } = await evidence.add(source(), label);
    await evidence.addToItem(header.case_id, 'e1', [id]);
    const transfer = { items: [{ item_id: 'e1' }], measure_ids: ['m1'], more_to_follow: true };
    const draft = { case_id: header.case_id, evidence_transfer: transfer };
    await node.exchange.send(evidence.drafting(draft, XA), XA);
    const ask = (from: number, credit: number, restart: boolean): void => {
      session.send({ type: 'evidence_request', value: { file_id: id, from_chunk: from, credit, restart } });
    };
    ask(0, 4, true);
    for (let index = 0; index < 4; index++) expect((await next('evidence_chunk')).value.index).toBe(index);
    // A message goes before anything that was not asked for, and the next chunk is the one that is asked for next.
    const reason = { lang: 'en', text: 'A holiday.' };
    const estimates = [{ stage: 'EXECUTION', date: '2027-01-01' }];
    await node.exchange.send(
      parseDraft({ case_id: header.case_id, delay_notice: { reason, clock_estimates: estimates } }),
      XA,
    );
    ask(4, 1, false);
    expect((await next('evidence_chunk')).value.index).toBe(4);
    ask(0, 1, true);
    expect((await next('evidence_chunk')).value.index).toBe(0);
    // A proof of nothing is an incident, and ends the session.
    const forged = await puppet.receipt(0);
    session.send({ type: 'evidence_done', value: { file_id: id, receipt: forged } });
    expect(await session.ended).toMatchObject({ code: 4025 });
    expect((await evidence.list())[0]?.offers).toMatchObject([{ peer: XA, status: 'OFFERED' }]);
    await until(async () => (await node.exchange.incidents()).some(({ kind }) => kind === 'INVALID_RECEIPT'), HELD_MS);
  }, 300_000);
});

test('no archive is ever opened: nothing that handles evidence can decompress', () => {
  for (const room of ['evidence', 'exchange', 'transport', 'api', 'cli', 'node', 'store'])
    for (const name of readdirSync(join('src', room), { recursive: true })
      .map(String)
      .filter((one) => one.endsWith('.ts')))
      expect({ name, text: /zlib|inflate|gunzip|brotli/i.test(readFileSync(join('src', room, name), 'utf8')) }).toEqual(
        { name, text: false },
      );
});
