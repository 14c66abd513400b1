import type { WithdrawnAnswer } from '../../api/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { messageLines } from '../message-lines.ts';

export const messageWithdraw: Command = {
  name: 'message withdraw',
  summary: 'give up a message that has not left this node',
  operands: 'MESSAGE',
  options: { node: { value: 'D', help: 'folder of the running node', required: true } },
  details:
    'Its number is delivered all the same, with the entry that says it was withdrawn, and its step is taken out of the case.\n' +
    'A message that may have reached its recipient cannot be withdrawn: the receipt will tell.',
  async run(args, io) {
    const id = args.operandId('message');
    const answer = await nodeClient(args).post<WithdrawnAnswer>(`messages/${id}/withdraw`, {});
    io.result({ ok: true, ...answer }, [...messageLines(answer.message), '', `Next: ${answer.next}`]);
    return 0;
  },
};
