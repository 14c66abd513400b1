import type { JurisdictionCode } from '../../base/mod.ts';
import type { Money } from '../../wire/mod.ts';
import type { Case } from '../case.ts';
import { ownOf } from '../own.ts';
import { overallState } from '../state.ts';
import type { CaseStep } from '../step.ts';
import type { Counts, Direction, Durations, PartnerFigures, Statistics, Sums } from './figures.ts';

/** Which cases are counted, and as of when. */
export interface StatisticsScope {
  /** The node that counts. */
  readonly code: JurisdictionCode;
  /** First and last day on which a case was opened (UTC). */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly partner?: JurisdictionCode | undefined;
  /** Unix milliseconds. */
  readonly at: number;
  /** Whether a duty of an open case is overdue. */
  readonly isOverdue: (found: Case) => boolean;
}

type AssetSum = 'traced' | 'restrained' | 'confiscated' | 'shared' | 'returned' | 'restituted';
type Plain = Exclude<keyof { [K in keyof Direction as Direction[K] extends number ? K : never]: 0 }, never>;

/** Figures while they are counted: the same as in the end, but for what has to be sorted or summed exactly. */
class Count {
  readonly plain = new Map<Plain | 'asset_cases' | 'given' | 'used', number>();
  readonly by = { instrument: {} as Counts, measure: {} as Counts, offence: {} as Counts, refusal: {} as Counts };
  readonly took = { acknowledge: [] as number[], decide: [] as number[], execute: [] as number[] };
  readonly sums = new Map<AssetSum, Map<string, bigint>>();

  add(name: Plain | 'asset_cases' | 'given' | 'used', by = 1): void {
    this.plain.set(name, (this.plain.get(name) ?? 0) + by);
  }

  sum(name: AssetSum, amounts: readonly Money[]): void {
    const sums = this.sums.get(name) ?? new Map<string, bigint>();
    this.sums.set(name, sums);
    for (const { currency, minor_units: units } of amounts)
      sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(units));
  }

  result(): Direction {
    const of = (name: Plain | 'asset_cases' | 'given' | 'used'): number => this.plain.get(name) ?? 0;
    const sumsOf = (name: AssetSum): Sums =>
      Object.fromEntries([...(this.sums.get(name) ?? [])].sort().map(([currency, sum]) => [currency, String(sum)]));
    return {
      requests: of('requests'),
      open: of('open'),
      executed: of('executed'),
      partial: of('partial'),
      refused: of('refused'),
      impossible: of('impossible'),
      returned_unprocessed: of('returned_unprocessed'),
      withdrawn: of('withdrawn'),
      postponed: of('postponed'),
      clarification_rounds: of('clarification_rounds'),
      overdue: of('overdue'),
      by_instrument: sorted(this.by.instrument),
      by_measure: sorted(this.by.measure),
      by_offence: sorted(this.by.offence),
      refusals_by_code: sorted(this.by.refusal),
      acknowledge: durationsOf(this.took.acknowledge),
      decide: durationsOf(this.took.decide),
      execute: durationsOf(this.took.execute),
      assets: {
        cases: of('asset_cases'),
        traced: sumsOf('traced'),
        restrained: sumsOf('restrained'),
        confiscated: sumsOf('confiscated'),
        shared: sumsOf('shared'),
        returned: sumsOf('returned'),
        restituted: sumsOf('restituted'),
      },
      spontaneous: { given: of('given'), used: of('used') },
    };
  }
}

/** Counts cases one by one, so that they need not all be held at once. */
export class Tally {
  readonly #scope: StatisticsScope;
  readonly #partners = new Map<string, { readonly incoming: Count; readonly outgoing: Count }>();
  #cases = 0;

  constructor(scope: StatisticsScope) {
    this.#scope = scope;
  }

  add(found: Case): void {
    const { code, from, to, partner, isOverdue } = this.#scope;
    const opening = found.steps.find(({ type }) => OPENINGS.has(type));
    const isOutgoing = found.requesting === code;
    const other = isOutgoing ? found.requested : found.requesting;
    if (opening === undefined || found.state === 'UNOPENED' || (partner !== undefined && partner !== other)) return;
    const day = new Date(opening.issued_at).toISOString().slice(0, 10);
    if ((from !== undefined && day < from) || (to !== undefined && day > to)) return;
    this.#cases += 1;
    for (const name of ['', other]) {
      const counts = this.#partners.get(name) ?? { incoming: new Count(), outgoing: new Count() };
      this.#partners.set(name, counts);
      const count = isOutgoing ? counts.outgoing : counts.incoming;
      if (found.kind === 'REQUEST') countRequest(count, found, opening, isOverdue);
      else if (found.kind === 'ASSET') countAsset(count, found);
      else if (found.kind === 'SPONTANEOUS') countInformation(count, found);
    }
  }

