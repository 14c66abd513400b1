import type { MessageDetail } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { LANG, readerOf } from '../language.ts';
import { messageLines } from '../message-lines.ts';

export const messageShow: Command = {
  name: 'message show',
  summary: 'one message: its content, and the peer’s proof',
  operands: 'MESSAGE',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    lang: LANG,
  },
  details:
    'With --lang, it reads as a form: labels and codes are in that language. Free text is shown in its translation, with who certified it or that a machine\n' +
    'made it, or as it was written, with its language named.\n\n' +
    'Where staff is registered, a message marked TLP:RED is shown to those alone who were assigned to its case by name (“case assign”).',
  async run(args, io) {
    const reader = await readerOf(args);
    const id = args.operandId('message');
    const detail = await nodeClient(args).get<MessageDetail>(`messages/${id}`);
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
        : reader === undefined
          ? JSON.stringify(content, undefined, 2).split('\n')
          : reader.form(content)),
    ]);
    return proof?.verified === false ? 1 : 0;
  },
};
