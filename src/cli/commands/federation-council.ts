/** Who the council is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { counted, systemClock } from '../../base/mod.ts';
import { loadPassphrase } from '../../config/mod.ts';
import { amendDraft, councilPublicPath, createCouncil, readCouncilPublicKey, writeCouncilKey } from '../../node/mod.ts';
import { changeCouncil, type MemberKey } from '../../trust/mod.ts';
import type { Command, Terminal } from '../command.ts';
import { CliError } from '../error.ts';
import { keyDigits } from '../manifest-lines.ts';

/** The folder that every command of the council works on. */
export const COUNCIL_FOLDER = { value: 'C', help: 'the council’s folder; this one by default' } as const;

const DAY_MS = 24 * 3_600_000;

export const federationKeygen: Command = {
  name: 'federation keygen',
  summary: 'make a council member’s key, on the member’s own machine',
  options: { output: { value: 'FILE', short: 'o', help: 'the private key, such as council-1.key', required: true } },
  details:
    'Beside FILE.key the public key is written to FILE.pub: that is what the council gets.\n' +
    'The private key is encrypted under ROGATORY_PASSPHRASE or ROGATORY_PASSPHRASE_FILE, if either is set.',
  async run(args, io) {
    args.noOperands();
    const path = args.text('output');
    const passphrase = loadPassphrase(process.env);
    const key = await writeCouncilKey(path, passphrase, systemClock.nowMs());
    const publicPath = councilPublicPath(path);
    io.result(
      {
        ok: true,
        key: path,
        public: publicPath,
        kid: key.kid,
        digits: keyDigits(key),
        encrypted: passphrase !== undefined,
      },
      [
        `Made ${path}${passphrase === undefined ? ', which is not encrypted' : ', encrypted under the passphrase'}.`,
        `Public:      ${publicPath}`,
        `Key:         ${key.kid}`,
        `Fingerprint: ${keyDigits(key)}`,
        'Next: hand the public file to the others, and read the fingerprint to them over the telephone.',
      ],
    );
    return 0;
  },
};

export const federationCreate: Command = {
  name: 'federation create',
  summary: 'found a federation: a council and an empty manifest',
  options: {
    dir: COUNCIL_FOLDER,
    council: { value: 'K1,K2,…', help: 'public key files of the council’s members, from “federation keygen”' },
    keys: { value: 'N', help: 'instead of --council: make N keys in the folder; 1 by default' },
    threshold: { value: 'T', help: 'signatures that a manifest needs; a majority by default' },
  },
  details:
    'Where --council names no file but a plain name, a key of that name is made in the folder: for trying out.\n' +
    'A council whose members hold their own keys gives files.',
  async run(args, io) {
    args.noOperands();
    const dir = args.text('dir', '.');
    const names = args.optional('council');
    if (names !== undefined && args.optional('keys') !== undefined)
      throw new CliError('CLI_USAGE', 'Give --council or --keys, not both.');
    const keys = names === undefined ? args.integer('keys', 1, 32) : listOf(names, 'council').length;
    const threshold = args.integer('threshold', Math.floor(keys / 2) + 1, 32);
    if (keys < 1 || threshold < 1 || threshold > keys)
      throw new CliError('CLI_USAGE', '--threshold must be from 1 to the number of keys.');
    const council = names === undefined ? keys : await councilKeys(dir, listOf(names, 'council'), io);
    const draft = await createCouncil(dir, { keys: council, threshold });
    const listed = draft.council.keys;
    io.result({ ok: true, dir, keys: listed.map(({ kid }) => kid), threshold }, [
      `Founded a federation in ${dir}: ${threshold} of ${keys} council signatures.`,
      ...listed.map((key) => `  ${key.kid}\n    ${keyDigits(key)}`),
      'Next: “rogatory federation add” each enrolment.',
    ]);
    return 0;
  },
};

export const federationCouncil: Command = {
  name: 'federation council',
  summary: 'change the council: keys that come or go, and the signatures that a manifest needs',
  options: {
    dir: COUNCIL_FOLDER,
    add: { value: 'K1,K2,…', help: 'public key files of new members' },
    remove: { value: 'KID,…', help: 'keys that leave' },
    threshold: { value: 'T', help: 'signatures that a manifest needs from now on' },
  },
  details:
    'The manifest that brings the change needs the signatures of the council before it as well as of the new one.',
  async run(args, io) {
    args.noOperands();
    const dir = args.text('dir', '.');
    const [toAdd, toRemove, threshold] = [args.optional('add'), args.optional('remove'), args.optional('threshold')];
    if (toAdd === undefined && toRemove === undefined && threshold === undefined)
      throw new CliError('CLI_USAGE', 'Give --add, --remove or --threshold.');
    const add = toAdd === undefined ? [] : await councilKeys(dir, listOf(toAdd, 'add'), io);
    const remove = toRemove === undefined ? [] : listOf(toRemove, 'remove');
    const size = threshold === undefined ? {} : { threshold: Math.max(1, args.integer('threshold', 1, 32)) };
    const draft = await amendDraft(dir, (current, nowMs) => changeCouncil(current, { add, remove, ...size }, nowMs));
    const { council, version } = draft;
    io.result({ ok: true, version, keys: council.keys.map(({ kid }) => kid), threshold: council.threshold }, [
      `Version ${version} has a council of ${council.keys.length}, ${counted(council.threshold, 'signature')} needed.`,
      'Next: “rogatory federation sign”, by the council before and by the new one.',
    ]);
    return 0;
  },
};

export const federationRenew: Command = {
  name: 'federation renew',
  summary: 'draft the next version with a later end and nothing else changed',
  options: { dir: COUNCIL_FOLDER, days: { value: 'N', help: 'days from now until it expires; 730 by default' } },
  async run(args, io) {
    args.noOperands();
    const days = args.integer('days', 730, 3650);
    if (days < 1) throw new CliError('CLI_USAGE', '--days must be from 1 to 3650.');
    const draft = await amendDraft(args.text('dir', '.'), (current, nowMs) => ({
      ...current,
      expires_at: nowMs + days * DAY_MS,
    }));
    const until = new Date(draft.expires_at).toISOString();
    io.result({ ok: true, version: draft.version, expires_at: until }, [
      `Version ${draft.version} is to be valid until ${until}.`,
      'Next: “rogatory federation sign”.',
    ]);
    return 0;
  },
};

async function councilKeys(dir: string, names: readonly string[], io: Terminal): Promise<MemberKey[]> {
  const keys: MemberKey[] = [];
  for (const name of names) {
    const isPlainName = /^[A-Za-z0-9_-]{1,32}$/.test(name) && !existsSync(name);
    if (!isPlainName) {
      keys.push(await readCouncilPublicKey(name));
      continue;
    }
    const path = join(dir, `${name}.key`);
    keys.push(await writeCouncilKey(path, loadPassphrase(process.env), systemClock.nowMs()));
    io.note(`rogatory: there is no file ${name}, so its key was made: ${path}. It belongs on its holder’s machine.`);
  }
  return keys;
}

/** @throws {CliError} CLI_USAGE */
export function listOf(text: string, option: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item === '') || new Set(items).size !== items.length)
    throw new CliError('CLI_USAGE', `--${option} must be a list with commas, nothing twice.`);
  return items;
}
