/**
 * F09: either end of a transfer is killed with SIGKILL at every chunk boundary, at every step around a file, in the middle of taking one
 * in, and at any moment: every file arrives once, whole, with one EVIDENCE_COMPLETE at each side, and nothing is left lying around.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { EvidenceList, SentAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { ApiError } from '../../src/client/mod.ts';
import { FAILPOINTS, type FailpointName } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import type { EvidenceAnswer, MessageDetail } from '../../src/exchange/mod.ts';
import { caseOverApi, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, until, type TestFederation } from '../kit/federation.ts';
import { Plug } from '../kit/plug.ts';

const deep = process.env['SLOW'] === '1';
// Two federations at a time, so that a machine with two processors is busy.
const STREETS = deep ? ['north', 'south'] : ['north'];
// Sixty pass every step once.
const DEATHS = deep ? Number(process.env['ROGATORY_DEATHS'] ?? 500) : 3;
const DEATHS_A_CYCLE = 3;
const CHUNK_BYTES = 262_144;
// Three times what is kept chunk by chunk: the rest is written in blocks.
const CHUNKS = 12;
// All of them where there are deaths enough to pass each.
const BOUNDARIES = DEATHS < 500 ? [1, 4, 5, 8, 11, 12] : Array.from({ length: CHUNKS }, (_, i) => i + 1);
// The last chunk is a short one.
const FILE_BYTES = CHUNKS * CHUNK_BYTES - 1000;
const HELD_MS = 120_000;
const POLL_MS = 50;
// Longer than a transfer takes: a plug is pulled anywhere in it, or after it.
const TRANSFER_MS = 120;

interface Step {
  readonly code: 'XA' | 'XB';
  readonly name: FailpointName;
  readonly passage: number;
}

const everyChunk = (code: Step['code'], name: FailpointName): Step[] =>
  BOUNDARIES.map((passage) => ({ code, name, passage }));
const once = (code: Step['code'], ...names: readonly FailpointName[]): Step[] =>
  names.map((name) => ({ code, name, passage: 1 }));

// XB sends, XA receives.
const RECEIVING = [
  ...everyChunk('XA', 'evidence.chunk-taken'),
  ...once('XA', 'evidence.taken-over', 'evidence.recorded', 'evidence.done-sent', 'evidence.compared'),
];
const SENDING = [
  ...everyChunk('XB', 'evidence.chunk-sent'),
  ...once('XB', 'evidence.held', 'evidence.settled', 'evidence.added'),
];
const STEPS = Array.from({ length: Math.max(RECEIVING.length, SENDING.length) }, (_, i) => [
  RECEIVING[i % RECEIVING.length]!,
  SENDING[i % SENDING.length]!,
]).flat();

test('every step with a file is one at which somebody dies', () => {
  const names = new Set(STEPS.map(({ name }) => name));
  expect(FAILPOINTS.filter((name) => name.startsWith('evidence.') && !names.has(name))).toEqual([]);
});

// One test for all streets: what ends with a test would otherwise end with the first of several that run at once.
test(
  `${DEATHS} deaths: once, whole, with one entry, and no orphan`,
  async () => {
    await Promise.all(STREETS.map(playStreet));
  },
  DEATHS * 5_000 + HELD_MS * 2,
);

async function playStreet(street: string, number: number): Promise<void> {
  const federation = await copyTestFederation(['XA', 'XB'], [], street);
  const transfer = await Transfer.open(federation, number + 1);
  const cycles = Math.ceil(DEATHS / DEATHS_A_CYCLE / STREETS.length);
  // Each street begins at another step; the few deaths of a quick run are in the middle of a file, at either end.
  const first = deep ? number * Math.floor(STEPS.length / 2) : 4;
  for (let cycle = 0; cycle < cycles; cycle++) await transfer.cycle(STEPS[(first + cycle) % STEPS.length]!);
  await transfer.examine();
  expect(transfer.deaths).toBe(cycles * DEATHS_A_CYCLE);
}

type Plugs = Readonly<Record<Step['code'], Plug>>;

/** A case between two nodes that may die, and every file that a person was told is in it. */
class Transfer {
  readonly #federation: TestFederation;
  readonly #plugs: Plugs;
  readonly #caseId: string;
  #random: number;
  /** Each file that is to arrive, by its name. */
  readonly #sent = new Map<string, { readonly item: string; readonly sha256: string }>();
  /** Exhibits whose transfer XA has confirmed: a case bears few that are not. */
  readonly #confirmed = new Set<string>();
  #files = 0;

