import { isoTime } from '../../base/mod.ts';
import type { AccessLine, AccessLog } from '../../staff/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';

export const accessLog: Command = {
  name: 'access-log',
  summary: 'who read and did what at this node, by person, held against the ledger',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },

    person: { value: 'PERSON', help: 'only of, or about, this person' },
    case: { value: 'ID', help: 'only about this case' },
    limit: { value: 'N', help: 'at most so many lines; 1000 by default' },
  },
  details:
    'For an AUDITOR. The ledger has an entry for every line, by role and without the person or the case; each line is compared with its\n' +
    'entry, and an entry without its line is told of. Exit status 1 when a line was changed or deleted.',
  async run(args, io) {
    args.noOperands();
    const query = new URLSearchParams({ limit: String(args.integer('limit', 1000, 10_000)) });
    const wanted = { person: args.optional('person'), case: args.optionalId('case') };
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) query.set(name, value);
    const { lines, missing } = await nodeClient(args).get<AccessLog>(`access-log?${query.toString()}`);
    const ok = missing.length === 0 && lines.every(({ verified }) => verified);
    io.result({ ok, lines, missing }, [
      ...lines.map(lineOf),
      ...missing.map((index) => `DELETED: the line of entry ${index}`),
    ]);
    return ok ? 0 : 1;
  },
};

function lineOf(line: AccessLine): string {
  const about = [
    ['case', line.case_id],
    ['message', line.message_id],
    ['draft', line.draft_id],
    ['task', line.task_id],
    ['file', line.file_id],
    ['about', line.about],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name!} ${value}`]));
  const outcome = line.refused === undefined ? '' : `  REFUSED ${line.refused}`;
  const person = `${line.person ?? 'operator'} (${line.role})`;
  return `${isoTime(line.time).slice(0, 19)}  entry ${String(line.index).padEnd(5)} ${person.padEnd(28)} ${line.action}${outcome}  ${about.join(', ')}${line.verified ? '' : '  CHANGED'}`;
}
