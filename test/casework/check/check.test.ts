import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkOf, findingsOf, propertyJson, refusalJson, requestJson } from '../../kit/requests.ts';

const brethen = { legal_basis: [{ instrument: 'sample-brethen', articles: ['4'] }] };
const nassau = [{ instrument: 'nassau', articles: ['7(h)'] }];
const text = (words: string, lang: string, translations: object[] = []): object => ({
  lang,
  text: words,
  translations,
});
const basis = (...ids: string[]): object => ({
  legal_basis: ids.map((instrument) => ({ instrument, articles: ['18'] })),
});

// XC reads English in urgent cases only.
const urgent = { urgency: 'URGENT', urgency_reason: text('Custody.', 'en') };

describe('a correct request is never held up', () => {
  test('the one that is shipped', () => {
    const shipped = JSON.parse(readFileSync('node-config/messages/request.json', 'utf8')) as Record<string, unknown>;
    for (const to of ['XB', 'XC', 'XZ']) expect(findingsOf(shipped, { to, date: '2026-11-25' })).toEqual([]);
  });

  test.each<[string, string[], object, Parameters<typeof checkOf>[1]]>([
    ['UNTOC, between sandboxes', ['STATEMENT', 'RECORDS', 'SEARCH_SEIZE_FREEZE', 'ASSET_RECOVERY'], {}, {}],
    ['an invented convention', ['STATEMENT', 'PROVISIONAL', 'SERVICE'], brethen, {}],
    ['a language that the state accepts beside its own', ['RECORDS'], { ...brethen, facts: text('Hechos.', 'es') }, {}],
    [
      'a certified translation',
      ['RECORDS'],
      {
        ...brethen,
        facts: text('Fatti.', 'it', [
          { lang: 'en', text: 'Facts.', certified_by: 'A sworn translator', machine: true },
        ]),
      },
      {},
    ],
    ['no assets where none are asked for', ['RECORDS'], { assets: [] }, {}],
    ['no persons where an entity is named', ['STATEMENT'], { persons: [] }, {}],
    [
      'two instruments, each for one measure',
      ['RECORDS', 'PRESERVE'],
      { legal_basis: [...nassau, { instrument: 'budapest', articles: ['29'] }] },
      { from: 'US', to: 'CO', date: '2021-03-01' },
    ],
    [
      'cartera: Nassau, with a Spanish translation',
      ['RECORDS'],
      { legal_basis: nassau, ...spanish() },
      { from: 'US', to: 'CO', date: '2021-03-01' },
    ],
    [
      'scirocco: the 1959 Convention in Spanish',
      ['SEARCH_SEIZE_FREEZE'],
      { legal_basis: [{ instrument: 'european-1959', articles: ['3', '5'] }], ...spanish() },
      { from: 'IT', to: 'ES', date: '2012-05-10' },
    ],
  ])('%s', (_name, measures, change, context) => {
    const json = requestJson(measures, change as Record<string, unknown>);
    const findings = findingsOf(json, context);
    const foreign = context?.to === 'CO' && !('facts' in change);
    expect(foreign ? findings.filter((line) => !line.includes('LANGUAGE')) : findings).toEqual([]);
  });

  test('a refusal on a lawful ground, a restraint and a confiscation', () => {
    expect(findingsOf(refusalJson(['ESSENTIAL_INTERESTS']), { instruments: ['untoc', 'sample-brethen'] })).toEqual([]);
    expect(findingsOf(refusalJson(['FISCAL', 'POLITICAL']), { instruments: ['untoc'] })).toEqual([]);
    for (const type of ['restraint_request', 'confiscation_request'] as const)
      expect(findingsOf(propertyJson(type, 'untoc'))).toEqual([]);
  });
});

