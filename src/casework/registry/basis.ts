import type { JurisdictionCode } from '../../base/mod.ts';
import { isBinding, isInForce, standingOf, type Registry } from './registry.ts';
import type { Instrument, Sourced, Subject } from './schema.ts';

/** What a legal basis is looked for. */
export interface BasisQuestion {
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly measure: Subject;
  /** The day of the request, such as `2021-03-01`. */
  readonly date: string;
  /** ICCS codes of the offences, where they are known already. */
  readonly offences?: readonly string[] | undefined;
}

/** Why an instrument is not the one. */
export type FallReason =
  | 'NOT_IN_FORCE'
  | 'NOT_PARTY'
  | 'PARTY_NOT_RECORDED'
  | 'NOT_PARTY_YET'
  | 'PARTY_NO_MORE'
  | 'PARENT_NOT_BINDING'
  | 'MEASURE_NOT_COVERED'
  | 'ARTICLE_NOT_APPLIED'
  | 'OUT_OF_SCOPE'
  | 'DISPLACED';

/** One step of the reasoning, with where it stands and whether somebody has compared it with the text. */
export interface Reason {
  readonly text: string;
  readonly source: string;
  readonly confirmed: boolean;
}

/** An instrument that can serve. */
export interface BasisCandidate {
  readonly instrument: string;
  readonly title: string;
  readonly articles: readonly string[];
  readonly reasons: readonly Reason[];
  /** Whether every step of the reasoning is confirmed. */
  readonly confirmed: boolean;
}

/** An instrument that cannot. */
export interface FallenInstrument {
  readonly instrument: string;
  readonly title: string;
  readonly code: FallReason;
  readonly reason: Reason;
}

/** A proposal, never a decision: a person confirms it. */
export interface BasisProposal extends BasisQuestion {
  readonly proposed: BasisCandidate | undefined;
  /** Those that could serve too, in the order in which they would. */
  readonly also_possible: readonly BasisCandidate[];
  readonly fell_away: readonly FallenInstrument[];
}

// Behind every instrument that serves whatever the offence is: the schema's largest rank is 99.
const LIMITED_RANK = 100;

interface Candidate extends BasisCandidate {
  readonly rank: number;
  readonly entry: Instrument;
}

/**
 * Proposes the legal basis of a request: instruments that bind both states on the day, then those that cover the measure, then
 * precedence. Every instrument of the registry is in the answer exactly once.
 * @see UNTOC art. 18(6)–(7)
 */
export function proposeBasis(registry: Registry, question: BasisQuestion): BasisProposal {
  const fell: FallenInstrument[] = [];
  const standing: Candidate[] = [];
  for (const entry of registry.values()) {
    const judged = judge(registry, entry, question);
    if ('code' in judged) fell.push(judged);
    else standing.push(judged);
  }
  const { left, displaced } = withoutDisplaced(registry, standing, question);
  fell.push(...displaced);
  left.sort((a, b) => a.rank - b.rank || (a.instrument < b.instrument ? -1 : 1));
  const [proposed, ...others] = left.map(({ rank: _rank, entry: _entry, ...candidate }) => candidate);
  return { ...question, proposed, also_possible: others, fell_away: fell };
}

