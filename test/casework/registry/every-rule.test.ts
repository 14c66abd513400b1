/** Whatever a file of the registry says has an effect: each rule of each file is tried. */
import { describe, expect, test } from 'vitest';
import { isBinding, type Instrument, type When } from '../../../src/casework/mod.ts';
import { WireError } from '../../../src/wire/mod.ts';
import { checkOf, propertyJson, refusalJson, requestJson } from '../../kit/requests.ts';
import { REGISTRY } from '../../kit/registry.ts';

interface Between {
  readonly from: string;
  readonly to: string;
  readonly date: string;
}

/** Two states and a day between which the instrument, and one of those it adds to, is in force. */
function betweenOf(instrument: Instrument): Between | undefined {
  const states = instrument.parties.flatMap((party) => party.states);
  for (const date of ['2012-06-01', '2018-06-04', '2024-06-03']) {
    for (const from of states) {
      const to = states.find((other) => other !== from && isBinding(instrument, [from, other], date));
      const parents = instrument.supplements.map((id) => REGISTRY.get(id)!);
      const isHeld =
        parents.length === 0 || parents.some((parent) => to !== undefined && isBinding(parent, [from, to], date));
      if (to !== undefined && isHeld && isBinding(instrument, [from, from], date)) return { from, to, date };
    }
  }
  return undefined;
}

const instruments = [...REGISTRY.values()].map((instrument) => ({
  id: instrument.instrument_id,
  // What adds to another speaks when the other is named.
  named: instrument.supplements[0] ?? instrument.instrument_id,
  instrument,
  between: betweenOf(instrument),
}));
const inForce = instruments.flatMap(({ between, ...rest }) => (between === undefined ? [] : [{ ...rest, between }]));

test('only what is not in force anywhere has no pair of states', () => {
  expect(instruments.filter(({ between }) => between === undefined).map(({ id }) => id)).toEqual([
    'budapest-protocol-2',
  ]);
});

/** A request that is an occasion for the rule. */
function requestFor(named: string, when: When | undefined, without: readonly string[]): Record<string, unknown> {
  const type = when?.measures?.[0] ?? (when?.coercive === true ? 'SEARCH_SEIZE_FREEZE' : 'RECORDS');
  const [prefix] = when?.offences ?? ['06012'];
  const [urgency] = when?.urgency ?? ['ROUTINE'];
  const json = requestJson([type], {
    legal_basis: [{ instrument: named, articles: ['1'] }],
    offences: [{ iccs: prefix, article: 'a', max_penalty_months: 120 }],
    urgency,
    urgency_reason: { lang: 'en', text: 'Invented.' },
    deadline: { date: '2030-01-01', reason: { lang: 'en', text: 'Invented.' } },
  });
  for (const field of without) removeField(json['assistance_request'], field);
  return json;
}

function removeField(value: unknown, field: string): void {
  const [part, ...rest] = field.split('.');
  const name = part!.replace(/\[\]$/, '');
  const members = value as Record<string, unknown>;
  if (rest.length === 0) {
    Reflect.deleteProperty(members, name);
    return;
  }
  const inner = members[name];
  for (const item of Array.isArray(inner) ? (inner as unknown[]) : [inner]) removeField(item, rest.join('.'));
}

/** Codes and paths of what is found, by the schema or by the registry. */
function found(json: Record<string, unknown>, context: Parameters<typeof checkOf>[1]): string[] {
  try {
    // The languages of the states are another matter.
    const findings = checkOf(json, context).findings.filter(({ code }) => code !== 'LANGUAGE_NOT_ACCEPTED');
    return findings.map(({ code, path }) => `${code} ${path.replaceAll(/\[\d+\]/g, '[]')}`);
  } catch (error) {
    if (error instanceof WireError)
      return error.faults.map(({ path }) => `SCHEMA ${path.replaceAll(/\[\d+\]/g, '[]')}`);
    throw error;
  }
}

describe.each(inForce)('$id', ({ named, instrument, between }) => {
  test('each content rule is missed when it is not kept, and not when it is', () => {
    for (const { message, field, when } of instrument.content) {
      const without = when?.lacks === undefined ? [] : [when.lacks];
      const build = (remove: readonly string[]): Record<string, unknown> => {
        if (message === 'assistance_request') return requestFor(named, when, remove);
        if (message === 'review_decision') {
          const json = refusalJson(['POLITICAL']);
          for (const name of remove) removeField(json['review_decision'], name);
          return json;
        }
        const json = propertyJson(message as 'restraint_request', named);
        for (const name of remove) removeField(json[message], name);
        return json;
      };
      const answers = message === 'review_decision';
      const context = {
        ...(answers ? { ...between, from: between.to, to: between.from } : between),
        instruments: [named],
      };
      const path = `${message}.${field}`;
      expect(
        found(build(without), context).filter((line) => line.endsWith(` ${path}`)),
        path,
      ).toEqual([]);
      const missed = found(build([...without, field]), context).filter((line) => line.endsWith(` ${path}`));
      expect(missed, path).toHaveLength(1);
      expect(missed[0]).toMatch(/^(MISSING_CONTENT|SCHEMA|FIELD_INVALID) /);
    }
  });

  test('each ground is barred, likely or possible as its rule says', () => {
    const barred = instrument.refusal_codes.filter(({ effect }) => effect === 'BARRED').map(({ code }) => code);
    for (const { code, effect, when } of instrument.refusal_codes) {
      if (effect === 'BARRED') {
        const context = { ...between, from: between.to, to: between.from, instruments: [named] };
        expect(found(refusalJson([code]), context), code).toContain(
          'BARRED_REFUSAL review_decision.measures[].codes[]',
        );
        continue;
      }
      expect(barred).not.toContain(code);
      const without = when?.lacks === undefined ? [] : [when.lacks];
      const result = checkOf(requestFor(named, when, without), between);
      const likely = result.findings.filter(
        (finding) => finding.code === 'LIKELY_REFUSAL' && finding.message.includes(`(${code},`),
      );
      const possible = result.may_refuse.filter((ground) => ground.code === code);
      const speaks = likely.length + possible.length;
      // Another instrument that is read with this one may bar it: the Convention's fiscal ground, once the Protocol binds both.
      const isBarred = result.instruments.some((id) =>
        REGISTRY.get(id)!.refusal_codes.some((rule) => rule.code === code && rule.effect === 'BARRED'),
      );
      expect(speaks, code).toBe(isBarred ? 0 : 1);
      if (!isBarred && (when?.lacks !== undefined || when?.offences !== undefined))
        expect(likely, code).toHaveLength(1);
      if (when?.lacks !== undefined) {
        const mended = checkOf(requestFor(named, when, []), between);
        expect(mended.findings.filter((finding) => finding.message.includes(`(${code},`))).toEqual([]);
      }
    }
  });

  test('each accepted language is accepted by those it names', () => {
    for (const { lang, states, only_if_urgent: urgentOnly } of instrument.accepted_languages) {
      for (const to of states ?? instrument.parties.flatMap((party) => party.states)) {
        const json = requestFor(named, undefined, []);
        const request = json['assistance_request'] as Record<string, unknown>;
        request['facts'] = { lang, text: 'Invented.' };
        request['urgency'] = urgentOnly ? 'URGENT' : 'ROUTINE';
        const result = checkOf(json, { ...between, from: to === 'XA' ? 'XB' : 'XA', to, date: '2012-06-01' });
        expect(result.findings.filter(({ path }) => path === 'assistance_request.facts')).toEqual([]);
      }
    }
  });
});
