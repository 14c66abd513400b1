import {
  SUBJECTS,
  proposeBasis,
  type BasisCandidate,
  type BasisProposal,
  type Reason,
  type Subject,
} from '../../casework/mod.ts';
import type { Arguments, Command } from '../command.ts';
import { CliError } from '../error.ts';
import { loadKnowledge } from '../message-check.ts';

export const basis: Command = {
  name: 'basis',
  summary: 'propose the legal basis of a request, with the reasoning',
  options: {
    from: { value: 'CC', help: 'the requesting state', required: true },
    to: { value: 'CC', help: 'the requested state', required: true },
    measure: { value: 'TYPE', help: 'what is asked for, such as RECORDS; several with commas', required: true },
    date: { value: 'YYYY-MM-DD', help: 'the day of the request; today by default' },
    offence: { value: 'ICCS', help: 'code of the offence, such as 06012; several with commas' },
  },
  details:
    'Every instrument of the registry is in the answer: the one proposed, those that could serve too, and why each other one falls away.\n' +
    'It is a proposal: a person confirms it. What nobody has compared with the text yet is marked “not confirmed”.\n\n' +
    `TYPE: ${SUBJECTS.join(', ')}.\n\n` +
    'Exit status: 0 a basis is proposed for every measure; 1 there is none for some; 2 wrongly used.\n' +
    'Example: rogatory basis --from US --to CO --measure RECORDS --date 2021-03-01',
  async run(args, io) {
    args.noOperands();
    const question = {
      from: args.jurisdiction('from'),
      to: args.jurisdiction('to'),
      date: dateOf(args, 'date'),
      offences: args.optional('offence')?.split(','),
    };
    if (question.from === question.to) throw new CliError('CLI_USAGE', '--from and --to must be two states.');
    if (question.offences?.some((code) => !/^[0-9]{2,6}$/.test(code)) === true)
      throw new CliError('CLI_USAGE', '--offence must be ICCS codes of two to six digits.');
    const measures = args.text('measure').toUpperCase().split(',').map(subjectOf);
    const registry = loadKnowledge(process.env).registry;
    const proposals = measures.map((measure) => proposeBasis(registry, { ...question, measure }));
    io.result(proposals.length === 1 ? proposals[0] : proposals, proposals.flatMap(linesOf));
    return proposals.every(({ proposed }) => proposed !== undefined) ? 0 : 1;
  },
};

/** A day from the command line; today by default. */
export function dateOf(args: Arguments, name: string): string {
  const text = args.optional(name) ?? new Date().toISOString().slice(0, 10);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isDay || new Date(text).toISOString().slice(0, 10) !== text)
    throw new CliError('CLI_USAGE', `--${name} must be a day such as 2021-03-01.`);
  return text;
}

function subjectOf(text: string): Subject {
  const subject = SUBJECTS.find((name) => name === text);
  if (subject === undefined)
    throw new CliError('CLI_USAGE', `--measure: ${text} is not one of ${SUBJECTS.join(', ')}.`);
  return subject;
}

function linesOf(proposal: BasisProposal): string[] {
  const { from, to, measure, date, proposed } = proposal;
  return [
    `${measure}, ${from} → ${to}, ${date}`,
    '',
    ...(proposed === undefined
      ? ['No instrument of the registry serves: ask for reciprocity, or complete the registry.']
      : ['Proposed; a person confirms:', ...candidateLines(proposed)]),
    ...(proposal.also_possible.length === 0 ? [] : ['', 'Could serve too, in this order:']),
    ...proposal.also_possible.flatMap(candidateLines),
    '',
    'Fall away:',
    ...proposal.fell_away.map(
      ({ instrument, code, reason }) => `  ${instrument.padEnd(26)} ${code}: ${reasonLine(reason)}`,
    ),
    '',
  ];
}

function candidateLines({ instrument, title, articles, reasons }: BasisCandidate): string[] {
  return [
    `  ${instrument}: ${title}, art. ${articles.join(', ')}`,
    ...reasons.map((reason) => `    – ${reasonLine(reason)}`),
  ];
}

function reasonLine({ text, source, confirmed }: Reason): string {
  return `${text} [${source}${confirmed ? '' : '; not confirmed'}]`;
}
