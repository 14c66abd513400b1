import { ApiClient } from '../../api/mod.ts';
import type { MessageDetail } from '../../exchange/mod.ts';
import type { Command } from '../command.ts';
import { messageLines } from '../message-lines.ts';

export const messageShow: Command = {
  name: 'message show',
  summary: 'one message: its content, and the peer’s proof',
  operands: 'MESSAGE',
  options: { node: { value: 'D', help: 'folder of the running node', required: true } },
  async run(args, io) {
    const id = encodeURIComponent(args.operand('message id'));
    const detail = await new ApiClient(args.text('node')).get<MessageDetail>(`messages/${id}`);
    const { proof, content } = detail;
    io.result(detail, [
      ...messageLines(detail.record),
      ...(proof === undefined
        ? []
        : [
            `  proof    ${proof.kind}: entry ${proof.index} of ${proof.origin}, ${proof.verified ? 'verified' : 'NOT VERIFIED'}`,
          ]),
      '',
      ...(content === undefined
        ? ['Its content could not be read by this node.']
        : JSON.stringify(content, undefined, 2).split('\n')),
    ]);
    return proof?.verified === false ? 1 : 0;
  },
};
