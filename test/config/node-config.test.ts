import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadNodeConfig } from '../../src/config/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';

test('what is wrong with the environment is not told of the file', () => {
  const file = join(temporaryFolder(), 'node.json');
  const config = {
    version: 1,
    code: 'XA',
    name: 'Aldovia',
    authority: 'Ministry',
    endpoint: '',
    ledger_origin: 'xa.example/ledger',
    witness_name: 'xa.example/witness',
    log_level: 'warn',
  };
  writeFileSync(file, JSON.stringify(config));
  expect(loadNodeConfig(file, {}).logLevel).toBe('warn');
  expect(loadNodeConfig(file, { ROGATORY_LOG_LEVEL: '' }).logLevel).toBe('warn');
  expect(loadNodeConfig(file, { ROGATORY_LOG_LEVEL: 'debug' }).logLevel).toBe('debug');
  const refused = { code: 'CONFIG_INVALID', message: expect.stringMatching(/^ROGATORY_LOG_LEVEL /) as string };
  expect(() => loadNodeConfig(file, { ROGATORY_LOG_LEVEL: 'loud' })).toThrow(expect.objectContaining(refused) as Error);

  for (const name of ['ledger_origin', 'witness_name']) {
    writeFileSync(file, JSON.stringify({ ...config, [name]: `https://${config.ledger_origin}` }));
    expect(() => loadNodeConfig(file, {})).toThrow(`${name} must be`);
  }
});