/** Every text of a request in Spanish. */
function spanish(): object {
  const words = (path: string): object => text(`Texto inventado: ${path}.`, 'es');
  return {
    facts: words('hechos'),
    purpose: words('fin'),
    offences: [{ iccs: '06012', article: 'art. 1', max_penalty_months: 120, title: words('delito') }],
    measures: ['SEARCH_SEIZE_FREEZE', 'RECORDS'].map((type, index) => ({
      id: `m${index}`,
      type,
      description: words('medida'),
      target: words('objeto'),
    })),
    law_text: words('ley'),
    domestic_availability: words('en casa'),
    dual_criminality: words('doble incriminación'),
    assets: [],
  };
}

describe('one fault each', () => {
  test.each<[string, string[], object, Parameters<typeof checkOf>[1], string]>([
    [
      'an instrument that nobody knows',
      ['RECORDS'],
      basis('untok'),
      {},
      'UNKNOWN_INSTRUMENT assistance_request.legal_basis[0].instrument',
    ],
    [
      'an instrument not yet in force',
      ['RECORDS'],
      basis('untoc'),
      { date: '2001-01-01' },
      'NOT_IN_FORCE assistance_request.legal_basis[0].instrument',
    ],
    [
      'the investigation order in 2012',
      ['RECORDS'],
      { ...basis('eio-2014-41'), ...spanish() },
      { from: 'IT', to: 'ES', date: '2012-05-10' },
      'NOT_IN_FORCE assistance_request.legal_basis[0].instrument',
    ],
    [
      'a protocol that was never in force',
      ['STORED_DATA'],
      basis('budapest-protocol-2'),
      {},
      'NOT_IN_FORCE assistance_request.legal_basis[0].instrument',
    ],
    [
      'a state that is no party',
      ['RECORDS'],
      brethen,
      { to: 'XF' },
      'NOT_PARTY assistance_request.legal_basis[0].instrument',
    ],
    [
      'a state that is not a party yet',
      ['RECORDS'],
      brethen,
      { to: 'XD', date: '2010-06-30' },
      'NOT_PARTY_YET assistance_request.legal_basis[0].instrument',
    ],
    [
      'a state that is a party no more',
      ['RECORDS'],
      brethen,
      { to: 'XE' },
      'PARTY_NO_MORE assistance_request.legal_basis[0].instrument',
    ],
    [
      'a state of which nothing is recorded',
      ['RECORDS'],
      basis('nassau'),
      {},
      'PARTY_NOT_RECORDED assistance_request.legal_basis[0].instrument',
    ],
    [
      'a protocol without its convention',
      ['VIDEO'],
      basis('european-1959-protocol-2'),
      {},
      'PARTY_NOT_RECORDED assistance_request.legal_basis[0].instrument',
    ],
    [
      'an instrument whose place another took',
      ['RECORDS'],
      { ...brethen, ...urgent },
      { to: 'XC', date: '2020-01-01' },
      'DISPLACED assistance_request.legal_basis[0].instrument',
    ],
    [
      'a measure that it does not cover',
      ['EXAMINE_SITE'],
      brethen,
      {},
      'MEASURE_NOT_COVERED assistance_request.measures[0].type',
    ],
    [
      'the second measure only',
      ['RECORDS', 'EXAMINE_SITE'],
      brethen,
      {},
      'MEASURE_NOT_COVERED assistance_request.measures[1].type',
    ],
    [
      'a reserved article',
      ['INTERCEPT'],
      { ...brethen, ...urgent },
      { to: 'XC' },
      'ARTICLE_NOT_APPLIED assistance_request.measures[0].type',
    ],
    [
      'an article relied on while it is suspended',
      ['RECORDS'],
      { legal_basis: [{ instrument: 'sample-brethen', articles: ['4', '8'] }] },
      { date: '2021-05-05' },
      'ARTICLE_NOT_APPLIED assistance_request.legal_basis[0].articles[1]',
    ],
    [
      'an offence that it does not serve',
      ['RECORDS'],
      { ...basis('vienna-1988'), offences: [{ iccs: '0502', article: 'a', max_penalty_months: 60 }] },
      {},
      'OUT_OF_SCOPE assistance_request.offences',
    ],
    [
      'too low a penalty',
      ['RECORDS'],
      { offences: [{ iccs: '06012', article: 'a', max_penalty_months: 12 }] },
      {},
      'PENALTY_TOO_LOW assistance_request.offences',
    ],
    [
      'nobody named for a hearing',
      ['STATEMENT'],
      { persons: [], entities: [] },
      {},
      'MISSING_CONTENT assistance_request.persons',
    ],
    [
      'no address for service',
      ['SERVICE'],
      {
        legal_basis: [{ instrument: 'european-1959', articles: ['7'] }],
        persons: [{ native_name: 'A', role: 'WITNESS' }],
        ...spanish(),
        measures: [{ id: 'm1', type: 'SERVICE', description: text('d', 'es'), target: text('t', 'es') }],
      },
      { from: 'IT', to: 'ES', date: '2012-05-10' },
      'MISSING_CONTENT assistance_request.persons[0].address',
    ],
    [
      'an asset without its location',
      ['ASSET_RECOVERY'],
      {
        ...basis('uncac'),
        offences: [{ iccs: '0703', article: 'a', max_penalty_months: 60 }],
        assets: [{ id: 'a1', kind: 'CASH', description: text('d', 'en'), value: { currency: 'EUR', minor_units: 1 } }],
      },
      {},
      'MISSING_CONTENT assistance_request.assets[0].location',
    ],
    ['no asset to confiscate', ['ASSET_RECOVERY'], { assets: [] }, {}, 'MISSING_CONTENT assistance_request.assets'],
    [
      'a witness without nationality',
      ['STATEMENT'],
      { ...brethen, persons: [{ native_name: 'A', role: 'WITNESS' }] },
      {},
      'MISSING_CONTENT assistance_request.persons[0].nationalities',
    ],
    [
      'coercive without dual criminality',
      ['SEARCH_SEIZE_FREEZE'],
      { dual_criminality: null },
      {},
      'LIKELY_REFUSAL assistance_request.dual_criminality',
    ],
    [
      'an offence that is often refused',
      ['RECORDS'],
      { ...brethen, offences: [{ iccs: '0905', article: 'a', max_penalty_months: 60 }] },
      {},
      'LIKELY_REFUSAL assistance_request.offences',
    ],
    [
      'a fiscal offence without the protocol',
      ['RECORDS'],
      {
        legal_basis: [{ instrument: 'european-1959', articles: ['3'] }],
        ...spanish(),
        offences: [{ iccs: '080411', article: 'a', max_penalty_months: 60 }],
      },
      { from: 'IT', to: 'ES', date: '1984-01-01' },
      'LIKELY_REFUSAL assistance_request.offences',
    ],
    [
      'a language that is not accepted',
      ['RECORDS'],
      { ...brethen, purpose: text('Fine.', 'it') },
      {},
      'LANGUAGE_NOT_ACCEPTED assistance_request.purpose',
    ],
    [
      'a translation into the wrong language',
      ['RECORDS'],
      { ...brethen, purpose: text('Fine.', 'it', [{ lang: 'de', text: 'Zweck.' }]) },
      {},
      'LANGUAGE_NOT_ACCEPTED assistance_request.purpose',
    ],
    [
      'a machine’s translation',
      ['RECORDS'],
      { ...brethen, purpose: text('Fine.', 'it', [{ lang: 'en', text: 'Purpose.', machine: true }]) },
      {},
      'MACHINE_TRANSLATION assistance_request.purpose',
    ],
    [
      'a deadline that has passed',
      ['RECORDS'],
      { deadline: { date: '2018-06-03', reason: text('Trial.', 'en') } },
      {},
      'DEADLINE_PASSED assistance_request.deadline.date',
    ],
    [
      'service too near the day',
      ['SERVICE'],
      {
        legal_basis: [{ instrument: 'european-1959', articles: ['7'] }],
        ...spanish(),
        measures: [{ id: 'm1', type: 'SERVICE', description: text('d', 'es'), target: text('t', 'es') }],
        deadline: { date: '2012-06-01', reason: text('Juicio.', 'es') },
      },
      { from: 'IT', to: 'ES', date: '2012-05-10' },
      'DEADLINE_TOO_SOON assistance_request.deadline.date',
    ],
  ])('%s', (_name, measures, change, context, expected) => {
    const findings = findingsOf(requestJson(measures, change as Record<string, unknown>), context);
    expect(findings).toEqual([`ADVICE ${expected}`]);
  });

  test('a language that is accepted only in urgent cases', () => {
    const change = { ...brethen, ...urgent };
    const calm = findingsOf(requestJson(['RECORDS'], { ...change, urgency: 'ROUTINE' }), { to: 'XC' });
    expect(calm.length).toBeGreaterThan(3);
    expect(calm.every((line) => line.includes('LANGUAGE_NOT_ACCEPTED'))).toBe(true);
    expect(findingsOf(requestJson(['RECORDS'], change), { to: 'XC' })).toEqual([]);
  });

  test('a coercive measure without the text of the law is refused by the program itself', () => {
    expect(findingsOf(requestJson(['SEARCH_SEIZE_FREEZE'], { law_text: null }))).toEqual([
      'ERROR FIELD_INVALID assistance_request.law_text',
    ]);
  });

  test('a supplementary request is checked as the request that it is', () => {
    const inner = requestJson(['STATEMENT'], { persons: [], entities: [] })['assistance_request'];
    const json = {
      case_id: '019b0000-0000-7000-8000-000000000001',
      supplementary_request: {
        parent_id: '019b0000-0000-7000-8000-000000000001',
        changes: text('More.', 'en'),
        request: inner,
      },
    };
    expect(findingsOf(json)).toEqual(['ADVICE MISSING_CONTENT supplementary_request.request.persons']);
  });

  test.each(['uncac', 'untoc'])('a confiscation under %s without a copy of the order', (id) => {
    const offences = [{ iccs: '0703', article: 'a', max_penalty_months: 60 }];
    const full = propertyJson('confiscation_request', id, { offences });
    const { copy: _copy, ...order } = (full['confiscation_request'] as { order: { copy: object } }).order;
    expect(findingsOf(full)).toEqual([]);
    expect(findingsOf(propertyJson('confiscation_request', id, { offences, order }))).toEqual([
      'ADVICE MISSING_CONTENT confiscation_request.order.copy',
    ]);
  });
});

