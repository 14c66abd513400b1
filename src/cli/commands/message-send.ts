import type { SentAnswer } from '../../api/mod.ts';
import { ApiClient } from '../../client/mod.ts';
import { contentFaults } from '../../casework/mod.ts';
import { faultsError, parseDraft } from '../../wire/mod.ts';
import type { Command } from '../command.ts';
import { MAX_DRAFT_BYTES, readJsonInput } from '../files.ts';
import { acceptAdvice, checkJson, codeOfNode, loadKnowledge } from '../message-check.ts';
import { messageLines } from '../message-lines.ts';

export const messageSend: Command = {
  name: 'message send',
  summary: 'check, sign, seal and send a message, and wait for its receipt',
  operands: 'REQUEST.json',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    to: { value: 'CC', help: 'the recipient', required: true },
    'accept-advice': { help: 'send in spite of what the treaty registry advises' },
    wait: { value: 'SECONDS', help: 'how long to wait for the receipt; 30 by default' },
  },
  details:
    'The file holds one body, such as {"assistance_request": {…}}, and for all but a request the case_id or the in_reply_to it\n' +
    'belongs to. Every problem with its fields is listed before anything is sent. What the treaty\n' +
    'registry advises (see “message check”) asks a person: at the terminal, or by --accept-advice.\n\n' +
    'Exit status: 0 received, or queued for a peer that is away; 1 refused by this node or by the peer; 2 wrongly used.',
  async run(args, io) {
    const path = args.operand('file');
    const to = args.jurisdiction('to');
    const waitMs = args.integer('wait', 30, 300) * 1000;
    const json = await readJsonInput(path, MAX_DRAFT_BYTES);
    // Checked here already, so that a draft can be mended while the node is down.
    const faults = contentFaults(parseDraft(json).body);
    if (faults.length > 0) throw faultsError(faults);
    const context = { from: codeOfNode(args.text('node')), to, date: new Date().toISOString().slice(0, 10) };
    const advice = checkJson(loadKnowledge(process.env), json, () => context).findings;
    if (advice.length > 0 && !args.flag('accept-advice')) await acceptAdvice(advice, io);
    const answer = await new ApiClient(args.text('node')).post<SentAnswer>('messages', {
      to,
      draft: json,
      wait_ms: waitMs,
    });
    const { message, receipt, next } = answer;
    io.result({ ok: message.status !== 'REFUSED', ...answer }, [
      ...messageLines(message),
      `  sent     entry ${message.sent.index} of this node’s ledger`,
      ...(receipt === undefined
        ? ['  receipt  none yet']
        : [
            `  receipt  ${receipt.kind}: entry ${receipt.index} of ${receipt.origin}, in a tree of ${receipt.tree_size}, ${receipt.verified ? 'verified' : 'NOT VERIFIED'}`,
            ...receipt.proof
              .trimEnd()
              .split('\n')
              .map((line) => `           ${line}`),
          ]),
      '',
      message.status === 'QUEUED' ? `Queued, not delivered yet: ${next}` : `Next: ${next}`,
    ]);
    return message.status === 'REFUSED' || receipt?.verified === false ? 1 : 0;
  },
};
