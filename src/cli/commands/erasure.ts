/** Erasure at the other side: asked for, carried out with proof, or refused with the reason. */
import type { CarriedOut, MessageDetail } from '../../exchange/mod.ts';
import { enumNames, type ErasureRequestWhy } from '../../wire/mod.ts';
import { nodeClient, sendOrDraft, waitingLines } from '../acting.ts';
import type { Arguments, Command, Terminal } from '../command.ts';
import { CliError } from '../error.ts';
import { sentLines } from '../message-lines.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;
const WAIT = { value: 'SECONDS', help: 'how long to wait for the receipt; 30 by default' } as const;
const WHYS = enumNames<ErasureRequestWhy>('ErasureRequestWhy');

export const erasureRequest: Command = {
  name: 'erasure request',
  summary: 'ask the recipient of a message to erase its copy, with the files that came with it',
  operands: 'MESSAGE…',
  options: {
    node: NODE,
    why: { value: 'WHY', help: `one of ${WHYS.join(', ')}`, required: true },
    reasons: { value: 'TEXT', help: 'the reasons, in English', required: true },
    'reply-by': { value: 'DAY', help: 'when the answer is expected' },
    wait: WAIT,
  },
  details:
    'The messages are this node’s own, of one case with one recipient, also of a closed one. The other side erases and proves it by its ledger, or\n' +
    'refuses and says which obligation of its own forbids it; until then the case shows that it owes the answer.',
  async run(args, io) {
    const why = WHYS.find((name) => name === args.text('why').toUpperCase());
    if (why === undefined) throw new CliError('CLI_USAGE', `--why must be one of ${WHYS.join(', ')}.`);
    const ids = args.operandIds('message');
    if (ids.length === 0) throw new CliError('CLI_USAGE', 'Which messages? Give their ids.');
    const { record } = await nodeClient(args).get<MessageDetail>(`messages/${ids[0]!}`);
    if (record.direction !== 'OUT')
      throw new CliError('CLI_USAGE', `Message ${ids[0]} is ${record.peer}’s own: “message erase” erases it here.`);
    const replyBy = args.optional('reply-by');
    const draft = {
      case_id: record.case_id,
      erasure_request: {
        message_ids: ids,
        why,
        reasons: { lang: 'en', text: args.text('reasons') },
        ...(replyBy === undefined ? {} : { reply_by: replyBy }),
      },
    };
    return send(args, io, record.peer, draft, {});
  },
};

export const erasurePerform: Command = {
  name: 'erasure perform',
  summary: 'erase what a peer asks to be erased, and send it the proof',
  operands: 'REQUEST_MESSAGE',
  options: { node: NODE, wait: WAIT },
  details:
    'The content of the peer’s messages that the request names is erased here, for good, with the files that they brought. The answer holds this\n' +
    'ledger’s entries about it with their proofs. Doing it again sends the same proofs.',
  async run(args, io) {
    const id = args.operandId('message');
    const api = nodeClient(args);
    const { record } = await api.get<MessageDetail>(`messages/${id}`);
    const { erased, files, draft } = await api.post<CarriedOut>(`messages/${id}/carry-out`, {});
    const lines = [
      ...erased.map((each) => `Erased: message ${each.message_id}, ledger entry ${each.erased!.index}.`),
      ...files.map((file) => `Erased: file ${file}.`),
    ];
    return send(args, io, record.peer, draft, { erased, files }, lines);
  },
};

export const erasureRefuse: Command = {
  name: 'erasure refuse',
  summary: 'tell a peer why what it asks to be erased has to be kept',
  operands: 'REQUEST_MESSAGE',
  options: {
    node: NODE,
    reasons: { value: 'TEXT', help: 'the obligation that forbids it, in English', required: true },
    'keep-until': { value: 'DAY', help: 'until when it has to be kept' },
    wait: WAIT,
  },
  async run(args, io) {
    const id = args.operandId('message');
    const { record } = await nodeClient(args).get<MessageDetail>(`messages/${id}`);
    const until = args.optional('keep-until');
    const answer = {
      outcome: 'REFUSED',
      reasons: { lang: 'en', text: args.text('reasons') },
      ...(until === undefined ? {} : { keep_until: until }),
    };
    return send(args, io, record.peer, { case_id: record.case_id, in_reply_to: id, erasure_answer: answer }, {});
  },
};

async function send(
  args: Arguments,
  io: Terminal,
  to: string,
  draft: Readonly<Record<string, unknown>>,
  done: object,
  lines: readonly string[] = [],
): Promise<number> {
  const wait_ms = args.integer('wait', 30, 300) * 1000;
  const sent = await sendOrDraft(args, { route: 'messages', body: { to, draft, wait_ms } }, { to, draft });
  if (sent.draft !== undefined) {
    io.result({ ok: true, ...done, draft: sent.draft }, [...lines, ...waitingLines(sent.draft)]);
    return 0;
  }
  const isRefused = sent.answer.message.status === 'REFUSED';
  io.result({ ok: !isRefused, ...done, ...sent.answer }, [...lines, ...sentLines(sent.answer)]);
  return isRefused ? 1 : 0;
}
