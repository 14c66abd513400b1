/** Files go with every message that has some, not with evidence alone: each is announced, fetched, proved and compared. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { draftTemplate } from '../../src/casework/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import type { EvidenceAnswer } from '../../src/exchange/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { BODY_TYPES, bodyTypeName, fieldsOf, type BodyType } from '../../src/wire/mod.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const HELD_MS = 120_000;
const WITH_FILES: readonly BodyType[] = [
  'clarification_reply',
  'confiscation_request',
  'evidence_transfer',
  'jit_contribution',
  'restraint_request',
  'spontaneous_information',
];

test('these are all the messages that can have files', () => {
  const hasFiles = (type: string, seen = new Set<string>()): boolean => {
    if (type === 'EvidenceFile') return true;
    if (seen.has(type)) return false;
    seen.add(type);
    return fieldsOf(type).some((field) => field.kind === 'message' && hasFiles(field.type!, seen));
  };
  expect(BODY_TYPES.filter((type) => hasFiles(bodyTypeName(type))).sort()).toEqual(WITH_FILES);
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const fileAt = async (node: Node, id: string): Promise<EvidenceAnswer | undefined> =>
  (await node.exchange.evidence.list()).find(({ file_id: fileId }) => fileId === id);

async function addFile(node: Node, caseId: Uuid, content: Uint8Array): Promise<string> {
  async function* source(): AsyncIterable<Uint8Array> {
    yield content;
  }
  const label = { case_id: caseId, name: 'a.bin', media_type: 'application/octet-stream' };
  return (await node.exchange.evidence.add(source(), label)).file_id;
}

/** Sends a body with changes to its template, as a person writes it. */
async function send(node: Node, to: JurisdictionCode, about: object, type: BodyType, change: object): Promise<Uuid> {
  const draft = { ...about, [type]: { ...(draftTemplate(type)[type] as object), ...change } };
  const { message_id: id } = await node.exchange.send(node.exchange.evidence.drafting(draft, to), to);
  expect(await node.exchange.answerOf(id, HELD_MS)).toMatchObject({ type, status: 'RECEIVED' });
  return (await node.exchange.message(id)).record.case_id!;
}

/** The file has arrived, is what it was, and its sender holds the proof. */
async function arrives(from: Node, to: Node, id: string, content: Uint8Array): Promise<void> {
  await until(async () => (await fileAt(to, id))?.verified_at !== undefined, HELD_MS);
  await until(async () => (await fileAt(from, id))?.offers[0]?.status === 'COMPLETE', HELD_MS);
  expect(await fileAt(to, id)).toMatchObject({ direction: 'IN', status: 'STORED', sha256: sha256(content) });
}

describe('a file', () => {
  test('comes with information, an answer, the copy of an order, and what is put before a team', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const caseId = await caseUnderExecution(a, b);
    const contents = [1, 2, 3, 4].map((seed) => noise(300_000, seed));
    const [information, answer, order, image] = contents as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

    const told = await addFile(b, caseId, information);
    await send(b, XA, {}, 'spontaneous_information', { conditions: [], files: [{ file_id: told }] });
    await arrives(b, a, told, information);

    const asked = { round: 1, measure_ids: ['m1'], reply_by: '2999-12-31' };
    await send(b, XA, { case_id: caseId }, 'clarification_request', asked);
    const replied = await addFile(a, caseId, answer);
    await send(a, XB, { case_id: caseId }, 'clarification_reply', { round: 1, files: [{ file_id: replied }] });
    await arrives(a, b, replied, answer);

    const copy = await addFile(a, caseId, order);
    const { order: described } = draftTemplate('restraint_request')['restraint_request'] as { readonly order: object };
    const restraint = { parent_id: caseId, order: { ...described, copy: { file_id: copy } } };
    await send(a, XB, {}, 'restraint_request', restraint);
    await arrives(a, b, copy, order);

    const proposal = draftTemplate('jit_proposal')['jit_proposal'] as { readonly terms: object };
    const terms = { ...proposal.terms, until: '2099-12-31' };
    const team = await send(a, XB, {}, 'jit_proposal', { audience: [XB], terms });
    await send(a, XB, { case_id: team }, 'jit_agreement', { audience: [XB], terms });
    await send(b, XA, { case_id: team }, 'jit_agreement', { audience: [XA], terms });
    await b.exchange.evidence.putItem(team, exhibit('image'));
    const contributed = await addFile(b, team, image);
    await b.exchange.evidence.addToItem(team, 'image', [contributed]);
    await send(b, XA, { case_id: team }, 'jit_contribution', { audience: [XA], items: [{ item_id: 'image' }] });
    await arrives(b, a, contributed, image);
    const [item] = await a.exchange.evidence.items(team);
    expect(item).toMatchObject({ origin: XB, faults: [], item: { item_id: 'image', files: [contributed] } });
    const events = item!.item['custody'] as readonly { readonly event: { readonly kind: string } }[];
    expect(events.map(({ event }) => event.kind)).toEqual(['STORE', 'TRANSFER', 'RECEIVE']);
  }, 300_000);

  test('that is not here is announced by nobody, and one that contradicts itself is refused with its message', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const id = '019b0000-0000-7000-8000-000000000001';
    const draft = (files: readonly object[]): object => ({
      spontaneous_information: {
        ...(draftTemplate('spontaneous_information')['spontaneous_information'] as object),
        conditions: [],
        files,
      },
    });
    const sending = (files: readonly object[]): Promise<unknown> =>
      b.exchange.send(b.exchange.evidence.drafting(draft(files), XA), XA);
    await expect(sending([{ file_id: id }])).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
    const known = await addFile(b, id as Uuid, noise(5000, 5));
    await expect(sending([{ file_id: known }, { file_id: known }])).rejects.toMatchObject({
      code: 'WIRE_FIELDS_INVALID',
    });
    expect(await a.exchange.evidence.list()).toEqual([]);
    expect(await b.exchange.messages({ limit: 10 })).toEqual([]);
  }, 300_000);
});
