import { isoTime, systemClock } from '../../base/mod.ts';
import { draftTemplate } from '../../casework/mod.ts';
import { BODY_TYPES, type BodyType } from '../../wire/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';

// A draft lies a while before it is sent, and a day for an answer that has passed is refused.
const REPLY_MS = 30 * 24 * 3_600_000;

export const messageTemplate: Command = {
  name: 'message template',
  summary: 'a filled draft of any message, to start from',
  operands: 'TYPE',
  options: {},
  details:
    'Prints a draft that can be sent once its case_id is that of a case, or is removed from a message that opens one. Everything in\n' +
    `it is invented.\n\nTYPE is one of: ${BODY_TYPES.join(', ')}.`,
  run(args, io) {
    const type = args.operand('type').replaceAll('-', '_');
    if (!BODY_TYPES.includes(type as BodyType))
      throw new CliError('CLI_USAGE', `There is no message ${type}. “rogatory message template --help” lists them.`);
    const replyBy = isoTime(systemClock.nowMs() + REPLY_MS).slice(0, 10);
    const draft = draftTemplate(type as BodyType, replyBy);
    io.result(draft, JSON.stringify(draft, undefined, 2).split('\n'));
    return Promise.resolve(0);
  },
};
