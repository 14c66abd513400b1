import type { DraftAnswer, SentAnswer } from '../../api/mod.ts';
import type { DraftRecord } from '../../staff/mod.ts';
import { ONCE, nodeClient, onceKey, waitingLines } from '../acting.ts';
import type { Command } from '../command.ts';
import { onOneLine } from '../free-text.ts';
import { readCheckedDraft } from '../message-check.ts';
import { sentLines } from '../message-lines.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;

export const draftCreate: Command = {
  name: 'draft create',
  summary: 'write a message that another person is to approve',
  operands: 'REQUEST.json',
  options: {
    node: NODE,
    to: { value: 'CC', help: 'the recipient', required: true },
    ...ONCE,
    'accept-advice': { help: 'in spite of what the treaty registry advises' },
  },
  details:
    'Checked as “message send” checks. DRAFTER writes requests, REVIEWER what the requested authority decides, EXECUTOR what it did.',
  async run(args, io) {
    const { to, json } = await readCheckedDraft(args, io);
    const draft = await nodeClient(args).post<DraftAnswer>('drafts', { to, draft: json }, onceKey(args));
    io.result({ ok: true, draft }, waitingLines(draft));
    return 0;
  },
};

export const draftList: Command = {
  name: 'draft list',
  summary: 'messages between being written and being sent, the newest first',
  options: { node: NODE },
  async run(args, io) {
    args.noOperands();
    const drafts = await nodeClient(args).get<DraftRecord[]>('drafts');
    io.result(drafts, drafts.length === 0 ? ['No drafts.'] : drafts.flatMap(draftLines));
    return 0;
  },
};

export const draftShow: Command = {
  name: 'draft show',
  summary: 'one draft, whole: what is to be approved',
  operands: 'DRAFT',
  options: { node: NODE },
  async run(args, io) {
    const draft = await nodeClient(args).get<DraftRecord>(`drafts/${args.operandId('draft')}`);
    io.result(draft, [...draftLines(draft), '', ...JSON.stringify(draft.content, undefined, 2).split('\n')]);
    return 0;
  },
};

export const draftApprove: Command = {
  name: 'draft approve',
  summary: 'send what another person wrote, and wait for its receipt',
  operands: 'DRAFT',
  options: { node: NODE, wait: { value: 'SECONDS', help: 'how long to wait for the receipt; 30 by default' } },
  details:
    'Exit status: 0 received, or queued for a peer that is away; 1 refused by this node or by the peer; 2 wrongly used.',
  async run(args, io) {
    const id = args.operandId('draft');
    const wait_ms = args.integer('wait', 30, 300) * 1000;
    const answer = await nodeClient(args).post<SentAnswer>(`drafts/${id}/approve`, { wait_ms });
    io.result({ ok: answer.message.status !== 'REFUSED', ...answer }, sentLines(answer));
    return answer.message.status === 'REFUSED' || answer.receipt?.verified === false ? 1 : 0;
  },
};

export const draftReject: Command = {
  name: 'draft reject',
  summary: 'end a draft that another person wrote, unsent',
  operands: 'DRAFT',
  options: { node: NODE, why: { value: 'TEXT', help: 'why, for its author', required: true } },
  async run(args, io) {
    const id = args.operandId('draft');
    const draft = await nodeClient(args).post<DraftRecord>(`drafts/${id}/reject`, { why: args.text('why') });
    io.result({ ok: true, draft }, draftLines(draft));
    return 0;
  },
};

function draftLines(draft: DraftRecord): string[] {
  const { draft_id: id, to, type, status, author, role, created_at: at, decided_by: by, why, message_id } = draft;
  const end = by === undefined ? '' : ` by ${by}${why === undefined ? '' : `: ${onOneLine(why)}`}`;
  return [
    `${new Date(at).toISOString().slice(0, 19)}  → ${to}  ${id}  ${status}${end}`,
    `    ${type.replaceAll('_', ' ')}, written by ${author} (${role})${message_id === undefined ? '' : `, message ${message_id}`}`,
  ];
}
