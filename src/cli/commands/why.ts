import type { WhyAnswer } from '../../api/mod.ts';
import { nodeClient } from '../acting.ts';
import { formatBytes } from '../bytes.ts';
import type { Command } from '../command.ts';
import { clockText, messageLines } from '../message-lines.ts';

export const why: Command = {
  name: 'why',
  summary: 'what happened to a message, by both ledgers, and what has to happen next',
  operands: 'MESSAGE',
  options: { node: { value: 'D', help: 'folder of the running node', required: true } },
  async run(args, io) {
    const id = args.operandId('message');
    const answer = await nodeClient(args).get<WhyAnswer>(`messages/${id}/why`);
    io.result(answer, [
      ...messageLines(answer.message),
      '',
      ...answer.timeline.map(
        ({ time, ledger, index, text }) => `  ${time}  ${ledger} entry ${String(index).padEnd(4)} ${text}`,
      ),
      '',
      ...stateLines(answer),
      ...fileLines(answer),
      `Next: ${answer.next}`,
      ...(answer.next_at === undefined || answer.next.includes(answer.next_at) ? [] : [`  at ${answer.next_at}`]),
    ]);
    return 0;
  },
};

/** How far its files are. */
function fileLines({ files }: WhyAnswer): string[] {
  if (files === undefined) return [];
  const { count, arrived, bytes, size } = files;
  const done = arrived === count ? formatBytes(size) : `${formatBytes(bytes)} of ${formatBytes(size)}`;
  return [`  files         ${arrived} of ${count} arrived, ${done}`, ''];
}

/** The queue, the link and the certificates, as far as they bear on a message that waits. */
function stateLines({ queue, link, certificates }: WhyAnswer): string[] {
  if (queue === undefined) return [];
  const offset = link?.clock_offset_ms;
  return [
    `  queue         number ${queue.position} of ${queue.waiting} that wait for a receipt`,
    ...(link?.last_failure === undefined ? [] : [`  last failure  ${link.last_failure}, at ${link.last_failure_at}`]),
    ...(offset === undefined ? [] : [`  clock         ${clockText(link!.code, offset)}`]),
    ...certificates.map(
      ({ of, expires_at: at, state }) =>
        `  certificate   of ${of} ${state === 'VALID' ? 'valid until' : 'EXPIRED at'} ${at}`,
    ),
    '',
  ];
}
