/**
 * A session that takes the place of another: what was announced to the one is fetched by the other, and where a ledger has begun again
 * between the two, what is said once that is settled is taken in its order.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bytesToBase64url, newUuid, type JurisdictionCode } from '../../src/base/mod.ts';
import { draftTemplate } from '../../src/casework/mod.ts';
import { FileObjects, Vault } from '../../src/evidence/mod.ts';
import type { CloseReason, PeerLink } from '../../src/exchange/mod.ts';
import { parseDraft, parseFrame, parseLedgerEntry, type EvidenceFile, type Frame } from '../../src/wire/mod.ts';
import { noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { Puppet } from '../kit/puppet.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WAIT_MS = 60_000;
const CHUNKS = 3;
const CHUNK_BYTES = 4096;

/** A session that keeps what this node says in it, and why it closes it. */
function link(): PeerLink & { readonly frames: Frame[]; readonly closed: CloseReason[] } {
  const frames: Frame[] = [];
  const closed: CloseReason[] = [];
  const answer = (frame: Frame): void => {
    frames.push(frame);
  };
  const send = (frame: Frame): Promise<void> => {
    answer(frame);
    return Promise.resolve();
  };
  const limits = { max_message_bytes: 524_288, max_evidence_bytes: 0, credit: 16 };
  return {
    peer: XB,
    limits,
    frames,
    closed,
    answer,
    send,
    sendBulk: (encoded) => send(parseFrame(encoded.slice())),
    close: (reason) => {
      closed.push(reason);
    },
  };
}

function vaultOf(folder = temporaryFolder()): Vault {
  const [objects, spool] = [new FileObjects(join(folder, 'objects')), join(folder, 'spool')];
  const vault = new Vault({ objects, spool, random: (bytes) => randomBytes(bytes) });
  onTestFinished(() => vault.close());
  return vault;
}

async function fileIn(vault: Vault): Promise<EvidenceFile> {
  const content = (async function* (): AsyncIterable<Uint8Array> {
    yield noise(CHUNKS * CHUNK_BYTES);
  })();
  const label = { file_id: newUuid(Date.now(), randomBytes(10)), name: 'a.bin', media_type: 'image/tiff' };
  return vault.add(content, label, { chunkBytes: CHUNK_BYTES });
}

function announcement(puppet: Puppet, file: EvidenceFile): Promise<Frame> {
  const [sha256, root, key] = [file.sha256, file.root, file.key].map(bytesToBase64url);
  const told = draftTemplate('spontaneous_information')['spontaneous_information'] as object;
  const files = [{ ...file, sha256, root, key }];
  return puppet.delivery(XA, {
    body: parseDraft({ spontaneous_information: { ...told, conditions: [], files } }).body,
  });
}

test('files that one session was told of are asked for by the session that has taken its place', async () => {
  const federation = await copyTestFederation([XA, XB]);
  let takeOver = (): void => undefined;
  const failpoint = (step: string): void => {
    if (step === 'receive.opened') takeOver();
  };
  const node = await startNode(federation, XA, { failpoint });
  const [puppet, vault] = [await Puppet.of(federation, XB), vaultOf()];
  for (let round = 0; round < 5; round++) {
    const file = await fileIn(vault);
    const [first, second] = [link(), link()];
    takeOver = () => void node.exchange.attach(second);
    await node.exchange.attach(first).onFrame(await announcement(puppet, file));
    const isAsked = (frame: Frame): boolean =>
      frame.type === 'evidence_request' && frame.value.file_id === file.file_id;
    await until(() => second.frames.some(isAsked), WAIT_MS);
    // Two files at a time: this one is not to hold up the next.
    const handler = node.exchange.attach(second);
    await handler.onFrame({ type: 'evidence_stop', value: { file_id: file.file_id, reason: 'GONE' } });
    handler.onClose();
  }
});

test('a file that one session is taking is gone on with by the next, from the chunk where that one ended', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const [first, second] = [link(), link()];
  const asked = (at: typeof first): unknown[] =>
    at.frames.flatMap((frame) => (frame.type === 'evidence_request' ? [frame.value.from_chunk] : []));
  let handler: ReturnType<typeof node.exchange.attach> | undefined;
  const failpoint = (step: string): void => {
    if (step === 'evidence.chunk-taken') handler ??= node.exchange.attach(second);
  };
  const node = await startNode(federation, XA, { failpoint });
  const [puppet, vault] = [await Puppet.of(federation, XB), vaultOf()];
  const file = await fileIn(vault);
  const chunk = async (index: number): Promise<Frame> => {
    const sealed = await vault.sealedChunk(file, index);
    return { type: 'evidence_chunk', value: { file_id: file.file_id, index, sealed } };
  };
  const before = node.exchange.attach(first);
  await before.onFrame(await announcement(puppet, file));
  await until(() => asked(first).length > 0, WAIT_MS);
  await Promise.all([before.onFrame(await chunk(0)), before.onFrame(await chunk(1))]);
  await until(() => asked(second).length > 0, WAIT_MS);
  expect(asked(first)).toEqual([0]);
  // The second chunk was worked on, or was not, when the session ended: it is kept, or asked for again.
  const from = Number(asked(second)[0]);
  expect([1, 2]).toContain(from);
  for (let index = from; index < CHUNKS; index++) await handler!.onFrame(await chunk(index));
  await until(() => second.frames.some(({ type }) => type === 'evidence_done'), WAIT_MS);
  expect(first.frames.some(({ type }) => type === 'evidence_done')).toBe(false);
  for (const one of [before, handler!]) one.onClose();
});

test('deliveries that wait for a loss to be settled are not overtaken by those that come after it', async () => {
  const federation = await copyTestFederation([XA, XB]);
  let onOpened = (): void => undefined;
  const failpoint = (step: string): void => {
    if (step === 'receive.opened') onOpened();
  };
  const node = await startNode(federation, XA, { failpoint });
  const puppet = await Puppet.of(federation, XB);
  const before = link();
  await node.exchange.attach(before).onFrame(await puppet.delivery(XA));
  expect(before.frames.map(({ type }) => type)).toContain('receipt');

  const held = (await node.exchange.seenCheckpoint(XB))!;
  const epoch = await puppet.receipt(await puppet.lose(1));
  const hello = await puppet.hello();
  if (hello.type !== 'hello') throw new Error(hello.type);
  expect((await node.exchange.verifyHello(XB, hello.value, held)).ok).toBe(true);
  const after = link();
  const handler = node.exchange.attach(after);
  await handler.onFrame({ type: 'resume', value: { epoch, before: [] } });
  const detail = { type: 'resumed', value: { epoch: puppet.epoch, held: held.note } } as const;
  const resumed = await puppet.receipt(puppet.append({ kind: 'RESUMED', peer: XA, seq: 0, detail }));
  const said: Frame[] = [{ type: 'resume_done', value: { resumed } }];
  for (let n = 0; n < 2; n++) said.push(await puppet.delivery(XA));
  const last = await puppet.delivery(XA);
  onOpened = () => {
    onOpened = () => undefined;
    void handler.onFrame(last);
  };
  for (const frame of said) void handler.onFrame(frame);
  const answered = (): number[] =>
    after.frames.flatMap((frame) => (frame.type === 'receipt' ? [parseLedgerEntry(frame.value.entry).seq] : []));
  await until(() => answered().length === 3 || after.closed.length > 0);
  expect([answered(), after.closed]).toEqual([[2, 3, 4], []]);
  handler.onClose();
});
