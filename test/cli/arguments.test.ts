/** What is given to a command and cannot be meant, and where its words go when nobody takes them. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, lstatSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeOutput } from '../../src/cli/files.ts';
import { runCommand } from '../kit/command.ts';
import { temporaryFolder } from '../kit/folder.ts';

describe('arguments', () => {
  test.each([
    [['clocks', '--at', '2026-02-30'], '--at must be a day'],
    [['clocks', '--at', '2026-02-30T12:00:00Z'], '--at must be a day'],
    [['retention', 'list', '--at', '2025-02-29'], '--at must be a day'],
    [['clocks', '--node', '/elsewhere'], '--node is given twice'],
    [['message', 'list', '--peer', 'XB', '--peer=XC'], '--peer is given twice'],
    [['message', 'list', '--limit', '-1'], "Option '--limit' argument is ambiguous.\n"],
  ])('%j is wrong usage', async (args, words) => {
    const { status, stderr, stdout } = await runCommand(...args, '--node', '/nowhere');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  test('a switch may be repeated, and a day that is one is asked of the node', async () => {
    const asked = await runCommand('clocks', '--at', '2028-02-29', '--node', '/nowhere', '--json', '--json');
    expect(asked.status).toBe(1);
    expect(JSON.parse(asked.stdout)).toMatchObject({ error: { code: 'API_NODE_NOT_RUNNING' } });
    expect((await runCommand('--json')).stderr).toContain('which command?');
  });

  test('a command that is printed can be typed, whatever the folder is called', async () => {
    const { stderr } = await runCommand('clocks', '--node', "/no where/O'Brien");
    expect(stderr).toContain(String.raw`“rogatory serve --config '/no where/O'\''Brien/node.json'”`);
  });
});

describe('output', () => {
  const ENV = { ...process.env, ROGATORY_BUILT: '1' };
  const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.on('close', resolve));

  test('that cannot be written is told, and a reader of stderr that is gone ends nothing', async () => {
    const full = openSync('/dev/full', 'w');
    const args = ['scripts/rogatory', 'message', 'template', 'alert'];
    const told = spawn(process.execPath, args, { env: ENV, stdio: ['ignore', full, 'pipe'] });
    let stderr = '';
    told.stderr!.on('data', (data: Buffer) => (stderr += data.toString('utf8')));
    expect(await ended(told)).toBe(1);
    closeSync(full);
    expect(stderr).toContain('the result cannot be written');
    const deaf = spawn(process.execPath, ['scripts/rogatory', 'nonsense'], {
      env: ENV,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    deaf.stderr.destroy();
    expect(await ended(deaf)).toBe(2);
  }, 60_000);

  test('goes into what is no file, and where a link leads', async () => {
    const folder = temporaryFolder();
    const [pipe, link, file] = ['pipe', 'link', 'file'].map((name) => join(folder, name)) as [string, string, string];
    execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', pipe]);
    const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] });
    let read = '';
    reader.stdout.on('data', (data: Buffer) => (read += data.toString('utf8')));
    const closed = ended(reader);
    await writeOutput(pipe, Buffer.from('words'));
    await closed;
    expect({ read, isPipe: lstatSync(pipe).isFIFO() }).toEqual({ read: 'words', isPipe: true });
    writeFileSync(file, 'before');
    symlinkSync(file, link);
    await writeOutput(link, Buffer.from('after'));
    expect({ text: readFileSync(file, 'utf8'), isLink: lstatSync(link).isSymbolicLink() }).toEqual({
      text: 'after',
      isLink: true,
    });
    await expect(writeOutput(folder, Buffer.from('x'))).rejects.toThrow('it is a folder');
  }, 60_000);
});
