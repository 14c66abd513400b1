import type { ClocksAnswer } from '../../api/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { knownCase } from '../known-case.ts';
import { momentOf } from '../moment.ts';

type View = ClocksAnswer['clocks'][number];

const DAY_MS = 24 * 3_600_000;
const STOPPED: ReadonlySet<string> = new Set(['STOPPED', 'STOPPED_LATE']);
const LATE: ReadonlySet<string> = new Set(['OVERDUE', 'ESCALATED']);

export const clocks: Command = {
  name: 'clocks',
  summary: 'what is due in the cases of this node, what is overdue, and what has to be escalated',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    case: { value: 'ID', help: 'only this case, and what happened to each of its clocks' },
    at: { value: 'DATE|TIME', help: 'as of the end of that day, or of that time (UTC); now by default' },
    duty: { value: 'CC', help: 'only what this jurisdiction has to do' },
    overdue: { help: 'only what is overdue; exit status 1 when something is' },
    all: { help: 'also clocks that were stopped' },
  },
  details:
    'Clocks are those of the instruments that a request rests on, as the treaty registry has them, the date that the request itself asks for, and\n' +
    'the days by which originals have to be returned.\n' +
    'They are started, paused and stopped by the signed messages of the case alone, so both sides see the same; days and working days are those of the\n' +
    'state that the instrument counts in. As of a day to come, it is what will be if no message comes.\n' +
    'The node also records when it noticed that something was overdue.\n\n' +
    'Exit status: 0 done; with --overdue, 1 when something is overdue.\n' +
    'Example: rogatory clocks --node D --at 2026-04-30 --duty IT',
  async run(args, io) {
    args.noOperands();
    const id = args.optionalId('case');
    const at = momentOf(args.optional('at'));
    const duty = args.optionalJurisdiction('duty');
    const [onlyLate, all] = [args.flag('overdue'), args.flag('all') || id !== undefined];
    const query = new URLSearchParams({ at: String(at), ...(id === undefined ? {} : { case: id }) });
    const api = nodeClient(args);
    const answer = await api.get<ClocksAnswer>(`clocks?${query.toString()}`);
    // That nothing is due must not be said of a case that is not here, or not theirs to know.
    if (id !== undefined && answer.clocks.length === 0) await knownCase(api, id);
    const chosen = answer.clocks.filter(
      (clock) =>
        (all || !STOPPED.has(clock.state)) &&
        (duty === undefined || clock.duty_of === duty) &&
        (!onlyLate || LATE.has(clock.state)),
    );
    const lines = chosen.flatMap((clock) => [
      lineOf(clock, at),
      ...(id === undefined ? [] : eventLines(clock, answer.noted)),
    ]);
    io.result(
      { ...answer, clocks: chosen },
      chosen.length === 0 ? [`Nothing is ${onlyLate ? 'over' : ''}due.`] : lines,
    );
    return onlyLate && chosen.length > 0 ? 1 : 0;
  },
};

function lineOf(clock: View, at: number): string {
  const { case_id: id, peer, duty_of: duty, name, state, due_at: due, stopped_at: stopped } = clock;
  const article = clock.instrument === '' ? clock.source : `${clock.instrument} art. ${clock.article}`;
  const source = `${article}${clock.confirmed ? '' : '; not confirmed'}`;
  const days = Math.ceil(Math.abs(due - at) / DAY_MS);
  const when = stopped !== undefined ? '' : due >= at ? `, in ${days} d` : `, ${days} d ago`;
  const what = `${state.padEnd(12)} ${duty} ${name.toLowerCase().replaceAll('_', ' ').padEnd(14)}`;
  return `${what} due ${minute(due)}${when}  case ${id} with ${peer}  [${source}]`;
}

function eventLines({ events, started_by: start, name }: View, noted: ClocksAnswer['noted']): string[] {
  return events.map(({ kind, at, message_id: message }) => {
    const seen = noted.find(
      (each) => each.started_by === start && each.clock === name && each.kind === kind && each.at === at,
    );
    const how = message ?? (seen === undefined ? '' : `noticed ${minute(seen.noted_at)}`);
    return `    ${minute(at)}  ${kind.toLowerCase().padEnd(10)} ${how}`.trimEnd();
  });
}

function minute(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
