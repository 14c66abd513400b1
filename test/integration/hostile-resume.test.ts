/**
 * A member that says of its losses what is not so, over whole sessions: nothing of it is believed, nothing is written, and when it says what
 * is so, both go on.
 */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { parseCheckpointNote } from '../../src/ledger/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseLedgerEntry, type Frame, type Receipt, type Resume } from '../../src/wire/mod.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { Puppet, type PuppetSession } from '../kit/puppet.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];

let federation: TestFederation;
let node: Node;
let honest: Puppet;

/** XB has sent four messages; XA has cosigned three entries of its ledger, and seen four. */
async function stage(): Promise<void> {
  federation = await copyTestFederation([XA, XB]);
  node = await startNode(federation, XA);
  honest = await Puppet.of(federation, XB);
  const session = await honest.converse(XA);
  for (let n = 0; n < 4; n++) {
    if (n === 3) {
      session.send(await honest.offer(0, 3));
      expect((await answer(session, 'cosignature')).value.size).toBe(3);
    }
    session.send(await honest.delivery(XA));
    await answer(session, 'receipt');
  }
  await left(session);
}

/** The next frame of this kind; offers of XA's own may come at any time. */
async function answer<T extends Frame['type']>(session: PuppetSession, type: T): Promise<Extract<Frame, { type: T }>> {
  for (;;) {
    const frame = await session.next();
    if (frame.type === type) return frame as Extract<Frame, { type: T }>;
    expect(frame.type).toBe('witness_offer');
  }
}

async function left(session: PuppetSession): Promise<void> {
  session.close();
  await until(() => !node.transport.connections()[0]!.connected);
}

/** What XA has of XB, as far as a false word could change it. */
async function known(): Promise<unknown> {
  const records: string[] = [];
  for await (const [key, value] of node.storage.store.scan(''))
    records.push(`${key} ${Buffer.from(value).toString('base64')}`);
  return [node.storage.ledger.checkpoint.note, records];
}

/** Says something to XA under the head of a ledger that has begun again, and is shown out. */
async function shownOut(liar: Puppet, ...said: readonly (Frame | Uint8Array)[]): Promise<number> {
  const session = await liar.converse(XA);
  for (const frame of said) session.send(frame);
  const { code } = await session.ended;
  await until(() => !node.transport.connections()[0]!.connected);
  return code;
}

const resume = (value: Resume): Frame => ({ type: 'resume', value });

/** A ledger that lost entries twice, and what it says of that. */
async function twice(from = honest): Promise<{ readonly liar: Puppet; readonly told: Resume }> {
  const liar = from.copy();
  const first = await liar.lose(2);
  const second = await liar.lose(3);
  return { liar, told: { epoch: await liar.receipt(second), before: [await liar.receipt(first)] } };
}

function withByteChanged(receipt: Receipt, part: 'entry' | 'proof', at: number): Receipt {
  if (part === 'proof')
    return { ...receipt, proof: receipt.proof.replace(/\n([A-Za-z0-9+/]{43}=)\n/, `\n${'A'.repeat(43)}=\n`) };
  const entry = receipt.entry.slice();
  entry[at % entry.length]! ^= 1;
  return { ...receipt, entry };
}

/** What is no proof, whoever says it, and the code that it ends the session with. */
const unproved: [string, number, (liar: Puppet, told: Resume) => Promise<Frame> | Frame][] = [
  ['an earlier epoch as the last', 4035, (_, { before }) => resume({ epoch: before[0]!, before: [] })],
  ['the epochs in the wrong order', 4035, (_, { epoch, before }) => resume({ epoch: before[0]!, before: [epoch] })],
  ['one epoch twice', 4035, (_, { epoch, before }) => resume({ epoch, before: [before[0]!, before[0]!] })],
  ['the last epoch among those before', 4035, (_, { epoch, before }) => resume({ epoch, before: [...before, epoch] })],
  [
    'an epoch of another member’s ledger',
    4035,
    async (_, { epoch }) => {
      const other = (await Puppet.of(federation, XA)).copy();
      other.append({ kind: 'INCIDENT', seq: 0, detail: { type: 'incident', value: { digest: new Uint8Array(32) } } });
      return resume({ epoch, before: [await other.receipt(await other.lose(1))] });
    },
  ],
  ['an entry that began no epoch', 4035, async (liar, { epoch }) => resume({ epoch, before: [await liar.receipt(0)] })],
  [
    'the proof of another entry',
    4035,
    (_, { epoch, before }) => resume({ epoch, before: [{ ...before[0]!, proof: epoch.proof }] }),
  ],
  [
    'a changed entry',
    4035,
    (_, { epoch, before }) => resume({ epoch, before: [withByteChanged(before[0]!, 'entry', 9)] }),
  ],
  ['a changed proof', 4035, (_, { epoch, before }) => resume({ epoch: withByteChanged(epoch, 'proof', 0), before })],
  [
    'sixty-five epochs before',
    4000,
    (_, { epoch, before }) => resume({ epoch, before: Array<Receipt>(65).fill(before[0]!) }),
  ],
  [
    'sixty-four times the same',
    4035,
    (_, { epoch, before }) => resume({ epoch, before: Array<Receipt>(64).fill(before[0]!) }),
  ],
  [
    'more than a frame may hold',
    1009,
    (_, { epoch, before }) => {
      const long = { ...before[0]!, entry: new Uint8Array(30_000) };
      return resume({ epoch, before: Array<Receipt>(64).fill(long) });
    },
  ],
];

