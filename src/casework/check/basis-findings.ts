import { articleBarrier, proposeBasis, type FallReason } from '../registry/basis.ts';
import type { Registry } from '../registry/registry.ts';
import { speakingInstruments, type Relation } from '../registry/rules.ts';
import type { Instrument } from '../registry/schema.ts';
import { advice, type Finding } from './finding.ts';
import type { RequestAt } from './request.ts';

// Reasons that concern the instrument as such; the others concern a measure or the offences.
const OF_INSTRUMENT = new Set<FallReason>([
  'NOT_IN_FORCE',
  'NOT_PARTY',
  'PARTY_NOT_RECORDED',
  'NOT_PARTY_YET',
  'PARTY_NO_MORE',
  'PARENT_NOT_BINDING',
  'DISPLACED',
]);

/** What is wrong with the legal basis that a request names. */
export function basisFindings(registry: Registry, request: RequestAt, relation: Relation): Finding[] {
  const { path, legal_basis: basis } = request;
  const known = basis.map(({ instrument }) => registry.get(instrument));
  const findings: Finding[] = [];
  known.forEach((instrument, index) => {
    const at = `${path}.legal_basis[${index}]`;
    const { instrument: id, articles } = basis[index]!;
    if (instrument === undefined) {
      findings.push(advice(`${at}.instrument`, 'UNKNOWN_INSTRUMENT', `“${id}” is not in the treaty registry`));
      return;
    }
    articles.forEach((article, position) => {
      const barrier = articleBarrier(instrument, [article], relation);
      if (barrier === undefined) return;
      const message = `art. ${barrier.article} of ${id} does not apply: ${barrier.text}`;
      findings.push(advice(`${at}.articles[${position}]`, 'ARTICLE_NOT_APPLIED', message, barrier));
    });
  });
  const named = new Set(basis.map(({ instrument }) => instrument));
  const instruments = speakingInstruments(registry, [...named], relation);
  const asked = new Set([...named, ...instruments.map(({ instrument_id: id }) => id)]);
  findings.push(...measureFindings(registry, request, relation, asked));
  findings.push(...penaltyFindings(instruments, request));
  return findings;
}

/** Each measure has to be covered by one of the instruments; what is wrong with an instrument itself is said once. */
function measureFindings(
  registry: Registry,
  { path, legal_basis: basis, measures, offences: named }: RequestAt,
  relation: Relation,
  asked: ReadonlySet<string>,
): Finding[] {
  const findings = new Map<string, Finding>();
  const offences = named.map(({ iccs }) => iccs);
  for (const { type, path: measureAt } of measures) {
    const {
      proposed,
      also_possible: others,
      fell_away: fell,
    } = proposeBasis(registry, { ...relation, measure: type, offences });
    const serves = [proposed, ...others].some(
      (candidate) => candidate !== undefined && asked.has(candidate.instrument),
    );
    for (const { instrument: id, code, reason } of fell) {
      const position = basis.findIndex(({ instrument }) => instrument === id);
      if (position >= 0 && OF_INSTRUMENT.has(code)) {
        const at = `${path}.legal_basis[${position}].instrument`;
        findings.set(at, advice(at, code, `${id} ${reason.text}`, reason));
      } else if (asked.has(id) && !serves) {
        const at = code === 'OUT_OF_SCOPE' ? `${path}.offences` : measureAt;
        const instead =
          proposed === undefined ? '' : `; ${proposed.instrument} art. ${proposed.articles.join(', ')} does`;
        if (!findings.has(at)) findings.set(at, advice(at, code, `${id} ${reason.text}${instead}`, reason));
      }
    }
  }
  return [...findings.values()];
}

/** Too low a penalty only if every instrument asks for a higher one; an offence without a stated maximum says nothing. */
function penaltyFindings(instruments: readonly Instrument[], { path, offences }: RequestAt): Finding[] {
  const [least] = instruments
    .map(({ scope }) => scope)
    .toSorted((a, b) => (a.min_penalty_months ?? 0) - (b.min_penalty_months ?? 0));
  const months = least?.min_penalty_months;
  if (least === undefined || months === undefined) return [];
  const isLow = offences.every(({ life_penalty: life, max_penalty_months: max }) => !life && max > 0 && max < months);
  return isLow
    ? [advice(`${path}.offences`, 'PENALTY_TOO_LOW', `no offence reaches ${months} months: ${least.text}`, least)]
    : [];
}
