import { readFileSync } from 'node:fs';
import { ConfigError } from './error.ts';

/**
 * The passphrase that wraps a node's data key: from `ROGATORY_PASSPHRASE`, or from the file that `ROGATORY_PASSPHRASE_FILE` names. Kept
 * apart from the configuration so that a configuration can be printed.
 * @returns undefined when neither is set
 * @throws {ConfigError} CONFIG_SECRET_MISSING when the file cannot be read or is empty
 */
export function loadPassphrase(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return secretFrom(env, 'ROGATORY_PASSPHRASE', 'passphrase');
}

/** The key with which a node opens a store that speaks S3. */
export interface ObjectStoreKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The key for the store of evidence: `ROGATORY_S3_ACCESS_KEY_ID`, and `ROGATORY_S3_SECRET_ACCESS_KEY` or the file that
 * `ROGATORY_S3_SECRET_ACCESS_KEY_FILE` names.
 * @returns undefined when none is set: the machine's own environment says who the node is
 * @throws {ConfigError} CONFIG_SECRET_MISSING when one is set without the other, or a file cannot be read or is empty
 */
export function loadObjectStoreKey(env: Readonly<Record<string, string | undefined>>): ObjectStoreKey | undefined {
  const accessKeyId = env['ROGATORY_S3_ACCESS_KEY_ID'];
  const secretAccessKey = secretFrom(env, 'ROGATORY_S3_SECRET_ACCESS_KEY', 'secret access key');
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId !== undefined && accessKeyId !== '' && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey };
  throw new ConfigError(
    'CONFIG_SECRET_MISSING',
    'ROGATORY_S3_ACCESS_KEY_ID and ROGATORY_S3_SECRET_ACCESS_KEY belong together, and one of them is missing.',
  );
}

/**
 * The PIN of a token behind PKCS #11: from `ROGATORY_PIN`, or from the file that `ROGATORY_PIN_FILE` names.
 * @returns undefined when neither is set
 * @throws {ConfigError} CONFIG_SECRET_MISSING when the file cannot be read or is empty
 */
export function loadPin(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return secretFrom(env, 'ROGATORY_PIN', 'PIN');
}

/** A secret from the environment, or from a file that the environment names. */
function secretFrom(env: Readonly<Record<string, string | undefined>>, name: string, what: string): string | undefined {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return undefined;
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text !== '') return text;
  } catch (cause) {
    throw new ConfigError('CONFIG_SECRET_MISSING', `Cannot read the ${what} file ${file}.`, { cause });
  }
  throw new ConfigError('CONFIG_SECRET_MISSING', `The ${what} file ${file} is empty.`);
}
