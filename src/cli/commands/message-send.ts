import { ONCE, sendOrDraft, waitingLines } from '../acting.ts';
import type { Command } from '../command.ts';
import { readCheckedDraft } from '../message-check.ts';
import { sentLines } from '../message-lines.ts';

export const messageSend: Command = {
  name: 'message send',
  summary: 'check, sign, seal and send a message, and wait for its receipt',
  operands: 'REQUEST.json',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    to: { value: 'CC', help: 'the recipient', required: true },
    'accept-advice': { help: 'send in spite of what the treaty registry advises' },
    ...ONCE,
    wait: { value: 'SECONDS', help: 'how long to wait for the receipt; 30 by default' },
  },
  details:
    'The file holds one body, such as {"assistance_request": {…}}, and for all but a request the case_id or the in_reply_to it\n' +
    'belongs to. Every problem with its fields is listed before anything is sent. What the treaty\n' +
    'registry advises (see “message check”) asks a person: at the terminal, or by --accept-advice. Where staff is registered, what one person\n' +
    'writes is a draft until another approves it (“draft approve”).\n\n' +
    'Exit status: 0 received, or queued for a peer that is away; 1 refused by this node or by the peer; 2 wrongly used.',
  async run(args, io) {
    const { to, json } = await readCheckedDraft(args, io);
    const wait_ms = args.integer('wait', 30, 300) * 1000;
    const direct = { route: 'messages', body: { to, draft: json, wait_ms } } as const;
    const { answer, draft } = await sendOrDraft(args, direct, { to, draft: json });
    if (draft !== undefined) {
      io.result({ ok: true, draft }, waitingLines(draft));
      return 0;
    }
    io.result({ ok: answer.message.status !== 'REFUSED', ...answer }, sentLines(answer));
    return answer.message.status === 'REFUSED' || answer.receipt?.verified === false ? 1 : 0;
  },
};
