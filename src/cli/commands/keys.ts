import { join } from 'node:path';
import { isoTime, utf8ToBytes } from '../../base/mod.ts';
import { ApiClient, ApiError } from '../../client/mod.ts';
import { loadNodeConfig, nodePaths } from '../../config/mod.ts';
import {
  DEFAULT_TIMES,
  keysAt,
  rewrapKeyring,
  rotateAt,
  withKeyDesk,
  type HeldKey,
  type Rotation,
} from '../../node/mod.ts';
import { KEY_USES, type KeyUse } from '../../trust/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { requireWritableFile, writeOutput } from '../files.ts';
import { statementDigits } from '../manifest-lines.ts';
import { PASSPHRASE_FD, newPassphrase, passphraseFor } from '../passphrase.ts';

const NODE = { value: 'D', help: 'the node’s folder; the node may be running or stopped', required: true } as const;
const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 365;

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'make the node’s next key, and the update that asks the council to list it',
  operands: KEY_USES.join('|'),
  options: {
    node: NODE,
    'starts-in': { value: 'HOURS', help: 'when the next key begins; 24 by default' },
    overlap: { value: 'HOURS', help: 'how long the present one goes on beside it; 720 by default' },
    output: { value: 'FILE', short: 'o', help: 'where to write the update; D/key-update-USE.json by default' },
    ...PASSPHRASE_FD,
  },
  details:
    'The node goes on with its present key until a manifest lists the next one and its time has begun; then it changes by itself,\n' +
    'without a restart, and its ledger has a KEY entry. What is on its way under the old key still arrives.',
  async run(args, io) {
    const use = readUse(args.operand('use'));
    const dir = args.text('node');
    const times = {
      startsInMs: args.integer('starts-in', DEFAULT_TIMES.startsInMs / HOUR_MS, MAX_HOURS) * HOUR_MS,
      overlapMs: args.integer('overlap', DEFAULT_TIMES.overlapMs / HOUR_MS, MAX_HOURS) * HOUR_MS,
    };
    const output = args.optional('output') ?? join(dir, `key-update-${use}.json`);
    await requireWritableFile(output);
    const { update, ...made } =
      (await ofRunning(() => new ApiClient(dir).post<Rotation>('keys', { use, ...times }))) ??
      (await withKeyDesk(
        loadNodeConfig(nodePaths(dir).config, process.env),
        await passphraseFor(dir, args, io),
        (desk) => rotateAt(desk, use, times),
      ));
    await writeOutput(output, utf8ToBytes(update));
    const begins = isoTime(made.validity.not_before);
    const { update: statement } = JSON.parse(update) as { readonly update: string };
    io.result({ ok: true, ...made, output, fingerprint: statementDigits(statement) }, [
      `Made the next ${use} key, ${made.kid}.`,
      `It begins ${begins}; the present one ends ${isoTime(made.former_not_after)}.`,
      `Fingerprint of the update, for the council to compare: ${statementDigits(statement)}`,
      `Next: hand ${output} to the council (“rogatory federation add”) before it begins.`,
    ]);
    return 0;
  },
};

export const keysList: Command = {
  name: 'keys list',
  summary: 'the node’s keys: which is in use, which is next, which have ended',
  options: { node: NODE, ...PASSPHRASE_FD },
  async run(args, io) {
    args.noOperands();
    const dir = args.text('node');
    const keys =
      (await ofRunning(() => new ApiClient(dir).get<HeldKey[]>('keys'))) ??
      (await withKeyDesk(
        loadNodeConfig(nodePaths(dir).config, process.env),
        await passphraseFor(dir, args, io),
        (desk) => Promise.resolve(keysAt(desk)),
      ));
    io.result(
      keys,
      keys.map(
        ({ use, kid, state, not_before: from, not_after: to }) =>
          `${use.padEnd(8)} ${state.padEnd(9)} ${kid}${from === undefined ? '' : `  from ${from}`}${to === undefined ? '' : ` to ${to}`}`,
      ),
    );
    return 0;
  },
};

export const keysRewrap: Command = {
  name: 'keys rewrap',
  summary: 'put the data key under another passphrase',
  options: {
    node: { value: 'D', help: 'the node’s folder; a running node goes on as it is', required: true },
    ...PASSPHRASE_FD,
    'new-passphrase-fd': { value: 'N', help: 'file descriptor that the new passphrase is read from' },
    none: { help: 'under no passphrase: for trying out only' },
  },
  details:
    'The new passphrase comes from --new-passphrase-fd, or is asked for twice at a terminal. Private keys and the store stay as they are:\n' +
    'they rest under the data key, which does not change. Make a new backup of keys/ afterwards; an old one opens with the old passphrase.',
  async run(args, io) {
    args.noOperands();
    const dir = args.text('node');
    const passphrase = await passphraseFor(dir, args, io);
    const next = args.flag('none') ? undefined : await newPassphrase(args, io, 'new-passphrase-fd');
    if (next === undefined && !args.flag('none'))
      throw new CliError(
        'CLI_USAGE',
        'Give the new passphrase with --new-passphrase-fd or at a terminal, or say --none.',
      );
    await rewrapKeyring(nodePaths(dir).keys, passphrase, next);
    io.result({ ok: true, dir, encrypted: next !== undefined }, [
      next === undefined
        ? `The data key in ${dir} is under no passphrase now.`
        : `The data key in ${dir} is under the new passphrase.`,
    ]);
    return 0;
  },
};

async function ofRunning<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.code === 'API_NODE_NOT_RUNNING') return undefined;
    throw error;
  }
}

function readUse(text: string): KeyUse {
  const use = KEY_USES.find((name) => name === text);
  if (use === undefined) throw new CliError('CLI_USAGE', `“${text}” is none of ${KEY_USES.join(', ')}.`);
  return use;
}
