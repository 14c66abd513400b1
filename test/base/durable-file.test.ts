import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replaceFile, systemFiles, type Files } from '../../src/base/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';

test('what a process of the same number has left half written is in nobody’s way', async () => {
  const folder = temporaryFolder();
  const [path, elsewhere] = [join(folder, 'head'), join(folder, 'elsewhere')];
  writeFileSync(elsewhere, 'stays');
  // The numbers that come next; a link among them leads nowhere.
  const opened: string[] = [];
  const open: Files['open'] = (name, ...how) => {
    opened.push(name);
    return systemFiles.open(name, ...how);
  };
  await replaceFile(path, 'none', 0o600, { ...systemFiles, open });
  const next = Number(opened[0]!.split('.').at(-2)) + 1;
  const left = Array.from({ length: 8 }, (_, n) => `${path}.${process.pid}.${next + n}.tmp`);
  for (const [n, name] of left.entries())
    if (n % 2 === 0) writeFileSync(name, 'half', { mode: 0o666 });
    else symlinkSync(elsewhere, name);
  for (const text of ['one', 'two']) {
    await replaceFile(path, text, 0o600);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(readFileSync(elsewhere, 'utf8')).toBe('stays');
  // The file, the one that stays, and those whose turn has not come.
  expect(readdirSync(folder)).toHaveLength(2 + left.length - 2);
});