  result(): Statistics {
    const { from, to, at } = this.#scope;
    const figures = [...this.#partners].sort(([a], [b]) => (a < b ? -1 : 1)).map(figuresOf);
    const [total = figuresOf(['', { incoming: new Count(), outgoing: new Count() }]), ...partners] = figures;
    return { from: from ?? null, to: to ?? null, at, cases: this.#cases, total, partners };
  }
}

const OPENINGS: ReadonlySet<string> = new Set([
  'assistance_request',
  'supplementary_request',
  'asset_trace_request',
  'restraint_request',
  'confiscation_request',
  'spontaneous_information',
]);

const OUTCOMES: Readonly<Record<string, Plain>> = {
  EXECUTED: 'executed',
  PARTIAL: 'partial',
  REFUSED: 'refused',
  IMPOSSIBLE: 'impossible',
  RETURNED: 'returned_unprocessed',
  WITHDRAWN: 'withdrawn',
};

function countRequest(count: Count, found: Case, opening: CaseStep, isOverdue: (found: Case) => boolean): void {
  const { state, measures, steps, rounds } = found;
  const outcome = OUTCOMES[state === 'CLOSED' ? overallState(Object.values(measures)) : state];
  count.add('requests');
  count.add(outcome ?? 'open');
  count.add('clarification_rounds', rounds);
  if (steps.some(({ type }) => type === 'postponement_notice')) count.add('postponed');
  if (outcome === undefined && isOverdue(found)) count.add('overdue');
  each(opening.said?.instruments, count.by.instrument);
  each(opening.said?.types, count.by.measure);
  each(opening.said?.offences, count.by.offence);
  const acknowledged = steps.find(({ type }) => type === 'acknowledge_receipt');
  const decided = steps.find(({ type }) => type === 'review_decision');
  const reported = steps.findLast(({ type }) => type === 'execution_report');
  if (acknowledged !== undefined) count.took.acknowledge.push(acknowledged.issued_at - opening.issued_at);
  if (decided !== undefined) count.took.decide.push(decided.issued_at - opening.issued_at);
  if (decided !== undefined && reported !== undefined) count.took.execute.push(reported.issued_at - decided.issued_at);
  countRefusals(count, steps);
}

function countRefusals(count: Count, steps: readonly CaseStep[]): void {
  for (const { said } of steps) each(said?.codes, count.by.refusal);
}

const SUM_OF: Readonly<Record<string, AssetSum>> = {
  'asset_trace_result/LOCATED': 'traced',
  'restraint_result/RESTRAINED': 'restrained',
  'confiscation_result/CONFISCATED': 'confiscated',
  'transfer_confirmation/SHARED': 'shared',
  'transfer_confirmation/RETURNED': 'returned',
  'transfer_confirmation/VICTIM_RESTITUTED': 'restituted',
};

function countAsset(count: Count, { steps }: Case): void {
  count.add('asset_cases');
  for (const { type, outcome, said } of steps) {
    const sum = SUM_OF[`${type}/${outcome ?? ''}`];
    if (sum !== undefined) count.sum(sum, said?.amounts ?? []);
  }
  countRefusals(count, steps);
}

function countInformation(count: Count, { steps }: Case): void {
  count.add('given');
  if (steps.some(({ said }) => said?.use !== undefined && said.use !== 'NOT_USED')) count.add('used');
}

// Each code counts once a message, however often it names it.
function each(codes: readonly string[] | undefined, counts: Counts): void {
  for (const code of new Set(codes)) counts[code] = (ownOf(counts, code) ?? 0) + 1;
}

function figuresOf([partner, counts]: [
  string,
  { readonly incoming: Count; readonly outgoing: Count },
]): PartnerFigures {
  const [incoming, outgoing] = [counts.incoming.result(), counts.outgoing.result()];
  const ratio = outgoing.requests === 0 ? null : Math.round((incoming.requests / outgoing.requests) * 1000) / 1000;
  return { partner, incoming, outgoing, reciprocity_ratio: ratio };
}

function sorted(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const DAY_MS = 24 * 3_600_000;

/** By nearest rank: the smallest duration that at least this share of all do not exceed. */
function durationsOf(times: number[]): Durations {
  times.sort((a, b) => a - b);
  const rank = (share: number): number | null => {
    const time = times[Math.ceil(times.length * share) - 1];
    return time === undefined ? null : Math.round((time / DAY_MS) * 10) / 10;
  };
  return { count: times.length, median_days: rank(0.5), p90_days: rank(0.9) };
}
