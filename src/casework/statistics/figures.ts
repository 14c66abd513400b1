/** The figures that are kept of cases, of one partner and of all; FATF recommendation 33 asks for many of them. */

/** Counts by a code, such as an instrument or a ground of refusal. */
export type Counts = Record<string, number>;

/** How long something took. */
export interface Durations {
  readonly count: number;
  /** Days with one decimal; null where nothing was counted. */
  readonly median_days: number | null;
  /** Nine in ten took at most so long. */
  readonly p90_days: number | null;
}

/** Sums by ISO 4217 currency, in minor units as decimal text: sums may be larger than a JSON number holds exactly. */
export type Sums = Record<string, string>;

/** What was asked in one direction. */
export interface Direction {
  /** Requests for assistance, supplementary ones included. */
  readonly requests: number;
  readonly open: number;
  readonly executed: number;
  readonly partial: number;
  readonly refused: number;
  readonly impossible: number;
  readonly returned_unprocessed: number;
  readonly withdrawn: number;
  /** Put off at some time. */
  readonly postponed: number;
  readonly clarification_rounds: number;
  /** Open requests of which a duty is overdue. */
  readonly overdue: number;
  readonly by_instrument: Counts;
  readonly by_measure: Counts;
  /** By ICCS code. */
  readonly by_offence: Counts;
  readonly refusals_by_code: Counts;
  /** From the request to its acknowledgement. */
  readonly acknowledge: Durations;
  /** From the request to the decision. */
  readonly decide: Durations;
  /** From the decision to the last report. */
  readonly execute: Durations;
  readonly assets: {
    readonly cases: number;
    readonly traced: Sums;
    readonly restrained: Sums;
    readonly confiscated: Sums;
    readonly shared: Sums;
    readonly returned: Sums;
    readonly restituted: Sums;
  };
  readonly spontaneous: {
    readonly given: number;
    /** Told to have been of use. */
    readonly used: number;
  };
}

/** The figures of one partner, or of all. */
export interface PartnerFigures {
  /** Empty for all together. */
  readonly partner: string;
  /** What the partner asked of this node. */
  readonly incoming: Direction;
  /** What this node asked of the partner. */
  readonly outgoing: Direction;
  /** Requests of the partner for each one to it; null where there is none to it. */
  readonly reciprocity_ratio: number | null;
}

/** What a node can tell of its cases. */
export interface Statistics {
  /** First and last day of the requests that are counted; null where there is no limit. */
  readonly from: string | null;
  readonly to: string | null;
  /** Unix milliseconds at which what is open and overdue was so. */
  readonly at: number;
  readonly cases: number;
  readonly total: PartnerFigures;
  /** By code. */
  readonly partners: readonly PartnerFigures[];
}

/** The figures as rows of CSV: partner, direction, figure, key, value; the first names them. */
export function statisticsCsv({ total, partners }: Statistics): string {
  const rows = [total, ...partners].flatMap((figures) => {
    const partner = figures.partner === '' ? 'ALL' : figures.partner;
    return [
      ...rowsOf(partner, 'incoming', figures.incoming),
      ...rowsOf(partner, 'outgoing', figures.outgoing),
      [partner, 'both', 'reciprocity_ratio', '', String(figures.reciprocity_ratio ?? '')],
    ];
  });
  return [['partner', 'direction', 'figure', 'key', 'value'], ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

// Every name and key is a code of this project or of its registry: none has a comma, a quote or a line's end.
function rowsOf(partner: string, direction: string, figures: Direction): string[][] {
  const { assets, ...others } = figures;
  const flat = Object.entries(others).flatMap(([figure, value]) => entriesOf(figure, value));
  const ofAssets = Object.entries(assets).flatMap(([figure, value]) => entriesOf(`assets_${figure}`, value));
  return [...flat, ...ofAssets].map((row) => [partner, direction, ...row]);
}

function entriesOf(figure: string, value: number | object): string[][] {
  if (typeof value === 'number') return [[figure, '', String(value)]];
  return Object.entries(value).map(([key, each]) => [figure, key, String(each ?? '')]);
}