  private constructor(federation: TestFederation, plugs: Plugs, caseId: string, seed: number) {
    this.#federation = federation;
    this.#plugs = plugs;
    this.#caseId = caseId;
    this.#random = seed;
  }

  static async open(federation: TestFederation, seed: number): Promise<Transfer> {
    const plugs = { XA: new Plug(federation, 'XA'), XB: new Plug(federation, 'XB') };
    onTestFinished(() => Promise.all(Object.values(plugs).map((plug) => plug.end())).then(() => undefined));
    for (const plug of Object.values(plugs)) plug.start();
    await Promise.all(Object.values(plugs).map((plug) => plug.answersOrDies()));
    const caseId = await caseOverApi(plugs.XA.api, plugs.XB.api);
    return new Transfer(federation, plugs, caseId, seed);
  }

  get deaths(): number {
    return this.#plugs.XA.deaths + this.#plugs.XB.deaths;
  }

  /** Three deaths of one node: while it takes in a file, at the step, and at any moment of another file. */
  async cycle(step: Step): Promise<void> {
    const plug = this.#plugs[step.code];
    const taking = this.#add(step.code).catch(() => undefined);
    await this.#die(plug, this.#below(20));
    await taking;
    plug.start(step);
    await plug.answersOrDies();
    // At “added” the node dies before it answers; nobody was told that there is a file.
    if (step.name === 'evidence.added') await this.#add('XB').catch(() => undefined);
    else await this.#send();
    await this.#die(plug, HELD_MS);
    expect([...plug.reached.keys()]).toContain(step.name);
    plug.start();
    await plug.answersOrDies();
    await this.#settle();
    await this.#send();
    await this.#die(plug, this.#below(TRANSFER_MS));
    plug.start();
    await plug.answersOrDies();
    await this.#settle();
  }

