import { ApiClient, type WhyAnswer } from '../../api/mod.ts';
import type { Command } from '../command.ts';
import { messageLines } from '../message-lines.ts';

export const why: Command = {
  name: 'why',
  summary: 'what happened to a message, by both ledgers, and what has to happen next',
  operands: 'MESSAGE',
  options: { node: { value: 'D', help: 'folder of the running node', required: true } },
  async run(args, io) {
    const id = encodeURIComponent(args.operand('message id'));
    const answer = await new ApiClient(args.text('node')).get<WhyAnswer>(`messages/${id}/why`);
    io.result(answer, [
      ...messageLines(answer.message),
      '',
      ...answer.timeline.map(
        ({ time, ledger, index, text }) => `  ${time}  ${ledger} entry ${String(index).padEnd(4)} ${text}`,
      ),
      '',
      `Next: ${answer.next}`,
    ]);
    return 0;
  },
};
