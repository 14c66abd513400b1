import { readFileSync } from 'node:fs';
import { ConfigError } from './error.ts';

/**
 * The passphrase that wraps a node's data key: from `ROGATORY_PASSPHRASE`, or from the file that `ROGATORY_PASSPHRASE_FILE` names. Kept
 * apart from the configuration so that a configuration can be printed.
 * @returns undefined when neither is set
 * @throws {ConfigError} CONFIG_SECRET_MISSING when the file cannot be read or is empty
 */
export function loadPassphrase(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const direct = env['ROGATORY_PASSPHRASE'];
  if (direct !== undefined && direct !== '') return direct;
  const file = env['ROGATORY_PASSPHRASE_FILE'];
  if (file === undefined || file === '') return undefined;
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text !== '') return text;
  } catch (cause) {
    throw new ConfigError('CONFIG_SECRET_MISSING', `Cannot read the passphrase file ${file}.`, { cause });
  }
  throw new ConfigError('CONFIG_SECRET_MISSING', `The passphrase file ${file} is empty.`);
}