describe('a refusal', () => {
  test('on a barred ground is an error, with its article', () => {
    const barred = checkOf(refusalJson(['BANK_SECRECY']), { instruments: ['untoc'] }).findings;
    expect(barred).toMatchObject([
      {
        severity: 'ERROR',
        code: 'BARRED_REFUSAL',
        path: 'review_decision.measures[0].codes[0]',
        source: 'UNTOC art. 18(8)',
        confirmed: true,
      },
    ]);
  });

  test('on a ground that is barred alone is one only when it is alone', () => {
    expect(findingsOf(refusalJson(['FISCAL']), { instruments: ['untoc'] })).toEqual([
      'ERROR BARRED_REFUSAL review_decision.measures[0].codes[0]',
    ]);
    expect(findingsOf(refusalJson(['FISCAL', 'POLITICAL']), { instruments: ['untoc'] })).toEqual([]);
  });

  test('of fiscal offences is barred once the protocol binds both, and lawful before', () => {
    const between = { from: 'ES', to: 'IT', instruments: ['european-1959'] };
    const errors = (date: string): string[] =>
      findingsOf(refusalJson(['FISCAL']), { ...between, date }).filter((line) => line.startsWith('ERROR'));
    expect(errors('1991-09-10')).toEqual([]);
    expect(errors('1991-09-11')).toEqual(['ERROR BARRED_REFUSAL review_decision.measures[0].codes[0]']);
  });

  test('without reasons is an error', () => {
    const { reasons: _reasons, ...bare } = refusalJson(['POLITICAL'])['review_decision'] as Record<string, unknown>;
    expect(
      findingsOf(
        { case_id: '019b0000-0000-7000-8000-000000000001', review_decision: bare },
        { instruments: ['untoc'] },
      ),
    ).toEqual(['ERROR FIELD_INVALID review_decision.reasons']);
  });
});
