/** F16: a backup from before is put back. The node sees it itself where it can; where it cannot, its peers tell it. */
import { cpSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, type JurisdictionCode } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { expectBlame } from '../kit/blame.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';

/** XB's folder is copied, and XB goes on. */
async function overtakenBackup(): Promise<{ readonly federation: TestFederation; readonly backup: string }> {
  const federation = await copyTestFederation(['XA', 'XB']);
  const backup = temporaryFolder();
  await exchangeOne(federation);
  cpSync(federation.dirOf('XB'), backup, { recursive: true });
  await exchangeOne(federation);
  return { federation, backup };
}

async function exchangeOne(federation: TestFederation): Promise<void> {
  const [a, b] = [await startNode(federation, 'XA'), await startNode(federation, 'XB')];
  const { message_id: id } = await a.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
  expect((await a.exchange.answerOf(id, 60_000)).status).toBe('RECEIVED');
  await a.stop();
  await b.stop();
}

test('F16: the store alone: the head beside it tells, and the node does not start', async () => {
  const { federation, backup } = await overtakenBackup();
  const { store } = nodePaths(federation.dirOf('XB'));
  rmSync(store, { recursive: true });
  cpSync(nodePaths(backup).store, store, { recursive: true });
  await expect(startNode(federation, 'XB')).rejects.toThrow(
    expect.objectContaining({ code: 'LEDGER_ROLLED_BACK' }) as Error,
  );
});

test('F16: the whole folder, head and all: the first peer that it meets shows it what it has signed, and it stops', async () => {
  expectBlame('LEDGER_CONTRADICTION');
  const { federation, backup } = await overtakenBackup();
  rmSync(federation.dirOf('XB'), { recursive: true });
  cpSync(backup, federation.dirOf('XB'), { recursive: true });
  const a = await startNode(federation, 'XA');
  const fatal: string[] = [];
  const b = await startNode(federation, 'XB', { onFatal: (error) => fatal.push(codeOf(error)) });
  const size = b.storage.ledger.size;
  await until(() => fatal.length > 0);
  expect(new Set(fatal)).toEqual(new Set(['LEDGER_ROLLED_BACK']));
  // Nothing was signed on top of the old head, and the peer took no message from it.
  expect(b.storage.ledger.size).toBe(size);
  const { message_id: id } = await a.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
  expect((await a.exchange.answerOf(id, 500)).status).toBe('QUEUED');
});
