import { isoTime } from '../../base/mod.ts';
import type { ErasedAnswer } from '../../api/mod.ts';
import { enumNames, type ErasedWhy } from '../../wire/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';

const ERASED_WHYS = enumNames<ErasedWhy>('ErasedWhy');

export const messageErase: Command = {
  name: 'message erase',
  summary: 'erase what a message says, for good; its proofs stay, and the ledger says why',
  operands: 'MESSAGE',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    why: { value: 'WHY', help: `one of ${ERASED_WHYS.join(', ')}`, required: true },
  },
  details:
    'Digests, ledger entries and receipts are kept, so that every audit verifies as before. Files of evidence are deleted by “evidence delete”,\n' +
    'and what older backups hold is not reached. A message that waits for its receipt cannot be erased.',
  async run(args, io) {
    const id = args.operandId('message');
    const why = ERASED_WHYS.find((name) => name === args.text('why').toUpperCase());
    if (why === undefined) throw new CliError('CLI_USAGE', `--why must be one of ${ERASED_WHYS.join(', ')}.`);
    const { message, propagates } = await nodeClient(args).post<ErasedAnswer>(`messages/${id}/erase`, { why });
    const { index, time, why: stated } = message.erased!;
    io.result({ ok: true, message, propagates }, [
      `Erased: ledger entry ${index}, ${isoTime(time)}, ${stated}. Sealed digest ${message.sealed_digest}.`,
      ...(propagates
        ? [
            `${message.peer} was told to follow. Next: rogatory erasure request ${message.message_id} --why … --reasons …`,
          ]
        : []),
    ]);
    return 0;
  },
};
