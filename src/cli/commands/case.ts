import { ApiClient } from '../../api/mod.ts';
import type { Case } from '../../casework/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;

export const caseList: Command = {
  name: 'case list',
  summary: 'cases of this node and where they stand',
  options: { node: NODE },
  async run(args, io) {
    args.noOperands();
    const cases = await new ApiClient(args.text('node')).get<Case[]>('cases');
    const line = ({ case_id, requesting, requested, state, steps }: Case): string =>
      `${case_id}  ${requesting} → ${requested}  ${state.padEnd(10)} ${steps.length} messages`;
    io.result(cases, cases.length === 0 ? ['No cases.'] : cases.map(line));
    return 0;
  },
};

export const caseShow: Command = {
  name: 'case show',
  summary: 'one case: its state, its measures, its messages',
  operands: 'CASE',
  options: { node: NODE },
  async run(args, io) {
    const id = args.operand('case id');
    const [found] = await new ApiClient(args.text('node')).get<Case[]>(`cases/${encodeURIComponent(id)}`);
    if (found === undefined) throw new CliError('CLI_USAGE', `There is no case ${id} at this node.`);
    io.result(found, [
      `Case ${found.case_id}: ${found.state}`,
      `  ${found.requesting} asks ${found.requested}`,
      ...Object.entries(found.measures).map(([measure, state]) => `  measure ${measure}: ${state}`),
      ...found.steps.map(
        ({ by, type, message_id, outcome }) =>
          `  ${by}  ${type.replaceAll('_', ' ')}${outcome === undefined ? '' : ` (${outcome})`}  ${message_id}`,
      ),
    ]);
    return 0;
  },
};
