/** A file that a person lets go of while it is on its way, or is being compared: it stays gone, nobody is blamed for it, and the node goes on. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { draftTemplate } from '../../src/casework/mod.ts';
import { EvidenceError, Vault } from '../../src/evidence/mod.ts';
import type { EvidenceAnswer } from '../../src/exchange/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { changeConfig, copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';

vi.setConfig({ testTimeout: 120_000 });

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];

const full = new EvidenceError('EVIDENCE_NO_SPACE', 'no room');

afterEach(() => {
  vi.restoreAllMocks();
});

interface Sides {
  readonly federation: TestFederation;
  readonly a: Node;
  readonly b: Node;
  readonly caseId: Uuid;
  readonly failures: unknown[];
}

/** Two nodes with a case in which XB sends evidence to XA. */
async function twoNodes(): Promise<Sides> {
  const federation = await copyTestFederation([XA, XB]);
  const failures: unknown[] = [];
  const onFatal = (error: unknown): void => void failures.push(error);
  const [a, b] = [await startNode(federation, XA, { onFatal }), await startNode(federation, XB)];
  return { federation, a, b, caseId: await caseUnderExecution(a, b), failures };
}

async function addFile(node: Node, caseId: Uuid, name: string, seed: number): Promise<string> {
  async function* source(): AsyncIterable<Uint8Array> {
    yield noise(600_000, seed);
  }
  const label = { case_id: caseId, name, media_type: 'application/octet-stream' };
  return (await node.exchange.evidence.add(source(), label)).file_id;
}

/** Announces one file as an exhibit of its own. */
async function announce(node: Node, caseId: Uuid, item: string, seed: number): Promise<{ readonly file: string }> {
  const { evidence } = node.exchange;
  const file = await addFile(node, caseId, `${item}.bin`, seed);
  await evidence.putItem(caseId, exhibit(item));
  await evidence.addToItem(caseId, item, [file]);
  await announceAgain(node, caseId, item);
  return { file };
}

async function announceAgain(node: Node, caseId: Uuid, item: string): Promise<void> {
  const transfer = { items: [{ item_id: item }], measure_ids: ['m1'], more_to_follow: true };
  const draft = { case_id: caseId, evidence_transfer: transfer };
  await node.exchange.send(node.exchange.evidence.drafting(draft, XA), XA);
}

const fileAt = async (node: Node, id: string): Promise<EvidenceAnswer | undefined> =>
  (await node.exchange.evidence.list()).find(({ file_id: file }) => file === id);

const isCompared = async (node: Node, id: string): Promise<boolean> =>
  (await fileAt(node, id))?.verified_at !== undefined;

const objectsOf = (node: Node): string[] =>
  readdirSync(join(node.config.paths.evidence, 'objects'), { recursive: true })
    .map(String)
    .filter((name) => name.length > 4);

/** The next call waits until it is let on. */
function hold(method: 'verify' | 'holds'): { readonly reached: Promise<void>; readonly letOn: () => void } {
  const original = Object.getOwnPropertyDescriptor(Vault.prototype, method)!.value as (
    ...args: readonly unknown[]
  ) => Promise<never>;
  let letOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letOn = resolve));
  const reached = new Promise<void>((resolve) => {
    vi.spyOn(Vault.prototype, method).mockImplementationOnce(async function (this: Vault, ...args: unknown[]) {
      resolve();
      await held;
      return original.apply(this, args);
    });
  });
  return { reached, letOn };
}

test('while it is compared', async () => {
  const { a, b, caseId, failures } = await twoNodes();
  const { reached, letOn } = hold('verify');
  const { file } = await announce(b, caseId, 'e1', 1);
  await reached;
  await a.exchange.evidence.delete(file, 'MISTAKE');
  letOn();
  // One is compared after another.
  const next = await announce(b, caseId, 'e2', 2);
  await until(() => failures.length > 0 || isCompared(a, next.file));
  expect(failures).toEqual([]);
  expect(await fileAt(a, file)).toMatchObject({ status: 'DELETED' });
  expect(await a.exchange.incidents()).toEqual([]);
});

