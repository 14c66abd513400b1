/** Where a passphrase comes from: a descriptor, the environment, a credential file, or a person at a terminal. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadPassphrase, loadPin, nodePaths } from '../config/mod.ts';
import type { Arguments, Terminal } from './command.ts';
import { CliError } from './error.ts';

/** The option that names a descriptor. */
export const PASSPHRASE_FD = {
  'passphrase-fd': { value: 'N', help: 'file descriptor that the passphrase is read from, up to its first line feed' },
} as const;

export const PIN_FD = {
  'pin-fd': { value: 'N', help: 'file descriptor that the PIN is read from, likewise' },
} as const;

/**
 * The passphrase of a node whose folder is opened.
 * @returns undefined when none is needed
 * @throws {ConfigError} CONFIG_SECRET_MISSING
 */
export async function passphraseFor(dir: string, args: Arguments, io: Terminal): Promise<string | undefined> {
  const given = givenPassphrase(args);
  if (given !== undefined) return given;
  return (await isWrapped(dir)) && process.stdin.isTTY ? ask(`Passphrase of ${dir}: `, io) : undefined;
}

/**
 * A new passphrase, asked for twice at a terminal; undefined for none.
 * @param option names the descriptor; where it is another than that of the present passphrase, the environment is not asked
 */
export async function newPassphrase(
  args: Arguments,
  io: Terminal,
  option = 'passphrase-fd',
): Promise<string | undefined> {
  const given = givenPassphrase(args, option);
  if (given !== undefined || !process.stdin.isTTY || io.isJson) return given;
  const first = await ask('New passphrase for the data key (empty for none, which is for trying out): ', io);
  if (first === '') return undefined;
  if ((await ask('The same again: ', io)) !== first) throw new CliError('CLI_USAGE', 'The two passphrases differ.');
  return first;
}

/**
 * The PIN of a token that is set up.
 * @throws {ConfigError} CONFIG_SECRET_MISSING
 * @throws {CliError} CLI_USAGE when there is none and nobody to ask
 */
export async function pinOf(token: string, args: Arguments, io: Terminal): Promise<string> {
  const fd = args.optional('pin-fd');
  const pin = loadPin(fd === undefined ? process.env : { ROGATORY_PIN_FD: fd });
  if (pin !== undefined) return pin;
  const asked = process.stdin.isTTY && !io.isJson ? await ask(`PIN of the token ${token}: `, io) : '';
  if (asked === '') throw new CliError('CLI_USAGE', 'Give the PIN with --pin-fd or ROGATORY_PIN_FILE.');
  return asked;
}

function givenPassphrase(args: Arguments, option = 'passphrase-fd'): string | undefined {
  const fd = args.optional(option);
  if (fd !== undefined && !/^[0-9]{1,4}$/.test(fd))
    throw new CliError('CLI_USAGE', `--${option} must be the number of a descriptor.`);
  if (fd !== undefined) return loadPassphrase({ ROGATORY_PASSPHRASE_FD: fd });
  return option === 'passphrase-fd' ? loadPassphrase(process.env) : undefined;
}

async function isWrapped(dir: string): Promise<boolean> {
  const text = await readFile(join(nodePaths(dir).keys, 'data-key.json'), 'utf8').catch(() => '');
  return text.includes('"scrypt"');
}

/** Reads one line without showing it. The prompt goes to stderr: stdout belongs to the result. */
function ask(prompt: string, io: Terminal): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      io.note('');
    };
    const onData = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n') {
          end();
          resolve(typed);
          return;
        }
        if (character === '\u0003' || character === '\u0004') {
          end();
          reject(new CliError('CLI_USAGE', 'No passphrase was given.'));
          return;
        }
        typed = character === '\u007f' || character === '\b' ? typed.slice(0, -1) : typed + character;
      }
    };
    stdin.on('data', onData);
  });
}
