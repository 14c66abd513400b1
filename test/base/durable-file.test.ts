import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replaceFile } from '../../src/base/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';

test('what a process of the same number has left half written is in nobody’s way', async () => {
  const folder = temporaryFolder();
  const [path, elsewhere] = [join(folder, 'head'), join(folder, 'elsewhere')];
  writeFileSync(elsewhere, 'stays');
  // Whichever number the next one has; a link among them leads nowhere.
  const left = Array.from({ length: 200 }, (_, n) => `${path}.${process.pid}.${n}.tmp`);
  for (const [n, name] of left.entries())
    if (n % 2 === 0) writeFileSync(name, 'half', { mode: 0o666 });
    else symlinkSync(elsewhere, name);
  for (const text of ['one', 'two']) {
    await replaceFile(path, text, 0o600);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(readFileSync(elsewhere, 'utf8')).toBe('stays');
  expect(readdirSync(folder)).toHaveLength(left.length);
});
