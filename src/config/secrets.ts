import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './error.ts';

const MAX_CHARS = 1024;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The passphrase that wraps a node's data key: the first that there is of `ROGATORY_PASSPHRASE`, the descriptor that
 * `ROGATORY_PASSPHRASE_FD` numbers, the file that `ROGATORY_PASSPHRASE_FILE` names, and the service manager's credential
 * `rogatory-passphrase`. Kept apart from the configuration so that a configuration can be printed.
 * @returns undefined when there is none
 * @throws {ConfigError} CONFIG_SECRET_MISSING when what is named cannot be read, is empty or longer than 1,024 characters
 */
export function loadPassphrase(env: Environment): string | undefined {
  return loadSecret(env, 'ROGATORY_PASSPHRASE', 'rogatory-passphrase', 'passphrase');
}

/**
 * The PIN of a token behind PKCS #11, from the same four places: `ROGATORY_PIN`, `ROGATORY_PIN_FD`, `ROGATORY_PIN_FILE`, and the
 * credential `rogatory-pin`.
 * @returns undefined when there is none
 * @throws {ConfigError} CONFIG_SECRET_MISSING likewise
 */
export function loadPin(env: Environment): string | undefined {
  return loadSecret(env, 'ROGATORY_PIN', 'rogatory-pin', 'PIN');
}

/** The key with which a node opens a store that speaks S3. */
export interface ObjectStoreKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The key for the store of evidence: `ROGATORY_S3_ACCESS_KEY_ID`, and `ROGATORY_S3_SECRET_ACCESS_KEY` from the same four places; the
 * credential is `rogatory-s3-secret-access-key`.
 * @returns undefined when none is set: the machine's own environment says who the node is
 * @throws {ConfigError} CONFIG_SECRET_MISSING when one is set without the other, and likewise
 */
export function loadObjectStoreKey(env: Environment): ObjectStoreKey | undefined {
  const accessKeyId = env['ROGATORY_S3_ACCESS_KEY_ID'];
  const secretAccessKey = loadSecret(
    env,
    'ROGATORY_S3_SECRET_ACCESS_KEY',
    'rogatory-s3-secret-access-key',
    'secret access key',
  );
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId !== undefined && accessKeyId !== '' && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey };
  throw new ConfigError(
    'CONFIG_SECRET_MISSING',
    'ROGATORY_S3_ACCESS_KEY_ID and ROGATORY_S3_SECRET_ACCESS_KEY belong together, and one of them is missing.',
  );
}

/** @param credential its name with a service manager: LoadCredential=NAME:FILE */
function loadSecret(env: Environment, variable: string, credential: string, what: string): string | undefined {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const direct = given(variable);
  if (direct !== undefined) return direct;
  const descriptor = given(`${variable}_FD`);
  if (descriptor !== undefined) return readSecret(Number(descriptor), `the descriptor ${descriptor}`, what);
  const file = given(`${variable}_FILE`);
  if (file !== undefined) return readSecret(file, `the ${what} file ${file}`, what);
  const folder = given('CREDENTIALS_DIRECTORY');
  const path = folder === undefined ? undefined : join(folder, credential);
  return path !== undefined && isThere(path) ? readSecret(path, `the credential ${path}`, what) : undefined;
}

function readSecret(source: string | number, where: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(source, 'utf8');
  } catch (cause) {
    throw new ConfigError('CONFIG_SECRET_MISSING', `Cannot read ${where}.`, { cause });
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '' || line.length > MAX_CHARS)
    throw new ConfigError('CONFIG_SECRET_MISSING', `There is no ${what} in ${where}.`);
  return line;
}

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
