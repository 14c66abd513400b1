import type { SentAnswer } from '../api/mod.ts';
import type { MessageRecord } from '../exchange/mod.ts';

/** A message in a few lines, for people. */
export function messageLines(record: MessageRecord): string[] {
  const direction = record.direction === 'OUT' ? `to ${record.peer}` : `from ${record.peer}`;
  return [
    `${typeName(record)} ${direction}, number ${record.seq}: ${record.status}${record.reason === undefined ? '' : ` (${record.reason})`}`,
    `  message  ${record.message_id}`,
    ...(record.case_id === undefined ? [] : [`  case     ${record.case_id}`]),
  ];
}

/** The kind of a message in words. */
export function typeName({ type }: Pick<MessageRecord, 'type'>): string {
  return type === undefined ? 'unreadable message' : type.replaceAll('_', ' ');
}

/** How a peer's clock stood to this node's when they last met. */
export function clockText(peer: string, offsetMs: number): string {
  return `that of ${peer} was ${Math.abs(offsetMs)} ms ${offsetMs < 0 ? 'behind' : 'ahead'}`;
}

/** A message that was sent, with its receipt whole, and what comes next. */
export function sentLines({ message, receipt, next, repeated }: SentAnswer): string[] {
  return [
    ...(repeated === true ? ['Sent before, under the same key; this is how it stands now.'] : []),
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
  ];
}