function judge(registry: Registry, entry: Instrument, question: BasisQuestion): Candidate | FallenInstrument {
  const fall = (code: FallReason, text: string, rule: Sourced): FallenInstrument => ({
    instrument: entry.instrument_id,
    title: entry.title,
    code,
    reason: reasonOf(text, rule),
  });
  const { from, to, measure, date } = question;
  if (!isInForce(entry, date)) {
    const since = entry.in_force.from;
    const text = since === undefined || since <= date ? 'is not in force' : `is in force only from ${since}`;
    return fall('NOT_IN_FORCE', text, entry.in_force);
  }
  const reasons: Reason[] = [];
  for (const state of [from, to]) {
    const standing = standingOf(entry, state, date);
    switch (standing.is) {
      case 'LATER':
        return fall('NOT_PARTY_YET', `binds ${state} only from ${standing.date}`, standing.rule);
      case 'ENDED':
        return fall('PARTY_NO_MORE', `has not bound ${state} since ${standing.date}`, standing.rule);
      case 'NOT_LISTED':
        return entry.parties_complete
          ? fall('NOT_PARTY', `${state} is not a party`, entry.in_force)
          : fall(
              'PARTY_NOT_RECORDED',
              `${state} is not among the parties that are recorded; the list is not whole`,
              entry.in_force,
            );
      case 'BOUND':
        reasons.push(reasonOf(`binds ${state} since ${standing.from}`, standing.rule));
        break;
      default:
        return standing satisfies never;
    }
  }
  const parents = entry.supplements.filter((id) => isBinding(registry.get(id)!, [from, to], date));
  if (entry.supplements.length > 0 && parents.length === 0) {
    return fall(
      'PARENT_NOT_BINDING',
      `adds to ${entry.supplements.join(', ')}, which does not bind both`,
      entry.in_force,
    );
  }
  const covers = entry.covers.filter(({ measures }) => measures.includes(measure));
  if (covers.length === 0) return fall('MEASURE_NOT_COVERED', `says nothing of ${measure}`, entry.scope);
  const applied = covers.map((cover) => ({ cover, barrier: articleBarrier(entry, cover.articles, question) }));
  const free = applied.filter(({ barrier }) => barrier === undefined).map(({ cover }) => cover);
  if (free.length === 0) {
    const barrier = applied[0]!.barrier!;
    return fall('ARTICLE_NOT_APPLIED', `art. ${barrier.article} does not apply: ${barrier.text}`, barrier);
  }
  const outside = question.offences === undefined ? undefined : outsideScope(entry, question.offences);
  if (outside !== undefined) return fall('OUT_OF_SCOPE', outside, entry.scope);
  const articles = [...new Set(free.flatMap((cover) => cover.articles))];
  for (const cover of free) reasons.push(reasonOf(`covers ${measure} in art. ${cover.articles.join(', ')}`, cover));
  reasons.push(reasonOf(`applies to: ${entry.scope.text}`, entry.scope));
  const isLimited = entry.scope.offences !== undefined && question.offences === undefined;
  if (isLimited)
    reasons.push(reasonOf('comes last until the offence is known, because it serves some offences only', entry.scope));
  reasons.push(reasonOf(entry.precedence.text, entry.precedence));
  return {
    instrument: entry.instrument_id,
    title: entry.title,
    articles,
    reasons,
    confirmed: reasons.every(({ confirmed }) => confirmed),
    rank: entry.precedence.rank + (isLimited ? LIMITED_RANK : 0),
    entry,
  };
}

/** What stands against an article on that day between these two: it is suspended, or one of them has made a reservation to it. */
export function articleBarrier(
  entry: Instrument,
  articles: readonly string[],
  { from, to, date }: Pick<BasisQuestion, 'from' | 'to' | 'date'>,
): Instrument['article_status'][number] | undefined {
  return entry.article_status.find(
    (row) =>
      (row.status === 'SUSPENDED' || row.status === 'RESERVED') &&
      articles.some((article) => isWithin(article, row.article)) &&
      (row.from === undefined || row.from <= date) &&
      (row.to === undefined || row.to >= date) &&
      (row.states === undefined || row.states.includes(from) || row.states.includes(to)),
  );
}

/** Whether an article is the other or part of it: 18(2)(a) is within 18(2) and within 18, not within 1. */
function isWithin(article: string, whole: string): boolean {
  return article === whole || article.startsWith(`${whole}(`);
}

function outsideScope(entry: Instrument, offences: readonly string[]): string | undefined {
  const prefixes = entry.scope.offences;
  if (prefixes === undefined) return undefined;
  const inside = offences.some((code) => prefixes.some((prefix) => code.startsWith(prefix) || prefix.startsWith(code)));
  return inside ? undefined : `applies to: ${entry.scope.text}; not to ${offences.join(', ')}`;
}

function withoutDisplaced(
  registry: Registry,
  standing: readonly Candidate[],
  { from, to, date }: BasisQuestion,
): { readonly left: Candidate[]; readonly displaced: readonly FallenInstrument[] } {
  const displaced: FallenInstrument[] = [];
  const left = standing.filter((candidate) => {
    const by = standing.find(({ entry }) =>
      entry.displaces.some(({ instrument }) => instrument === candidate.instrument),
    );
    if (by === undefined || !isBinding(registry.get(by.instrument)!, [from, to], date)) return true;
    const rule = by.entry.displaces.find(({ instrument }) => instrument === candidate.instrument)!;
    displaced.push({
      instrument: candidate.instrument,
      title: candidate.title,
      code: 'DISPLACED',
      reason: reasonOf(`gives way to ${by.title}: ${rule.text}`, rule),
    });
    return false;
  });
  return { left, displaced };
}

function reasonOf(text: string, { source, confirmed }: Sourced): Reason {
  return { text, source, confirmed };
}
