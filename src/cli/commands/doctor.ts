import { ApiClient, ApiError } from '../../client/mod.ts';
import { diagnose, type Diagnosis, type RunningNode } from '../../node/mod.ts';
import type { Command } from '../command.ts';
import { PASSPHRASE_FD, passphraseFor } from '../passphrase.ts';

const MARKS: Readonly<Record<Diagnosis['level'], string>> = { ok: 'ok  ', note: 'note', warn: 'WARN', fail: 'FAIL' };

export const doctor: Command = {
  name: 'doctor',
  summary: 'look a node over, running or stopped, and say what to do',
  options: { node: { value: 'D', help: 'the node’s folder', required: true }, ...PASSPHRASE_FD },
  details:
    'Looks at configuration, permissions, disk, a store of evidence, keys, ledger, manifest, what ends within 60, 30, 7 and 1 days, the clock, ports, and\n' +
    'dials every peer. A node that is stopped has every entry of its ledger hashed again.\n' +
    'Exits 0 when there is nothing to do, 1 when there is.',
  async run(args, io) {
    args.noOperands();
    const dir = args.text('node');
    const diagnoses = await diagnose(dir, await passphraseFor(dir, args, io), await askRunning(dir));
    const toDo = diagnoses.filter(({ level }) => level === 'warn' || level === 'fail').length;
    io.result({ ok: toDo === 0, diagnoses }, [
      ...diagnoses.flatMap(({ check, level, text, advice }) => [
        `${MARKS[level]}  ${check.padEnd(13)}  ${text}`,
        ...(advice === undefined ? [] : [`${' '.repeat(21)}→ ${advice}`]),
      ]),
      toDo === 0 ? 'Nothing to do.' : `${toDo === 1 ? 'One thing' : `${toDo} things`} to do.`,
    ]);
    return toDo === 0 ? 0 : 1;
  },
};

async function askRunning(dir: string): Promise<RunningNode | undefined> {
  try {
    return await new ApiClient(dir).get<RunningNode>('doctor');
  } catch (error) {
    if (error instanceof ApiError && error.code === 'API_NODE_NOT_RUNNING') return undefined;
    throw error;
  }
}
