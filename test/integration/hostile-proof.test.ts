/** A member whose proofs hold, and carry more than whoever believes them has room for. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { parseLedgerEntry, type Receipt } from '../../src/wire/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Puppet, type PuppetSession } from '../kit/puppet.ts';

// What an entry has room for: `peer_entry.checkpoint` in ledger.proto.
const MOST_BYTES = 8192;

async function stage(): Promise<{ node: Node; puppet: Puppet; session: PuppetSession }> {
  const federation = await copyTestFederation(['XA', 'XB']);
  const node = await startNode(federation, 'XA');
  const puppet = await Puppet.of(federation, 'XB');
  const session = await puppet.converse('XA');
  await until(() => node.transport.connections()[0]!.connected);
  return { node, puppet, session };
}

/** The same proof, with a line of a key that nobody knows: a note may have any, and its reader passes over them. */
function withCheckpointOf(bytes: number, { entry, proof }: Receipt): Receipt {
  const note = proof.slice(proof.indexOf('\n\n') + 2);
  const frame = (name: string): string => `\u2014 ${name} \n`;
  const room = (name: string): number => bytes - Buffer.byteLength(note) - Buffer.byteLength(frame(name));
  const name = 'x'.repeat(1 + ((room('x') + 4) % 4));
  const line = frame(name).replace(/\n$/, `${'A'.repeat(room(name))}\n`);
  expect(Buffer.byteLength(note + line)).toBe(bytes);
  return { entry, proof: proof + line };
}

/** Every entry of the node's ledger, each as whoever audits it reads it. */
async function kindsOf({ storage: { ledger } }: Node): Promise<string[]> {
  const kinds: string[] = [];
  for (let i = 0; i < ledger.size; i++) kinds.push(parseLedgerEntry(await ledger.entry(i)).kind);
  return kinds;
}

async function isHeld(node: Node): Promise<boolean> {
  return (await node.exchange.messages({})).some(({ held }) => held !== undefined);
}

/** XA sends a message, and XB has its answer ready. */
async function answered(puppet: Puppet, node: Node, session: PuppetSession): Promise<Receipt> {
  await node.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
  const frame = await session.next();
  if (frame.type !== 'deliver') throw new Error(`a ${frame.type} came`);
  const { message_id, seq, sealed_digest, signed_digest } = parseLedgerEntry(frame.value.sent.entry);
  const value = { leaf_hash: new Uint8Array(32), checkpoint: (await puppet.checkpoint()).note };
  const about = { peer: 'XA', message_id, seq, sealed_digest, signed_digest };
  return puppet.receipt(puppet.append({ kind: 'RECEIVED', ...about, detail: { type: 'peer_entry', value } }));
}

describe('a checkpoint as long as an entry has room for', () => {
  test('is taken with a delivery and with a receipt, and what is written down can be read', async () => {
    const { node, puppet, session } = await stage();
    const delivery = await puppet.delivery('XA');
    const sent = withCheckpointOf(MOST_BYTES, delivery.value.sent);
    session.send({ type: 'deliver', value: { ...delivery.value, sent } });
    expect((await session.next()).type).toBe('receipt');
    const receipt = withCheckpointOf(MOST_BYTES, await answered(puppet, node, session));
    session.send({ type: 'receipt', value: receipt });
    await until(() => isHeld(node));
    expect(await kindsOf(node)).toEqual(['MANIFEST', 'RECEIVED', 'SENT', 'RECEIPT_HELD']);
    session.close();
  });
});

describe('a longer one', () => {
  test('proves no delivery: nothing is written', async () => {
    const { node, puppet, session } = await stage();
    const delivery = await puppet.delivery('XA');
    const sent = withCheckpointOf(MOST_BYTES + 1, delivery.value.sent);
    session.send({ type: 'deliver', value: { ...delivery.value, sent } });
    // An answer would be the other end of it.
    expect(await Promise.race([session.ended, session.next()])).toMatchObject({ code: 4010 });
    expect(await kindsOf(node)).toEqual(['MANIFEST']);
  });

  test('proves no receipt: the message stays queued, and every entry can be read', async () => {
    const { node, puppet, session } = await stage();
    const receipt = withCheckpointOf(MOST_BYTES + 1, await answered(puppet, node, session));
    session.send({ type: 'receipt', value: receipt });
    expect(await Promise.race([session.ended, until(() => isHeld(node))])).toMatchObject({ code: 4014 });
    expect(await kindsOf(node)).toEqual(['MANIFEST', 'SENT', 'INCIDENT']);
    expect(await node.exchange.messages({})).toMatchObject([{ status: 'QUEUED' }]);
  });
});