  async examine(): Promise<void> {
    const [atA, atB] = await Promise.all([this.#filesAt('XA'), this.#filesAt('XB')]);
    const arrived = atA.filter(({ direction }) => direction === 'IN');
    expect(arrived.map(({ name, sha256 }) => [name, sha256]).sort()).toEqual(
      [...this.#sent].map(([name, { sha256 }]) => [name, sha256]).sort(),
    );
    expect(arrived.every(({ status, verified_at: at }) => status === 'STORED' && at !== undefined)).toBe(true);
    for (const { file_id: id, sha256 } of arrived) {
      const hash = createHash('sha256');
      for await (const bytes of await this.#plugs.XA.api.download(`evidence/${id}/content`)) hash.update(bytes);
      expect(hash.digest('hex')).toBe(sha256);
    }
    const names = ['XA', 'XB'] as const;
    const bundles = await Promise.all(
      names.map(async (code) => ({ name: code, bytes: await this.#plugs[code].api.getBytes('bundle') })),
    );
    const report = await auditBundles(bundles);
    expect(report.findings).toEqual([]);
    const count = this.#sent.size;
    expect(report.ledgers.map(({ kinds }) => kinds['EVIDENCE_COMPLETE'])).toEqual([count, count]);
    expect(report.ledgers.map(({ kinds }) => kinds['INCIDENT'])).toEqual([undefined, undefined]);
    for (const [code, files] of [
      ['XA', atA],
      ['XB', atB],
    ] as const) {
      const { evidence } = nodePaths(this.#federation.dirOf(code));
      expect(readdirSync(join(evidence, 'spool'))).toEqual([]);
      const objects = readdirSync(join(evidence, 'objects'), { recursive: true })
        .map((name) => String(name).replace('/', ''))
        .filter((name) => name.length === 64);
      expect(objects.sort()).toEqual(files.map(({ root }) => root).sort());
    }
  }

  /** Takes in a file of its own at a node; its id, and its exhibit where XB is to send it. */
  async #add(code: Step['code']): Promise<{ readonly name: string; readonly item: string; readonly sha256: string }> {
    const number = ++this.#files;
    const name = `${code}-${number}.bin`;
    const item = `e${number}`;
    const content = noise(FILE_BYTES, number);
    const { api } = this.#plugs[code];
    await api.post('items', { case_id: this.#caseId, item: exhibit(item) });
    const query = new URLSearchParams({ case: this.#caseId, name, item });
    async function* source(): AsyncIterable<Uint8Array> {
      yield content;
    }
    const { sha256 } = await api.postStream<EvidenceAnswer>(`evidence?${query.toString()}`, source());
    expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
    return { name, item, sha256 };
  }

  /** XB takes in a file and announces it; the announcement may be the last that it does. */
  async #send(): Promise<void> {
    const { name, item, sha256 } = await this.#add('XB');
    this.#sent.set(name, { item, sha256 });
    await this.#announceTo(item);
  }

  /** The node may die before it says that it has sent; whatever else is wrong with an announcement is wrong. */
  async #announceTo(item: string): Promise<void> {
    await this.#announce(item).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
    });
  }

  async #announce(item: string): Promise<void> {
    await this.#plugs.XB.api.post<SentAnswer>('transfers', {
      to: 'XA',
      case_id: this.#caseId,
      items: [item],
      transfer: { measure_ids: ['m1'], more_to_follow: true },
      wait_ms: 0,
    });
  }

  async #die(plug: Plug, patienceMs: number): Promise<void> {
    const failed = await plug.die(patienceMs);
    expect(failed?.stderr.slice(-2000)).toBeUndefined();
  }

  async #messageAt(code: Step['code'], id: string): Promise<SentAnswer['message']> {
    return (await this.#plugs[code].api.get<MessageDetail>(`messages/${id}`)).record;
  }

  async #filesAt(code: Step['code']): Promise<readonly EvidenceAnswer[]> {
    return (await this.#plugs[code].api.get<EvidenceList>('evidence')).files;
  }

  /** Waits until everything that was sent has arrived, and lets XA say so. */
  async #settle(): Promise<void> {
    const deadline = performance.now() + HELD_MS;
    while (!(await this.#isSettled())) {
      expect(performance.now()).toBeLessThan(deadline);
      // A node that is asked without a pause has no time for anything else.
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    for (const { item } of this.#sent.values()) {
      if (this.#confirmed.has(item)) continue;
      const evidence_receipt = {
        outcome: 'PARTIAL',
        measure_ids: ['m1'],
        items: [{ item_id: item, result: 'VERIFIED' }],
        received_by: { name: 'Section I', country: 'XA' },
      };
      const { message } = await this.#plugs.XA.api.post<SentAnswer>('messages', {
        to: 'XB',
        draft: { case_id: this.#caseId, evidence_receipt },
        wait_ms: 0,
      });
      let { status } = message;
      await until(async () => {
        // A session that has just been replaced by another carries it a moment later.
        if (status === 'QUEUED') ({ status } = await this.#messageAt('XA', message.message_id));
        return status !== 'QUEUED';
      }, HELD_MS);
      expect(status).toBe('RECEIVED');
      this.#confirmed.add(item);
    }
  }

  /** Everything sent is there, compared, and its sender holds the proof. */
  async #isSettled(): Promise<boolean> {
    const [atA, atB] = [await this.#filesAt('XA'), await this.#filesAt('XB')];
    for (const [name, { item }] of this.#sent) {
      const offers = atB.find((file) => file.name === name)?.offers ?? [];
      // The node died before it could say that it had sent the message, and it had not.
      if (offers.length === 0) await this.#announceTo(item);
      const isThere = atA.some((file) => file.name === name && file.verified_at !== undefined);
      if (!isThere || !offers.some(({ status }) => status === 'COMPLETE')) return false;
    }
    return true;
  }

  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }
}
