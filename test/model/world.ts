import { bytesToHex, codeOf, parseUtf8, sha256, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { parseFrame, encodeFrame, parseLedgerEntry, type Frame } from '../../src/wire/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { Fuse } from '../kit/memory-disk.ts';
import type { Random } from '../kit/random.ts';
import { ModelLink, type FrameFate } from './network.ts';
import { ModelNode, type Identity, type Plant } from './node.ts';
import { ModelTime } from './time.ts';

const FATES: readonly FrameFate[] = ['TWICE', 'OUT_OF_ORDER', 'LOST'];

/** Three nodes, what happens to them, and what must hold whatever does. */
export class World {
  readonly nodes: readonly ModelNode[];
  readonly #random: Random;
  readonly #haste: Random | undefined;
  readonly #time: ModelTime;
  #links: ModelLink[] = [];
  #cutPairs = new Set<string>();
  #sent = 0;
  /** What has been done, for whoever reads a failure. */
  readonly log: string[] = [];
  // L: messages of which a person was told that they are queued.
  readonly #acknowledged: { readonly at: ModelNode; readonly id: Uuid }[] = [];
  // N: every root that was ever signed, by ledger and size.
  readonly #roots = new Map<string, string>();
  // L: entries under a signed checkpoint, by node, as leaf digests; E: what each node has said about each number.
  readonly #histories = new Map<ModelNode, string[]>();
  readonly #answers = new Map<string, number>();
  readonly #checkedTo = new WeakMap<object, number>();
  readonly #faults: string[] = [];

  /** @param haste what also happens before the rest has settled; nothing does without it */
  constructor(random: Random, identities: readonly Identity[], { plant, haste }: { plant?: Plant; haste?: Random }) {
    this.#random = random;
    this.#haste = haste;
    this.#time = new ModelTime(Date.now());
    this.nodes = identities.map(
      (identity) =>
        new ModelNode({
          identity,
          time: this.#time,
          plant,
          haste,
          onSigned: (body) => {
            this.#noteRoot(parseUtf8(body));
          },
          onDeath: () => {
            for (const link of this.#links) if (link.codes.includes(identity.code)) link.cut();
          },
        }),
    );
  }

  async create(): Promise<void> {
    for (const node of this.nodes) {
      this.#histories.set(node, []);
      await node.create();
    }
    await this.#settle();
  }

  /** One thing happens, and everything that follows from it at once. */
  async step(): Promise<void> {
    const node = this.#random.pick(this.nodes);
    const other = this.#random.pick(this.nodes);
    const chance = this.#random.below(100);
    if (chance < 18) this.#send(node);
    else if (chance < 50) this.#carryOne();
    else if (chance < 62) await this.#connect(node, other);
    else if (chance < 70) await this.#start(node);
    else if (chance < 80) await this.#pass(this.#random.pick([100, 2_000, 31_000, 3_600_000]));
    else if (chance < 84) this.#withdraw();
    else if (chance < 88) this.#kill(node);
    else if (chance < 91) await this.#cutPower(node);
    else if (chance < 94) this.#cutLink();
    else if (chance < 96) this.#partition(node, other);
    else if (chance < 98) await this.#backUp(node);
    else if (chance < 99) this.#setClock(node);
    else await this.#putBackupBack(node);
    if (this.#haste !== undefined) await this.#hurry(this.#haste);
    await this.#settle();
    await this.#check();
  }

  /** Things that every day brings, one upon another; what is due happens meanwhile. */
  async #hurry(random: Random): Promise<void> {
    for (let turn = random.below(40); turn > 0; turn--) {
      const chance = random.below(12);
      if (chance < 2) this.#send(random.pick(this.nodes), random);
      else if (chance < 5) this.#carryOne(random, 'ARRIVES');
      await turns(1);
      await this.#time.advance(random.below(20) === 0 ? 100 : 0, () => turns(random.below(3)));
    }
  }

  /** The faults are over: everything that waits has to arrive, and both sides have to agree about it. */
  async conclude(): Promise<void> {
    this.#cutPairs.clear();
    this.log.push('all is well again');
    // Disks that were to fail later are not to fail any more.
    for (const node of this.nodes) node.kill();
    for (let round = 0; ; round++) {
      for (const node of this.nodes) {
        node.offsetMs = 0;
        await node.start(new Fuse(Infinity, 'before'));
      }
      await this.#settle();
      await this.#check();
      for (const a of this.nodes) for (const b of this.nodes) await this.#connect(a, b);
      // What a session has to say first may wait for the disk.
      await this.#settle();
      for (let frames = 0; this.#links.some(({ inFlight }) => inFlight > 0); frames++) {
        if (frames > 5_000) throw new Error('the nodes never stop talking');
        for (const link of this.#links) for (const way of [0, 1] as const) link.carry(way, 'ARRIVES', () => 0);
        await this.#settle();
      }
      await this.#check();
      if (!(await this.#isWaiting())) break;
      if (round > 8) throw new Error('something waits for ever');
      await this.#pass(40_000);
    }
    await this.#compare();
  }

  #send(node: ModelNode, random = this.#random): void {
    const to = random.pick(this.nodes.filter((other) => other !== node));
    const expires = random.below(5) === 0 ? node.clock.nowMs() + 1 + random.below(40_000) : 0;
    const { life } = node;
    this.log.push(`${node.code} sends to ${to.code}${expires === 0 ? '' : ' with an end'}`);
    life?.exchange.send(requestDraft(`Number ${this.#sent++}.`, { expires_at: expires }), to.code).then(
      ({ message_id: id }) => this.#acknowledged.push({ at: node, id }),
      () => undefined,
    );
  }

  #withdraw(): void {
    if (this.#acknowledged.length === 0) return;
    const { at, id } = this.#random.pick(this.#acknowledged);
    this.log.push(`${at.code} withdraws ${id}`);
    at.life?.exchange.withdraw(id).catch(() => undefined);
  }

  #carryOne(random = this.#random, always?: FrameFate): void {
    const busy = this.#links.filter(({ inFlight }) => inFlight > 0);
    if (busy.length === 0) return;
    const link = random.pick(busy);
    const fate = always ?? (random.below(12) === 0 ? random.pick(FATES) : 'ARRIVES');
    this.log.push(`a frame between ${link.codes.join(' and ')}: ${fate}`);
    link.carry(random.below(2) === 0 ? 0 : 1, fate, (limit) => random.below(limit));
  }

  async #connect(a: ModelNode, b: ModelNode): Promise<void> {
    const [x, y] = [a.life, b.life];
    if (a === b || x === undefined || y === undefined || this.#cutPairs.has(pairOf(a.code, b.code))) return;
    const isThere = (link: ModelLink): boolean => link.codes.includes(a.code) && link.codes.includes(b.code);
    // Now and then a second session opens before the first is known to be dead.
    if (this.#links.some(isThere) && this.#random.below(4) !== 0) return;
    this.log.push(`${a.code} and ${b.code} connect`);
    const [seenOfB, seenOfA] = [await x.exchange.seenCheckpoint(b.code), await y.exchange.seenCheckpoint(a.code)];
    const [fromA, fromB] = [await x.exchange.makeHello(b.code), await y.exchange.makeHello(a.code)];
    const travelled = (frame: Frame): Frame => parseFrame(encodeFrame(frame));
    const [atB, atA] = [travelled({ type: 'hello', value: fromA }), travelled({ type: 'hello', value: fromB })];
    if (atB.type !== 'hello' || atA.type !== 'hello') throw new Error('a Hello is not one');
    const verdicts = [
      await x.exchange.verifyHello(b.code, atA.value, seenOfB),
      await y.exchange.verifyHello(a.code, atB.value, seenOfA),
    ];
    for (const verdict of verdicts)
      if (!verdict.ok && verdict.reason !== 'NODE_FAILED') this.#faults.push(`Hello refused: ${verdict.reason}`);
    if (verdicts.some((verdict) => !verdict.ok) || a.life !== x || b.life !== y) return;
    const codes = [a.code, b.code] as const;
    const link = new ModelLink(
      codes,
      (from, frame) => {
        this.#noteFrame(from, frame);
      },
      () => {
        if (link.accusation !== undefined) this.#faults.push(`B: ${codes.join(' and ')}: ${link.accusation}`);
        this.#links = this.#links.filter((other) => other !== link);
      },
    );
    // The newer session stays.
    for (const old of this.#links.filter(isThere)) old.cut();
    this.#links.push(link);
    link.handle(0, x.exchange.attach(link.endOf(0, fromB.limits)));
    link.handle(1, y.exchange.attach(link.endOf(1, fromA.limits)));
  }

  async #start(node: ModelNode): Promise<void> {
    if (node.life !== undefined) return;
    const left = this.#random.below(3) === 0 ? Infinity : this.#random.below(80);
    this.log.push(`${node.code} starts, for ${left} operations of its disk`);
    await node.start(new Fuse(left, this.#random.below(2) === 0 ? 'before' : 'after'));
  }

  async #pass(ms: number): Promise<void> {
    this.log.push(`${ms} ms pass`);
    await this.#time.advance(ms, () => this.#settle());
  }

  #kill(node: ModelNode): void {
    this.log.push(`${node.code} is killed`);
    node.kill();
  }

  async #cutPower(node: ModelNode): Promise<void> {
    this.log.push(`the power of ${node.code} is cut`);
    await node.cutPower(this.#random);
  }

  #cutLink(): void {
    if (this.#links.length === 0) return;
    const link = this.#random.pick(this.#links);
    this.log.push(`${link.codes.join(' and ')} lose their session`);
    link.cut();
  }

  #partition(a: ModelNode, b: ModelNode): void {
    const pair = pairOf(a.code, b.code);
    this.log.push(`${pair}: ${this.#cutPairs.has(pair) ? 'healed' : 'parted'}`);
    if (this.#cutPairs.delete(pair)) return;
    this.#cutPairs.add(pair);
    for (const link of [...this.#links]) if (pairOf(...link.codes) === pair) link.cut();
  }

  async #backUp(node: ModelNode): Promise<void> {
    this.log.push(`${node.code} is backed up`);
    await node.backUp();
  }

  async #putBackupBack(node: ModelNode): Promise<void> {
    this.log.push(`an old store of ${node.code} is put back`);
    if (!(await node.refusesBackup())) this.#faults.push(`${node.code} serves an old store`);
  }

  #setClock(node: ModelNode): void {
    node.offsetMs = (this.#random.below(7_200) - 3_600) * 1000;
    this.log.push(`the clock of ${node.code} is ${node.offsetMs} ms off`);
  }

  /** Lets everything finish that waits for nothing but its turn. */
  async #settle(): Promise<void> {
    for (let quiet = 0, last = -1; quiet < 4; quiet++) {
      const now =
        this.nodes.reduce((sum, { activity }) => sum + activity, 0) +
        this.#links.reduce((sum, { inFlight }) => sum + inFlight, 0);
      if (now !== last) quiet = 0;
      last = now;
      await turns(1);
    }
  }

  #noteRoot(body: string): void {
    const [origin, size, root] = body.split('\n');
    if (origin?.includes('/ledger') !== true) return;
    const id = `${origin} ${size}`;
    const known = this.#roots.get(id);
    if (known !== undefined && known !== root) this.#faults.push(`N: two roots of ${id}`);
    this.#roots.set(id, root!);
  }

  /** What leaves a node is a promise: its entry is under a signed checkpoint by now. */
  #noteFrame(from: JurisdictionCode, frame: Frame): void {
    const receipt = frame.type === 'receipt' ? frame.value : frame.type === 'deliver' ? frame.value.sent : undefined;
    if (receipt === undefined) return;
    const node = this.nodes.find(({ code }) => code === from)!;
    const index = Number(receipt.proof.split('\n')[1]!.slice('index '.length));
    const history = this.#histories.get(node)!;
    history[index] ??= digestOf(receipt.entry);
    if (history[index] !== digestOf(receipt.entry))
      this.#faults.push(`L: entry ${index} of ${from} is another than it was`);
  }

  async #check(): Promise<void> {
    for (const node of this.nodes) await this.#checkNode(node);
    for (const { failure, code } of this.nodes)
      if (failure !== undefined) throw new Error(`${code} failed: ${codeOf(failure)}`, { cause: failure });
    if (this.#faults.length > 0) throw new Error(this.#faults.join('; '));
  }

  async #checkNode(node: ModelNode): Promise<void> {
    const { life } = node;
    if (life === undefined || life.fuse.hasBlown) return;
    const history = this.#histories.get(node)!;
    const isNewLife = !this.#checkedTo.has(life);
    if (life.ledger.size < history.length) this.#faults.push(`L: ${node.code} has lost entries`);
    for (let index = this.#checkedTo.get(life) ?? 0; index < life.ledger.size; index++) {
      const bytes = await life.ledger.entry(index);
      const digest = digestOf(bytes);
      if (history[index] !== undefined && history[index] !== digest)
        this.#faults.push(`L: entry ${index} of ${node.code} is another than it was`);
      history[index] = digest;
      const { kind, peer, seq } = parseLedgerEntry(bytes);
      if (kind !== 'RECEIVED' && kind !== 'REFUSED' && kind !== 'RECEIPT_HELD') continue;
      const id = `${node.code} ${kind === 'RECEIPT_HELD' ? 'holds' : 'answered'} ${peer} ${seq}`;
      const known = this.#answers.get(id);
      if (known !== undefined && known !== index) this.#faults.push(`E: ${id} twice, at ${known} and ${index}`);
      this.#answers.set(id, index);
    }
    this.#checkedTo.set(life, life.ledger.size);
    // What a process remembers it has on disk: only the next one can have lost it.
    if (!isNewLife) return;
    const messages = new Set((await life.exchange.messages({ limit: Infinity })).map(({ message_id: id }) => id));
    for (const { at, id } of this.#acknowledged)
      if (at === node && !messages.has(id)) this.#faults.push(`L: ${node.code} has lost message ${id}`);
  }

  async #isWaiting(): Promise<boolean> {
    for (const { life } of this.nodes)
      for (const { code } of this.nodes)
        if (life !== undefined && (await life.exchange.backlog(code)).count > 0) return true;
    return false;
  }

  /** Both sides tell the same story of every message and of every case. */
  async #compare(): Promise<void> {
    await this.#check();
    for (const { life, code } of this.nodes) if (life === undefined) throw new Error(`${code} is dead`);
    for (const from of this.nodes) {
      for (const to of this.nodes.filter((other) => other !== from)) {
        const of = async (node: ModelNode, peer: ModelNode, direction: 'OUT' | 'IN'): Promise<string[]> =>
          (await node.life!.exchange.messages({ peer: peer.code, limit: Infinity }))
            .filter((record) => record.direction === direction)
            .map(lineOf)
            .sort();
        const [out, arrived] = [await of(from, to, 'OUT'), await of(to, from, 'IN')];
        if (out.join('\n') !== arrived.join('\n'))
          throw new Error(`E: ${from.code} says\n${out.join('\n')}\nand ${to.code} says\n${arrived.join('\n')}`);
        const cases = async (node: ModelNode): Promise<string> =>
          JSON.stringify(
            (await node.life!.exchange.cases())
              .filter(({ requesting, requested }) => requesting === from.code && requested === to.code)
              .sort((x, y) => (x.case_id < y.case_id ? -1 : 1)),
          );
        if ((await cases(from)) !== (await cases(to)))
          throw new Error(`E: ${from.code} and ${to.code} do not agree on a case`);
      }
    }
    for (const { life, code } of this.nodes) {
      const incidents = await life!.exchange.incidents();
      if (incidents.length > 0) throw new Error(`${code} accuses an honest peer: ${JSON.stringify(incidents)}`);
    }
  }
}

/** Lets the rest go on for a moment. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function lineOf({ seq, message_id: id, status, reason }: MessageRecord): string {
  return `${String(seq).padStart(4)} ${id} ${status} ${reason ?? ''}`;
}

function pairOf(a: string, b: string): string {
  return [a, b].sort().join('-');
}

function digestOf(entry: Uint8Array): string {
  return bytesToHex(sha256(entry));
}
