/** T07: deliveries that come again, and in any order: one effect each, and the same receipt for every copy. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { LinkHandler, PeerLink } from '../../src/exchange/mod.ts';
import { parseFrame, parseLedgerEntry, type Frame } from '../../src/wire/mod.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';
import { randomOf } from '../kit/random.ts';

const deep = process.env['SLOW'] === '1';
const MESSAGES = 40;
const REPLAYS = deep ? 1_000_000 : 4_000;
const OVER_THE_WIRE = deep ? 5_000 : 200;
const CREDIT = 64;
const XB = 'XB' as JurisdictionCode;

/** A session that keeps what it is answered, by the number of the message. */
function link(answers: Map<number, Set<string>>): PeerLink & { closed: string | undefined } {
  const take = (frame: Frame): void => {
    if (frame.type !== 'receipt') return;
    const { seq } = parseLedgerEntry(frame.value.entry);
    const known = answers.get(seq) ?? new Set();
    answers.set(seq, known.add(Buffer.from(frame.value.entry).toString('base64')));
  };
  const send = (frame: Frame): Promise<void> => {
    take(frame);
    return Promise.resolve();
  };
  const made: PeerLink & { closed: string | undefined } = {
    peer: XB,
    limits: { max_message_bytes: 524_288, max_evidence_bytes: 0, credit: CREDIT },
    send,
    sendBulk: (encoded) => send(parseFrame(encoded.slice())),
    answer: take,
    close: (reason) => (made.closed ??= reason),
    closed: undefined,
  };
  return made;
}

test(
  `${REPLAYS} replayed and reordered deliveries have no second effect`,
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const a = await startNode(federation, 'XA');
    const puppet = await Puppet.of(federation, XB);
    const deliveries: Frame[] = [];
    for (let n = 0; n < MESSAGES; n++) deliveries.push(await puppet.delivery('XA'));
    const random = randomOf(1);
    const answers = new Map<number, Set<string>>();
    let [session, handler] = [link(answers), undefined as LinkHandler | undefined];
    const feed = async (frames: readonly Frame[]): Promise<void> => {
      if (handler === undefined || session.closed !== undefined) {
        handler?.onClose();
        session = link(answers);
        handler = a.exchange.attach(session);
      }
      const taker = handler;
      await Promise.all(frames.map((frame) => taker.onFrame(frame)));
    };
    // In any order: what comes too early ends the session, and what came before is answered again.
    while (answers.size < MESSAGES) await feed([random.pick(deliveries), random.pick(deliveries)]);
    const size = a.storage.ledger.size;
    expect(size).toBe(1 + MESSAGES);
    for (let done = 0; done < REPLAYS; done += CREDIT / 2) {
      await feed(Array.from({ length: CREDIT / 2 }, () => random.pick(deliveries)));
      expect(session.closed).toBeUndefined();
    }
    expect(a.storage.ledger.size).toBe(size);
    expect([...answers.values()].map((entries) => entries.size)).toEqual(Array(MESSAGES).fill(1));
    const cases = await a.exchange.cases();
    expect(cases.map(({ steps }) => steps.length)).toEqual(Array(MESSAGES).fill(1));
    handler?.onClose();

    // And some of them over a real connection, and after a restart.
    await a.stop();
    const again = await startNode(federation, 'XA');
    const wire = await puppet.converse('XA');
    for (let done = 0; done < OVER_THE_WIRE; done += 20) {
      for (let n = 0; n < 20; n++) wire.send(random.pick(deliveries));
      for (let n = 0; n < 20; n++) {
        const frame = await wire.next();
        if (frame.type !== 'receipt') throw new Error(`a ${frame.type} came`);
        const { seq } = parseLedgerEntry(frame.value.entry);
        expect(answers.get(seq)!.has(Buffer.from(frame.value.entry).toString('base64'))).toBe(true);
      }
    }
    expect(again.storage.ledger.size).toBe(size);
    wire.close();
    await until(() => !again.transport.connections()[0]!.connected);
  },
  REPLAYS * 2 + 120_000,
);
