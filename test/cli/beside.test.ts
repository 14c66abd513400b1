/** What a command does with what somebody else has left in its way, or does beside it. */
import {
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { openFile, writeStream } from '../../src/cli/files.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { restoreBackup } from '../../src/node/mod.ts';
import { runCommand } from '../kit/command.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { Office } from '../kit/office.ts';

/** The folder of a node that has run, and stopped. */
async function stoppedNode(federation: TestFederation, code: string): Promise<string> {
  await (await startNode(federation, code)).stop();
  return federation.dirOf(code);
}

/** From now on copying does this first. @param before returns what the system is to refuse with, if anything */
function beforeCopying(before: () => Promise<Error | undefined>, after: () => void = () => undefined): void {
  const { cp } = fs;
  fs.cp = async (...args: Parameters<typeof cp>) => {
    const refusal = await before();
    if (refusal !== undefined) throw refusal;
    await cp(...args);
    after();
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs.cp = cp;
    syncBuiltinESMExports();
  });
}

test('a secret is written into no file that a killed process has left, and through no link', async () => {
  const folder = temporaryFolder();
  const write = (name: string): Promise<number> =>
    writeStream(join(folder, name), Readable.from([Buffer.from('secret')]), 0o600);
  const left = (name: string): string => join(folder, `${name}.${process.pid}.part`);
  writeFileSync(left('a'), 'half of a bundle for everybody', { mode: 0o644 });
  await write('a');
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('secret');

  const victim = join(folder, 'victim');
  writeFileSync(victim, 'mine');
  symlinkSync(victim, left('b'));
  await write('b');
  expect(readFileSync(victim, 'utf8')).toBe('mine');
  expect(statSync(join(folder, 'b')).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'victim']);
});

test('of two that put a backup back at the same time one does, and all of it', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const dir = await stoppedNode(federation, 'XA');
  const path = join(temporaryFolder(), 'xa.backup');
  expect(await runCommand('backup', '--node', dir, '-o', path)).toMatchObject({ status: 0 });
  rmSync(nodePaths(dir).store, { recursive: true });
  const file = await openFile(path);
  onTestFinished(() => file.close());
  const outcomes = await Promise.allSettled([
    restoreBackup(file, dir),
    restoreBackup(file, dir),
    restoreBackup(file, dir),
  ]);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
  expect(refused).toMatchObject([{ code: 'NODE_EXISTS' }, { code: 'NODE_EXISTS' }]);
  expect(readdirSync(dir).filter((name) => name.startsWith('.lock') || name.endsWith('.restoring'))).toEqual([]);
  await (await startNode(federation, 'XA')).stop();
});

test('a backup is not put into the folder of another node', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const [a, b] = [await stoppedNode(federation, 'XA'), federation.dirOf('XB')];
  const file = join(temporaryFolder(), 'xa.backup');
  expect(await runCommand('backup', '--node', a, '-o', file)).toMatchObject({ status: 0 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  renameSync(nodePaths(b).store, join(b, 'store.old'));
  const before = readdirSync(b, { recursive: true }).sort();
  const { status, stderr } = await runCommand('restore', file, '--node', b);
  expect(status).toBe(1);
  expect(stderr).toContain(`NODE_EXISTS: ${b} is the folder of XB, and the backup is of XA.`);
  expect(readdirSync(b, { recursive: true }).sort()).toEqual(before);
  rmSync(nodePaths(a).store, { recursive: true });
  expect(await runCommand('restore', file, '--node', a)).toMatchObject({ status: 0 });
});

test('a ledger is exported whole while its node writes', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const dir = await stoppedNode(federation, 'XA');
  const { ledger } = nodePaths(dir);
  const checkpoint = join(ledger, 'checkpoint');
  // A file that was there when the folder was read is gone when it is to be copied; and the ledger grows once all is copied.
  let refusals = 2;
  const gone = Object.assign(new Error('ENOENT'), {
    code: 'ENOENT',
    syscall: 'copyfile',
    path: join(ledger, 'tile/x'),
  });
  beforeCopying(
    async () => (refusals-- > 0 ? gone : undefined),
    () => {
      writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replace(/^\d+$/m, '99999'));
    },
  );
  writeFileSync(join(ledger, 'tile', '0', '000.1.2.tmp'), 'half');
  const output = join(temporaryFolder(), 'out');
  expect(await runCommand('ledger', 'export', '--node', dir, '-o', output)).toMatchObject({ status: 0 });
  const size = Number(readFileSync(join(output, 'checkpoint'), 'utf8').split('\n')[1]);
  expect(size).toBeLessThan(99999);
  expect(existsSync(join(output, 'tile', '0', '000.p', String(size)))).toBe(true);
  expect(readdirSync(output, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))).toEqual([]);

  refusals = Infinity;
  const { status, stderr } = await runCommand('ledger', 'export', '--node', dir, '-o', join(output, 'again'));
  expect(status).toBe(1);
  expect(stderr).toContain('CLI_FILE_UNREADABLE');
  expect(existsSync(join(output, 'again', 'checkpoint'))).toBe(false);
});

test('where a ledger cannot be exported to, that is said', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const dir = await stoppedNode(federation, 'XA');
  const output = temporaryFolder();
  writeFileSync(join(output, 'tile'), 'a file');
  const { status, stderr } = await runCommand('ledger', 'export', '--node', dir, '-o', output);
  expect(status).toBe(1);
  expect(stderr).toContain(`CLI_FILE_UNWRITABLE: Cannot write ${join(output, 'tile')}`);
});

test('where the outcome cannot be written, no key is made, and nothing is disclosed', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const { dir, node } = await Office.open(federation, 'XA');
  const { message_id: id } = await node.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
  const at = temporaryFolder();
  writeFileSync(join(at, 'file'), '');
  const [keys, size] = [readdirSync(nodePaths(dir).keys), node.storage.ledger.size];
  for (const output of [at, join(at, 'file', 'x')])
    for (const command of [
      ['keys', 'rotate', 'sign'],
      ['audit', 'export', '--disclose', id],
      ['audit', 'export'],
      ['backup'],
    ])
      expect(await runCommand(...command, '--node', dir, '-o', output)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`CLI_FILE_UNWRITABLE: Cannot write ${output}`) as string,
      });
  expect(readdirSync(nodePaths(dir).keys)).toEqual(keys);
  expect(node.storage.ledger.size).toBe(size);
  expect(readdirSync(at)).toEqual(['file']);
});