test('while it is fetched', async () => {
  const { a, b, caseId, failures } = await twoNodes();
  const { reached, letOn } = hold('holds');
  const { file } = await announce(b, caseId, 'e1', 3);
  await reached;
  await a.exchange.evidence.delete(file, 'MISTAKE');
  letOn();
  const next = await announce(b, caseId, 'e2', 4);
  await until(() => failures.length > 0 || isCompared(a, next.file));
  await until(() => objectsOf(a).length === 1);
  expect(await fileAt(a, file)).toMatchObject({ status: 'DELETED' });
  expect(await a.exchange.incidents()).toEqual([]);
  expect(failures).toEqual([]);
});

test('while it waits to be fetched; announced again, it comes', async () => {
  const { federation, a: first, b, caseId } = await twoNodes();
  const receive = vi.spyOn(Vault.prototype, 'receive').mockRejectedValue(full);
  const { file } = await announce(b, caseId, 'e1', 5);
  await until(async () => (await fileAt(first, file))?.progress?.postponed !== undefined);
  await first.exchange.evidence.delete(file, 'MISTAKE');
  receive.mockRestore();
  await first.stop();
  const a = await startNode(federation, XA);
  const next = await announce(b, caseId, 'e2', 6);
  await until(() => isCompared(a, next.file));
  expect(await fileAt(a, file)).toMatchObject({ status: 'DELETED' });
  expect(await a.exchange.incidents()).toEqual([]);
  await announceAgain(b, caseId, 'e1');
  await until(() => isCompared(a, file));
});

describe('with the message that brought it, whose time is over', () => {
  const told = async (node: Node, caseId: Uuid): Promise<{ readonly file: string; readonly message: Uuid }> => {
    const file = await addFile(node, caseId, 'told.bin', 7);
    const template = draftTemplate('spontaneous_information')['spontaneous_information'] as object;
    const data_protection = {
      controller: { name: 'Office of the Example', country: 'XB' },
      legal_basis: { lang: 'en', text: 'Art. 1 of an invented law.' },
      purpose: { lang: 'en', text: 'An invented investigation.' },
      subject_categories: ['SUSPECT'],
      retain_until: '2026-01-01',
    };
    const information = { ...template, conditions: [], files: [{ file_id: file }], data_protection };
    const draft = node.exchange.evidence.drafting({ spontaneous_information: information }, XA);
    const { message_id: message } = await node.exchange.send(draft, XA);
    return { file, message };
  };

  test('before it has come', async () => {
    const { a, b, caseId } = await twoNodes();
    const receive = vi.spyOn(Vault.prototype, 'receive').mockRejectedValue(full);
    const { file, message } = await told(b, caseId);
    await until(async () => (await fileAt(a, file))?.progress?.postponed !== undefined);
    await a.exchange.protection.eraseEnded(() => false);
    receive.mockRestore();
    expect((await a.exchange.message(message)).record.erased).toBeDefined();
    expect(await fileAt(a, file)).toMatchObject({ status: 'DELETED' });
  });

  test('while the store of objects is away: the node goes on, and erases the message when it is back', async () => {
    const { federation, a: first, b, caseId } = await twoNodes();
    const { file, message } = await told(b, caseId);
    await until(() => isCompared(first, file));
    await first.stop();
    changeConfig(federation, XA, { retention: { erase_automatically: true } });
    const away = new EvidenceError('EVIDENCE_STORE_FAILED', 'away');
    const remove = vi.spyOn(Vault.prototype, 'delete').mockRejectedValue(away);
    const failures: unknown[] = [];
    const a = await startNode(federation, XA, { onFatal: (error) => void failures.push(error) });
    await until(() => remove.mock.calls.length > 0);
    const { message_id: alive } = await a.exchange.send(requestDraft(), XB);
    expect((await a.exchange.answerOf(alive, 60_000)).status).toBe('RECEIVED');
    expect(failures).toEqual([]);
    expect((await a.exchange.message(message)).record.erased).toBeUndefined();
    remove.mockRestore();
    await a.exchange.protection.eraseEnded(() => false);
    expect((await a.exchange.message(message)).record.erased).toBeDefined();
    expect(objectsOf(a)).toEqual([]);
  });
});
