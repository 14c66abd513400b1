import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadPassphrase } from '../../src/config/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';

test('a passphrase comes from the environment, a descriptor, a file or the service manager’s credential, in this order', () => {
  const folder = temporaryFolder();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  mkdirSync(join(folder, 'credentials'));
  file('credentials/rogatory-passphrase', 'from the credential\n');
  const descriptor = openSync(file('descriptor', 'from the descriptor\r\nand no more'), 'r');
  const all = {
    ROGATORY_PASSPHRASE: 'from the environment',
    ROGATORY_PASSPHRASE_FD: String(descriptor),
    ROGATORY_PASSPHRASE_FILE: file('file', 'from the file\n'),
    CREDENTIALS_DIRECTORY: join(folder, 'credentials'),
  };
  expect(loadPassphrase(all)).toBe('from the environment');
  expect(loadPassphrase({ ...all, ROGATORY_PASSPHRASE: '' })).toBe('from the descriptor');
  closeSync(descriptor);
  const { ROGATORY_PASSPHRASE: _direct, ROGATORY_PASSPHRASE_FD: _descriptor, ...files } = all;
  expect(loadPassphrase(files)).toBe('from the file');
  expect(loadPassphrase({ CREDENTIALS_DIRECTORY: all.CREDENTIALS_DIRECTORY })).toBe('from the credential');
  expect(loadPassphrase({ CREDENTIALS_DIRECTORY: folder })).toBeUndefined();
  expect(loadPassphrase({})).toBeUndefined();
  for (const env of [
    { ROGATORY_PASSPHRASE_FILE: file('empty', '\n') },
    { ROGATORY_PASSPHRASE_FILE: join(folder, 'none') },
    { ROGATORY_PASSPHRASE_FILE: file('long', 'x'.repeat(1025)) },
    { ROGATORY_PASSPHRASE_FD: '999' },
  ])
    expect(() => loadPassphrase(env)).toThrow(expect.objectContaining({ code: 'CONFIG_SECRET_MISSING' }) as Error);
});
