import type { JurisdictionCode } from '../../base/mod.ts';
import type { MeasureType, RefusalCode, Urgency } from '../../wire/mod.ts';
import type { RefusalRules } from '../admission.ts';
import { isCoercive } from '../measure-type.ts';
import { isBinding, type Registry } from './registry.ts';
import type { Instrument, Occasion, RefusalRule } from './schema.ts';

/** Two states and a day: what decides which instruments speak. */
export interface Relation {
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  /** The day of the request, such as `2021-03-01`. */
  readonly date: string;
}

/** What a request asks for, as far as rules depend on it. */
export interface RequestFacts {
  readonly measures: readonly MeasureType[];
  readonly offences: readonly string[];
  readonly urgency: Urgency;
}

/** An instrument that speaks, and a rule of it. */
export interface RuleOf<T> {
  readonly instrument: Instrument;
  readonly rule: T;
}

/**
 * The instruments that a request rests on and that bind both states on the day, each followed by what adds to it: their rules are read
 * together.
 */
export function speakingInstruments(registry: Registry, ids: readonly string[], relation: Relation): Instrument[] {
  const pair = [relation.from, relation.to] as const;
  const found = new Set<Instrument>();
  for (const id of ids) {
    const instrument = registry.get(id);
    if (instrument === undefined || !isBinding(instrument, pair, relation.date)) continue;
    found.add(instrument);
    for (const other of registry.values()) {
      if (other.supplements.includes(id) && isBinding(other, pair, relation.date)) found.add(other);
    }
  }
  return [...found];
}

/** Whether a rule applies to a request. */
export function isOccasion(occasion: Occasion | undefined, facts: RequestFacts): boolean {
  if (occasion === undefined) return true;
  const { measures, other_than: others, coercive, urgency, offences } = occasion;
  return (
    (measures === undefined || facts.measures.some((type) => measures.includes(type))) &&
    (others === undefined || facts.measures.some((type) => !others.includes(type))) &&
    (coercive === undefined || facts.measures.some(isCoercive) === coercive) &&
    (urgency === undefined || urgency.includes(facts.urgency)) &&
    (offences === undefined || facts.offences.some((code) => offences.some((prefix) => code.startsWith(prefix))))
  );
}

/**
 * Grounds of a refusal that an instrument bars: a decision that names one cannot stand.
 * @param grounds all grounds that are named for the same refusal
 * @see UNTOC art. 18(8), 18(22); CETS 198 art. 28(7)–(8)
 */
export function barredGrounds(
  instruments: readonly Instrument[],
  grounds: readonly RefusalCode[],
): RuleOf<RefusalRule>[] {
  return instruments.flatMap((instrument) =>
    instrument.refusal_codes
      .filter(
        ({ effect, code, only_if_sole: sole }) =>
          effect === 'BARRED' && grounds.includes(code) && (!sole || grounds.length === 1),
      )
      .map((rule) => ({ instrument, rule })),
  );
}

/** What the state machine asks before a refusal is taken, answered from the registry. */
export function refusalRulesOf(registry: Registry): RefusalRules {
  return ({ instruments: ids, requesting, requested, codes, issued_at: at }) => {
    const date = new Date(at).toISOString().slice(0, 10);
    const instruments = speakingInstruments(registry, ids, { from: requesting, to: requested, date });
    return barredGrounds(instruments, codes).map(({ rule }) => ({ code: rule.code, source: rule.source }));
  };
}