/** What a ledger may say to have kept, each signed as it must be, that is not true. */
const untrue: [string, (liar: Puppet) => Promise<number>][] = [
  ['more than was kept', async (liar) => liar.lose(2, { kept: (await liar.checkpoint(3)).note })],
  ['less than was kept', async (liar) => liar.lose(2, { kept: (await liar.checkpoint(1)).note })],
  ['what another ledger kept', async (liar) => liar.lose(2, { kept: node.storage.ledger.checkpoint.note })],
  ['no checkpoint', (liar) => liar.lose(2, { kept: 'xb.test.example/ledger\n2\nAAAA\n' })],
  [
    'what an epoch after it kept',
    async (liar) => {
      const later = liar.copy();
      await later.lose(2, { number: 9 });
      return liar.lose(2, { kept: (await later.checkpoint(2)).note });
    },
  ],
];

/** What may not be said before it is settled, or not then. */
const outOfTurn: [string, (liar: Puppet, told: Resume) => Promise<Frame[]>][] = [
  ['a delivery', async (liar) => [await liar.delivery(XA)]],
  ['an offer', async (liar) => [await liar.offer(0, 4)]],
  ['the end of what was never asked for', async () => [{ type: 'gave_back', value: { entries: 0 } }]],
  [
    'something given back that was not lost',
    async (_, { epoch }) => [{ type: 'give_back', value: { lost: epoch, counterpart: epoch } }],
  ],
  ['that all is settled', async (liar) => [await done(liar, await heldByXa())]],
  ['the same twice', async (_, told) => [resume(told), resume(told)]],
  [
    'that another head was held',
    async (liar, told) => [resume(told), await done(liar, (await honest.checkpoint(3)).note)],
  ],
  [
    'that something else is settled',
    async (_, told) => [resume(told), { type: 'resume_done', value: { resumed: told.epoch } }],
  ],
  [
    'that it is settled with somebody else',
    async (liar, told) => [resume(told), await done(liar, await heldByXa(), 'XC')],
  ],
  ['that an epoch before is settled', async (liar, told) => [resume(told), await done(liar, await heldByXa(), XA, 2)]],
];

/** The head of XB's that XA shows in its Hello. */
async function heldByXa(): Promise<string> {
  return (await honest.checkpoint(4)).note;
}

async function done(liar: Puppet, held: string, peer: string = XA, epoch = liar.epoch): Promise<Frame> {
  const index = liar.append({ kind: 'RESUMED', peer, seq: 0, detail: { type: 'resumed', value: { epoch, held } } });
  return { type: 'resume_done', value: { resumed: await liar.receipt(index) } };
}

test('what does not prove an epoch ends the session and changes nothing; what proves a fork is kept; what is true is believed', async () => {
  await stage();
  const before = await known();
  for (const [what, code, spoil] of unproved) {
    const { liar, told } = await twice();
    expect(await shownOut(liar, await spoil(liar, told)), what).toBe(code);
    expect(await known(), what).toEqual(before);
  }
  for (const [what, lose] of untrue) {
    const liar = honest.copy();
    const epoch = await liar.receipt(await lose(liar));
    expect(await shownOut(liar, resume({ epoch, before: [] })), what).toBe(4035);
    expect(await known(), what).toEqual(before);
  }
  for (const [what, say] of outOfTurn) {
    const { liar, told } = await twice();
    // The Hello shows the head under which the epochs are proved.
    const head = liar.copy();
    expect(await shownOut(head, ...(await say(liar, told))), what).toBe(4035);
    expect(await known(), what).toEqual(before);
  }
  const messages = await node.exchange.messages({});
  for (const [kept, is] of [
    [3, 'cosigned'],
    [4, 'seen'],
  ] as const) {
    const liar = honest.copy();
    liar.keep(honest.entries.with(1, honest.entries[0]!));
    const epoch = await liar.receipt(await liar.lose(kept));
    expect(await shownOut(liar, resume({ epoch, before: [] })), is).toBe(4008);
  }
  // One of a kind is written down in a minute.
  const incidents = await node.exchange.incidents();
  expect(incidents.map(({ kind, peer }) => [kind, peer])).toEqual([['FORKED_LEDGER', XB]]);
  const heads = incidents[0]!.exhibits.map(parseCheckpointNote);
  expect(heads.map(({ origin, size }) => [origin, size])).toEqual(
    Array(2).fill([(await honest.checkpoint()).origin, 3]),
  );
  expect(await node.exchange.messages({})).toEqual(messages);

  await settle(messages);
}, 240_000);

/** What is true is believed: what was lost comes back, and both go on. */
async function settle(before: readonly { readonly message_id: string }[]): Promise<void> {
  const { liar: again, told } = await twice();
  const session = await again.converse(XA);
  session.send(resume(told));
  const given = [await answer(session, 'give_back'), await answer(session, 'give_back')];
  const ids = given.map(({ value }) => parseLedgerEntry(value.lost.entry).message_id);
  expect(ids).toEqual(honest.entries.slice(2, 4).map((entry) => parseLedgerEntry(entry).message_id));
  expect((await answer(session, 'gave_back')).value.entries).toBe(2);
  session.send(await done(again, await heldByXa()));
  session.send(await again.delivery(XA));
  const receipt = parseLedgerEntry((await answer(session, 'receipt')).value.entry);
  expect([receipt.kind, receipt.seq]).toEqual(['RECEIVED', 5]);
  expect((await node.exchange.messages({})).map(({ message_id: id }) => id)).toEqual(
    expect.arrayContaining(before.map(({ message_id: id }) => id)),
  );
  expect((await node.exchange.incidents()).map(({ kind }) => kind).sort()).toEqual([
    'FORKED_LEDGER',
    'RESTARTED_LEDGER',
  ]);
  // The epoch that was left is left: nobody is let back into it.
  const former = await honest.connect(XA);
  former.send(await honest.hello());
  expect((await former.ended).code).toBe(4008);
  await left(session);
}
