/** What the system refuses is told as what it is: no command answers a wrong path with a stack trace. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemRefusal } from '../../src/cli/files.ts';
import { diskReason } from '../../src/store/error.ts';
import { runCommand } from '../kit/command.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { startRogatory } from '../kit/process.ts';

describe('paths that cannot be', () => {
  test.each([
    [['audit', 'verify', 'FOLDER'], 'CLI_FILE_UNREADABLE', 'it is a folder'],
    [['audit', 'verify', 'FILE/x'], 'CLI_FILE_UNREADABLE', 'not a folder'],
    [
      ['init', '--jurisdiction', 'XA', '--dir', 'FILE/x', '--endpoint', 'wss://127.0.0.1:1'],
      'CLI_FILE_UNWRITABLE',
      'not a folder',
    ],
    [['federation', 'create', '--dir', 'FILE/x'], 'CLI_FILE_UNWRITABLE', 'not a folder'],
    [['sandbox', '--once', '--dir', 'FILE/x'], 'CLI_FILE_UNWRITABLE', 'not a folder'],
    [['status', '--node', 'FILE'], 'API_NODE_NOT_RUNNING', 'No node is running'],
    [['serve', '--config', 'FOLDER'], 'CONFIG_UNREADABLE', 'it is a folder'],
    [['serve', '--config', 'FILE'], 'CONFIG_INVALID', 'not JSON: '],
    [['serve', '--config', 'FOLDER/none'], 'CONFIG_UNREADABLE', 'there is no such file'],
  ])('%j: one line, and no trace', async (args, code, words) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), 'text');
    const at = args.map((word) => word.replace('FOLDER', folder).replace('FILE', join(folder, 'file')));
    const { status, stderr } = await runCommand(...at);
    expect(stderr).toContain(`rogatory: ${code}: `);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/internal error|^ {4}at /m);
    expect(status).toBe(1);
  });

  // Where the system makes no folder it may call it missing, and Node's own recursive mkdir then never ends.
  test.runIf(existsSync('/proc/self')).each([
    ['federation', 'create', '--dir', '/proc/none/council'],
    ['sandbox', '--once', '--dir', '/proc/none'],
    ['init', '--jurisdiction', 'XA', '--dir', '/proc/none', '--endpoint', 'wss://127.0.0.1:1'],
    ['federation', 'keygen', '-o', '/proc/none/council.key'],
  ])('%s %s: a folder that the system does not make is waited for by nobody', async (...args) => {
    const { status, stderr } = await startRogatory(...args).outcome;
    expect(stderr).toContain('rogatory: CLI_FILE_UNWRITABLE: Cannot write /proc/none');
    expect(status).toBe(1);
  });

  test('a node that cannot be asked anything does not run', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const dir = join(federation.folder, 'x'.repeat(100));
    renameSync(federation.dirOf('XA'), dir);
    const { status, stderr } = await startRogatory('serve', '--config', join(dir, 'node.json')).outcome;
    expect(stderr).toContain('rogatory: API_SOCKET_PATH_TOO_LONG: ');
    expect(stderr).toContain('"node.stopped"');
    expect(status).toBe(1);
  }, 120_000);

  test('what the system says is in words, by whether something was read or written', () => {
    const refusal = (code: string, syscall: string, path: string | undefined = '/d/f'): string | undefined => {
      const found = systemRefusal(Object.assign(new Error('text'), { code, syscall, path }));
      return found && `${found.code} ${found.message}`;
    };
    expect(refusal('EROFS', 'open')).toBe('CLI_FILE_UNWRITABLE Cannot write /d/f: the disk is read-only.');
    expect(refusal('ENOSPC', 'open')).toBe('CLI_FILE_UNWRITABLE Cannot write /d/f: the disk is full.');
    expect(refusal('EACCES', 'scandir')).toBe('CLI_FILE_UNREADABLE Cannot read /d/f: permission denied.');
    expect(refusal('ENOENT', 'mkdir')).toContain('CLI_FILE_UNWRITABLE');
    expect(refusal('EEXIST', 'mkdir')).toContain('is no folder');
    // No file of a person's choice: the program's own fault, and told as one.
    expect(refusal('ECONNREFUSED', 'connect')).toBeUndefined();
    expect(refusal('ERR_INVALID_ARG_TYPE', 'open')).toBeUndefined();
    expect(systemRefusal(new TypeError('text'))).toBeUndefined();
  });
});

test('a store tells what is the matter with its disk, whoever says it: the system or LevelDB', () => {
  const said = (message: string, code?: string): string => diskReason(Object.assign(new Error(message), { code }));
  expect(said('IO error: /d/LOCK: Read-only file system', 'LEVEL_IO_ERROR')).toBe(': the disk is read-only');
  expect(said('IO error: /d/000003.log: No space left on device', 'LEVEL_IO_ERROR')).toBe(': the disk is full');
  expect(said('write', 'ENOSPC')).toBe(': the disk is full');
  expect(said('open', 'EACCES')).toBe(': the node’s user may not write there');
  expect(said('fsync', 'EIO')).toBe(': the disk failed (EIO)');
  expect(said('Corruption: bad block')).toBe('');
});
