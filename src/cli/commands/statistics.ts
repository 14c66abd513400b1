import { counted } from '../../base/mod.ts';
import { statisticsCsv, type Direction, type PartnerFigures, type Statistics } from '../../casework/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { dateOf } from './basis.ts';

export const statistics: Command = {
  name: 'statistics',
  summary: 'what was asked, answered, refused, frozen and shared, in and out, by partner',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    from: { value: 'YYYY-MM-DD', help: 'only cases opened on this day or later' },
    to: { value: 'YYYY-MM-DD', help: 'only cases opened on this day or earlier' },
    peer: { value: 'CC', help: 'only cases with this partner' },
    csv: { help: 'as CSV on stdout: partner, direction, figure, key, value' },
  },
  details:
    'Counted from the signed messages of the cases alone. Medians and 90th percentiles are in days; sums are in minor units of their currency. The\n' +
    'reciprocity ratio is the number of requests that the partner made for each one that was made to it.\n' +
    'Example: rogatory statistics --node D --from 2026-01-01 --to 2026-12-31 --csv > 2026.csv',
  async run(args, io) {
    args.noOperands();
    if (args.flag('csv') && io.isJson) throw new CliError('CLI_USAGE', 'Give --csv or --json, not both.');
    const limits = (['from', 'to'] as const).filter((name) => args.optional(name) !== undefined);
    const query = new URLSearchParams(Object.fromEntries(limits.map((name) => [name, dateOf(args, name)])));
    if (args.optional('peer') !== undefined) query.set('peer', args.jurisdiction('peer'));
    const answer = await nodeClient(args).get<Statistics>(`statistics?${query.toString()}`);
    if (args.flag('csv')) io.print(statisticsCsv(answer).trimEnd());
    else io.result(answer, [counted(answer.cases, 'case'), ...[answer.total, ...answer.partners].flatMap(linesOf)]);
    return 0;
  },
};

function linesOf({ partner, incoming, outgoing, reciprocity_ratio: ratio }: PartnerFigures): string[] {
  const name = partner === '' ? 'All partners' : partner;
  return [
    '',
    `${name}: reciprocity ratio ${ratio === null ? '–' : String(ratio)}`,
    ...directionLines('asked of this node', incoming),
    ...directionLines('asked by this node', outgoing),
  ];
}

function directionLines(title: string, figures: Direction): string[] {
  const { requests, acknowledge, decide, execute, assets, spontaneous } = figures;
  const counts = (
    ['open', 'overdue', 'executed', 'partial', 'refused', 'impossible', 'withdrawn', 'postponed'] as const
  )
    .filter((figure) => figures[figure] > 0)
    .map((figure) => `${figures[figure]} ${figure}`);
  const took = Object.entries({ acknowledge, decide, execute })
    .filter(([, { count }]) => count > 0)
    .map(([what, times]) => `${what} ${times.median_days} d (nine in ten ${times.p90_days} d)`);
  const lists = Object.entries({
    instruments: figures.by_instrument,
    measures: figures.by_measure,
    offences: figures.by_offence,
    'refused for': figures.refusals_by_code,
  }).filter(([, codes]) => Object.keys(codes).length > 0);
  const sums = Object.entries(assets).flatMap(([what, sum]) =>
    typeof sum === 'number'
      ? []
      : Object.entries(sum).map(([currency, units]) => `${what} ${units} ${currency} (minor units)`),
  );
  return [
    `  ${title}: ${requests} requests${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`,
    ...(took.length === 0 ? [] : [`    median days: ${took.join('; ')}`]),
    ...lists.map(
      ([what, codes]) =>
        `    ${what}: ${Object.entries(codes)
          .map(([code, n]) => `${code} ${n}`)
          .join(', ')}`,
    ),
    ...(sums.length === 0 ? [] : [`    assets: ${sums.join(', ')}`]),
    ...(spontaneous.given === 0
      ? []
      : [`    information given unasked: ${spontaneous.given}, of use ${spontaneous.used}`]),
  ];
}
