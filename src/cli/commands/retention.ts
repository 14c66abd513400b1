import type { RetentionRecord, RetentionView } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { momentOf } from '../moment.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;

export const retentionList: Command = {
  name: 'retention list',
  summary: 'how long the data in messages may be kept, what is due to be reviewed, and what has to be erased',
  options: {
    node: NODE,
    at: { value: 'DAY', help: 'as of this day or time instead of now' },
    due: { help: 'only what has to be reviewed or erased at this node' },
  },
  details:
    'What was received has to be erased when its time is over: by “message erase”, or by the node itself where node.json says\n' +
    'retention.erase_automatically. Of what was sent, the recipient erases its copy: “erasure request” asks for it.\n\n' +
    'Exit status with --due: 0 when nothing is due, 1 otherwise.',
  async run(args, io) {
    args.noOperands();
    const all = await nodeClient(args).get<RetentionView[]>(`retention?at=${momentOf(args.optional('at'))}`);
    const onlyDue = args.flag('due');
    const isDue = ({ state, direction }: RetentionView): boolean =>
      direction === 'IN' && (state === 'ENDED' || state === 'REVIEW_DUE');
    const list = onlyDue ? all.filter(isDue) : all;
    io.result(
      list,
      list.length === 0 ? [onlyDue ? 'Nothing is due.' : 'Nothing is kept for a time.'] : list.map(lineOf),
    );
    return onlyDue && list.length > 0 ? 1 : 0;
  },
};

export const retentionReview: Command = {
  name: 'retention review',
  summary: 'record that the need to keep a message was reviewed, and when it will be next',
  operands: 'MESSAGE',
  options: {
    node: NODE,
    next: { value: 'DAY', help: 'the next review: after today, and not after the end of retention', required: true },
  },
  details:
    'What need not be kept is erased instead: “message erase”. The ledger says under which role it was reviewed.',
  async run(args, io) {
    const id = args.operandId('message');
    const record = await nodeClient(args).post<RetentionRecord>(`messages/${id}/review`, { next: args.text('next') });
    io.result({ ok: true, retention: record }, [
      `Reviewed: ${record.type.replaceAll('_', ' ')} ${record.message_id} of ${record.peer}; next by ${record.review_on}, to be erased after ${record.retain_until}.`,
    ]);
    return 0;
  },
};

function lineOf(view: RetentionView): string {
  const {
    state,
    direction,
    peer,
    type,
    message_id: id,
    retain_until: end,
    review_on: review,
    peer_erased: gone,
  } = view;
  const whose = direction === 'IN' ? `from ${peer}` : `to ${peer}`;
  const reviewed = review === undefined ? '' : `, review by ${review}`;
  const theirs = gone === undefined ? '' : `; ${peer} has erased its copy (entry ${gone.index} of its ledger)`;
  return `${state.padEnd(10)} until ${end}${reviewed}  ${type.replaceAll('_', ' ')} ${whose}  ${id}${theirs}`;
}
