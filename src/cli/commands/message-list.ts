import { isoTime } from '../../base/mod.ts';
import type { MessageRecord } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { typeName } from '../message-lines.ts';

// Written out: to ask a node, a command need not load what the node is made of. One that is missing here is an error of its type.
const STATUSES = Object.keys({
  QUEUED: true,
  RECEIVED: true,
  REFUSED: true,
  VOIDED: true,
  QUARANTINED: true,
} satisfies Record<MessageRecord['status'], true>) as MessageRecord['status'][];

export const messageList: Command = {
  name: 'message list',
  summary: 'messages of this node, newest first',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    peer: { value: 'CC', help: 'only with this peer' },
    case: { value: 'ID', help: 'only of this case' },
    status: { value: 'STATUS', help: `only ${STATUSES.join(', ')}` },
    limit: { value: 'N', help: 'at most so many; 100 by default' },
  },
  async run(args, io) {
    args.noOperands();
    const limit = args.integer('limit', 100, 10_000);
    const query = new URLSearchParams({ limit: String(limit) });
    const wanted = {
      peer: args.optionalJurisdiction('peer'),
      case: args.optionalId('case'),
      status: statusIn(args.optional('status')),
    };
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) query.set(name, value);
    const records = await nodeClient(args).get<MessageRecord[]>(`messages?${query.toString()}`);
    if (records.length === limit) io.note(`The newest ${limit}; --limit shows more.`);
    io.result(records, records.length === 0 ? ['No messages.'] : records.map(line));
    return 0;
  },
};

function statusIn(text: string | undefined): MessageRecord['status'] | undefined {
  const status = STATUSES.find((name) => name === text?.toUpperCase());
  if (text !== undefined && status === undefined)
    throw new CliError('CLI_USAGE', `--status must be one of ${STATUSES.join(', ')}.`);
  return status;
}

function line(record: MessageRecord): string {
  const direction = record.direction === 'OUT' ? `→ ${record.peer}` : `← ${record.peer}`;
  const time = isoTime(record.sent.time).slice(0, 19);
  return `${time}  ${direction.padEnd(8)} ${record.message_id}  ${record.status.padEnd(11)} ${typeName(record)}`;
}
