import { counted, shellWord } from '../../base/mod.ts';
import { ApiClient, ApiError } from '../../client/mod.ts';
import { loadNodeConfig, nodePaths } from '../../config/mod.ts';
import { backupOf, beginEpoch, openNodeStorage, restoreBackup, stateOf, takeHead } from '../../node/mod.ts';
import type { Arguments, Command, Terminal } from '../command.ts';
import { CliError } from '../error.ts';
import { openFile, readInput, writeStream } from '../files.ts';
import { PASSPHRASE_FD, passphraseFor } from '../passphrase.ts';

const SECRET_MODE = 0o600;

export const backup: Command = {
  name: 'backup',
  summary:
    'put a node’s store, keys and configuration into one file, as of one moment; the node may be running or stopped',
  options: {
    node: { value: 'D', help: 'the node’s folder', required: true },
    output: { value: 'FILE', short: 'o', help: 'where to write the backup', required: true },
    ...PASSPHRASE_FD,
  },
  details:
    'Records and keys stay encrypted under the data key, which is encrypted under the passphrase if the node has one; without one the file ' +
    'is as secret as the node. “head” is not in it: it is what tells an old backup from the newest state. Evidence files ' +
    'are not in it either: they rest encrypted in “evidence”, and are copied as they are.',
  async run(args, io) {
    args.noOperands();
    const [dir, output] = [args.text('node'), args.text('output')];
    const bytes = (await fromRunning(dir, output)) ?? (await fromStopped(dir, output, args, io));
    io.result({ ok: true, output, bytes }, [
      `Wrote ${output} (${bytes} bytes).`,
      `To put it back: “rogatory restore ${shellWord(output)} --node FOLDER”.`,
    ]);
    return 0;
  },
};

async function fromRunning(dir: string, output: string): Promise<number | undefined> {
  try {
    return await writeStream(output, await new ApiClient(dir).download('backup'), SECRET_MODE);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'API_NODE_NOT_RUNNING') return undefined;
    throw error;
  }
}

async function fromStopped(dir: string, output: string, args: Arguments, io: Terminal): Promise<number> {
  const config = loadNodeConfig(nodePaths(dir).config, process.env);
  const storage = await openNodeStorage(config, await passphraseFor(dir, args, io));
  try {
    return await writeStream(output, backupOf(config, storage.records()), SECRET_MODE);
  } finally {
    await storage.close();
  }
}

export const restore: Command = {
  name: 'restore',
  summary: 'put a backup back, and say whether the node may serve from it',
  operands: '[BACKUP]',
  options: {
    node: { value: 'D', help: 'the node’s folder, without a store; what else is there stays', required: true },
    head: {
      value: 'FILE',
      help: 'the newest head of this node that a peer has seen: “rogatory ledger seen CC” at the peer',
    },
    'new-epoch': {
      help: 'entries are lost for good: keep what is there, and go on under a new origin that says so',
    },
    ...PASSPHRASE_FD,
  },
  details:
    'A node that has signed more than the backup holds must not serve from it: it would sign a second history, and its peers have the proof ' +
    'of the first. Without BACKUP only the head is taken and the store is compared with it. With “--new-epoch” a node that is behind begins ' +
    'its ledger’s next epoch: its first entry says what is kept and what had been signed, every peer gives back what it holds of the lost ' +
    'entries before anything else is exchanged, and audits name what is lost for good. Exit status: 0 when the node may serve, 1 otherwise.',
  async run(args, io) {
    const dir = args.text('node');
    const [path, ...more] = args.operands;
    if (more.length > 0) throw new CliError('CLI_USAGE', 'Give one backup at most.');
    if (path !== undefined) await putBack(path, dir);
    const config = loadNodeConfig(nodePaths(dir).config, process.env);
    const passphrase = await passphraseFor(dir, args, io);
    const head = args.optional('head');
    if (head !== undefined) await takeHead(config, passphrase, (await readInput(head, 16_384)).toString('utf8'));
    if (args.flag('new-epoch')) {
      const begun = await beginEpoch(config, passphrase);
      io.result({ ok: true, epoch: begun }, [
        `Epoch ${begun.number} of the ledger has begun, as ${begun.origin}. Kept: ${counted(begun.kept, 'entry', 'entries')}` +
          (begun.signed === undefined ? '.' : `; signed before: ${begun.signed}.`),
        'Peers are asked for what they hold of the rest when they connect; every peer records an incident.',
        `Next: “rogatory serve --config ${shellWord(`${dir}/node.json`)}”, and tell your peers.`,
      ]);
      return 0;
    }
    const state = await stateOf(config, passphrase);
    const ok = state.is === 'whole';
    io.result({ ok, state }, linesOf(state, config.code, dir));
    return ok ? 0 : 1;
  },
};

async function putBack(path: string, dir: string): Promise<void> {
  const file = await openFile(path);
  try {
    await restoreBackup(file, dir);
  } finally {
    await file.close();
  }
}

function linesOf(state: Awaited<ReturnType<typeof stateOf>>, code: string, dir: string): string[] {
  switch (state.is) {
    case 'whole':
      return [
        `The store holds everything up to the head that is known: ${counted(state.size, 'entry', 'entries')}. The node may serve.`,
        `Next: “rogatory serve --config ${shellWord(`${dir}/node.json`)}”.`,
      ];
    case 'behind':
      return [
        state.detail,
        'The node must not serve from this store, and refuses to. Look for a newer backup, or the disk itself.',
        `Next: “mv ${shellWord(`${dir}/store`)} ${shellWord(`${dir}/store.old`)}”, then “rogatory restore NEWER-BACKUP --node ${shellWord(dir)}”.`,
        `If there is none: “rogatory restore --node ${shellWord(dir)} --new-epoch” goes on from this one, and says so to everybody.`,
      ];
    case 'forked':
      return [
        state.detail,
        'The node must not serve from this store, and refuses to: two copies of it have run.',
        `Next: “mv ${shellWord(`${dir}/store`)} ${shellWord(`${dir}/store.old`)}”, then “rogatory restore BACKUP --node ${shellWord(dir)}” with one from before the two parted.`,
      ];
    case 'unknown':
      return [
        `There is no ${dir}/head, so nobody here knows whether this backup is the newest state.`,
        `Ask every peer for the newest head of yours that it has seen: “rogatory ledger seen ${code} --node …”.`,
        `Next: “rogatory restore --node ${shellWord(dir)} --head FILE” with the largest of them.`,
        `If nobody can be asked: “rogatory restore --node ${shellWord(dir)} --new-epoch”.`,
      ];
    default:
      return state satisfies never;
  }
}
