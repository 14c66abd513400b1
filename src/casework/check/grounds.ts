import type { Body, RefusalCode } from '../../wire/mod.ts';
import { barredGrounds, type RequestFacts } from '../registry/rules.ts';
import type { Instrument } from '../registry/schema.ts';
import { advice, type Finding, type PossibleGround } from './finding.ts';
import { applies, type RequestAt } from './request.ts';

/**
 * Grounds of refusal that the instruments know and that concern the request: a finding where something draws the ground upon it, a mere
 * possibility otherwise. What any of the instruments bars is no ground.
 */
export function groundsOf(
  instruments: readonly Instrument[],
  { type, path, value }: RequestAt,
  facts: RequestFacts,
): (Finding | PossibleGround)[] {
  const barred = new Set(
    instruments.flatMap(({ refusal_codes: codes }) =>
      codes.filter(({ effect }) => effect === 'BARRED').map(({ code }) => code),
    ),
  );
  const seen = new Set<string>();
  return instruments.flatMap((instrument) =>
    instrument.refusal_codes.flatMap((rule): (Finding | PossibleGround)[] => {
      const { code, effect, article, text, when, source, confirmed } = rule;
      if (effect === 'BARRED' || barred.has(code) || seen.has(code) || !applies(when, type, value, facts)) return [];
      seen.add(code);
      // What a person can mend, or what the offence itself draws upon it.
      if (when?.lacks !== undefined || when?.offences !== undefined) {
        const at = when.lacks === undefined ? `${path}.offences` : `${path}.${when.lacks}`;
        const may = effect === 'MANDATORY' ? 'must' : 'may';
        return [
          advice(
            at,
            'LIKELY_REFUSAL',
            `the requested state ${may} refuse (${code}, ${instrument.short_title} art. ${article})${text === undefined ? '' : `: ${text}`}`,
            rule,
          ),
        ];
      }
      return [
        {
          code,
          effect,
          instrument: instrument.instrument_id,
          article,
          ...(text === undefined ? {} : { text }),
          source,
          confirmed,
        },
      ];
    }),
  );
}

/** Grounds of a decision that the instruments bar. */
export function barredFindings(instruments: readonly Instrument[], body: Body): Finding[] {
  if (body.type !== 'review_decision') return [];
  const lists: { readonly path: string; readonly codes: readonly RefusalCode[] }[] = [
    { path: 'review_decision.codes', codes: body.value.codes },
    ...body.value.measures.map(({ codes }, index) => ({ path: `review_decision.measures[${index}].codes`, codes })),
  ];
  return lists.flatMap(({ path, codes }) =>
    barredGrounds(instruments, codes).map(({ instrument, rule }) => ({
      severity: 'ERROR',
      path: `${path}[${codes.indexOf(rule.code)}]`,
      code: 'BARRED_REFUSAL',
      message: `${instrument.short_title} art. ${rule.article} does not allow a refusal on the ground ${rule.code}${rule.text === undefined ? '' : `: ${rule.text}`}`,
      source: rule.source,
      confirmed: rule.confirmed,
    })),
  );
}
