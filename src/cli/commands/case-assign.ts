import type { AssignmentRecord } from '../../staff/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';

export const caseAssign: Command = {
  name: 'case assign',
  summary: 'let a person know a case, or end it',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },

    case: { value: 'ID', help: 'the case', required: true },
    person: { value: 'PERSON', help: 'whom', required: true },
    remove: { help: 'take the person off the case' },
  },
  details:
    'A REGISTRAR assigns; nobody assigns a case to themselves. Cases opened under this one are known with it. Whoever writes the message\n' +
    'that opens a case, and whoever approves it, are assigned to it.',
  async run(args, io) {
    args.noOperands();
    const id = args.id('case');
    const body = { person: args.text('person'), remove: args.flag('remove') };
    const { persons } = await nodeClient(args).post<AssignmentRecord>(`cases/${id}/assign`, body);
    io.result({ ok: true, case_id: id, persons }, [
      `Case ${id} is known to ${persons.length === 0 ? 'nobody' : persons.join(', ')}.`,
    ]);
    return 0;
  },
};
