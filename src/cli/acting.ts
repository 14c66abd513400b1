/** As whom a command acts: by a credential that is given, or by the one that a sandbox keeps in the node’s folder. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DraftAnswer, SentAnswer } from '../api/mod.ts';
import { ApiClient } from '../client/mod.ts';
import { parseCredential, type Credential } from '../credential/mod.ts';
import type { Arguments, OptionSpec } from './command.ts';
import { CliError } from './error.ts';
import { unreadable } from './files.ts';

/** The option of every command that acts on a node. */
export const AS: OptionSpec = {
  value: 'FILE',
  help: 'the credential to act by; otherwise ROGATORY_AS, or what a sandbox keeps in its nodes’ folders',
};

const ONCE_NAME = 'idempotency-key';

/** The option of every command that makes a message. */
export const ONCE: Readonly<Record<string, OptionSpec>> = {
  [ONCE_NAME]: {
    value: 'KEY',
    help: 'a new UUID, and the same one when the command is repeated: what it makes is made once',
  },
};

/** @throws {CliError} CLI_USAGE */
export function onceKey(args: Arguments): string | undefined {
  const key = args.optional(ONCE_NAME);
  if (key !== undefined && !/^[\w.:-]{1,255}$/.test(key))
    throw new CliError('CLI_USAGE', `--${ONCE_NAME} is letters, digits, “-”, “_”, “.” and “:”, such as a UUID.`);
  return key;
}

/** Folder of a sandbox’s credentials in the folder of their node. */
export const STAFF_FOLDER = 'staff';
/** Which of them serve where none is named. */
export const DEFAULTS_FILE = 'default.json';

/** Two files of that folder: who acts, and who lets messages out. A sandbox has one person at its keyboard. */
export interface StaffDefaults {
  readonly as: string;
  readonly second: string;
}

/** A node as the person sees it who gives the command. */
export function nodeClient(args: Arguments): ApiClient {
  const dir = args.text('node');
  return new ApiClient(dir, actingAs(args, dir)?.credential);
}

/** What was sent, or what waits for a second person. */
export type Sending =
  | { readonly answer: SentAnswer; readonly draft?: undefined }
  | { readonly draft: DraftAnswer; readonly answer?: undefined };

/**
 * Sends what a person wrote, as far as one person can: at a node with staff it becomes a draft.
 * @param direct the route that sends at once where no staff is registered
 */
export async function sendOrDraft(
  args: Arguments,
  direct: { readonly route: 'messages' | 'transfers'; readonly body: Readonly<Record<string, unknown>> },
  draft: Readonly<Record<string, unknown>>,
): Promise<Sending> {
  const dir = args.text('node');
  const acting = actingAs(args, dir);
  const key = onceKey(args);
  if (acting === undefined)
    return { answer: await new ApiClient(dir).post<SentAnswer>(direct.route, direct.body, key) };
  const made = await new ApiClient(dir, acting.credential).post<DraftAnswer>('drafts', draft, key);
  if (acting.second === undefined || made.status !== 'WAITING') return { draft: made };
  const second = new ApiClient(dir, acting.second);
  const body = { wait_ms: direct.body['wait_ms'] };
  return { answer: await second.post<SentAnswer>(`drafts/${made.draft_id}/approve`, body) };
}

/** What to say of a draft that waits, or was made before and decided on since. */
export function waitingLines({ draft_id: id, to, type, repeated, status, message_id: message }: DraftAnswer): string[] {
  const lines = [
    `${type.replaceAll('_', ' ')} to ${to}: draft ${id}`,
    ...(repeated === true ? ['Made before, under the same key.'] : []),
    '',
  ];
  if (status !== 'WAITING') return [...lines, `${status}${message === undefined ? '' : ` as message ${message}`}`];
  return [...lines, `Next: another person approves it: rogatory draft approve ${id} --node … --as FILE`];
}

function actingAs(
  args: Arguments,
  dir: string,
): { readonly credential: Credential; readonly second?: Credential } | undefined {
  const path = args.optional('as') ?? process.env['ROGATORY_AS'];
  if (path !== undefined && path !== '') return { credential: readCredential(path) };
  const folder = join(dir, STAFF_FOLDER);
  if (!existsSync(join(folder, DEFAULTS_FILE))) return undefined;
  const { as, second } = JSON.parse(readText(join(folder, DEFAULTS_FILE))) as StaffDefaults;
  return { credential: readCredential(join(folder, as)), second: readCredential(join(folder, second)) };
}

function readCredential(path: string): Credential {
  return parseCredential(readText(path));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
