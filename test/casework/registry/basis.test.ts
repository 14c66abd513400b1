import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../../src/base/mod.ts';
import { SUBJECTS, isBinding, proposeBasis, type BasisProposal, type Subject } from '../../../src/casework/mod.ts';
import { fc } from '../../kit/property.ts';
import { REGISTRY } from '../../kit/registry.ts';

const cc = (code: string): JurisdictionCode => code as JurisdictionCode;
const DAY_MS = 86_400_000;
const dayBefore = (date: string): string => new Date(Date.parse(date) - DAY_MS).toISOString().slice(0, 10);

function basisOf(from: string, to: string, measure: Subject, date: string, ...offences: string[]): BasisProposal {
  const known = offences.length === 0 ? undefined : offences;
  return proposeBasis(REGISTRY, { from: cc(from), to: cc(to), measure, date, offences: known });
}

const usable = ({ proposed, also_possible: others }: BasisProposal): string[] =>
  [proposed, ...others].flatMap((candidate) => (candidate === undefined ? [] : [candidate.instrument]));
const fallen = (proposal: BasisProposal): Record<string, string> =>
  Object.fromEntries(proposal.fell_away.map(({ instrument, code }) => [instrument, code]));

describe('what the design says of the scenarios', () => {
  test('US and Colombia have Nassau, Vienna and UNTOC, and a sharing agreement that is no basis for evidence', () => {
    const records = basisOf('US', 'CO', 'RECORDS', '2021-03-01');
    expect(records.proposed?.instrument).toBe('nassau');
    expect(usable(records)).toEqual(['nassau', 'untoc', 'vienna-1988', 'uncac']);
    expect(usable(basisOf('US', 'CO', 'RECORDS', '2021-03-01', '06012'))).toEqual(['nassau', 'vienna-1988', 'untoc']);
    expect(fallen(records)).toMatchObject({ 'us-colombia-2016': 'MEASURE_NOT_COVERED', 'eio-2014-41': 'NOT_PARTY' });
    expect(basisOf('US', 'CO', 'SHARING', '2021-03-01').proposed?.instrument).toBe('us-colombia-2016');
    expect(basisOf('US', 'CO', 'SHARING', '2015-03-01').proposed?.instrument).toBe('nassau');
  });

  test('scirocco is of 2012: no instrument of the Union that is newer', () => {
    for (const to of ['ES', 'DE']) {
      for (const measure of SUBJECTS) {
        const proposal = basisOf('IT', to, measure, '2012-06-01');
        expect(
          usable(proposal).filter((id) => id.startsWith('e') && id !== 'european-1959' && !id.includes('protocol')),
        ).toEqual([]);
        expect(fallen(proposal)).toMatchObject({ 'eio-2014-41': 'NOT_IN_FORCE', 'eu-2018-1805': 'NOT_IN_FORCE' });
      }
    }
    expect(basisOf('IT', 'ES', 'SEARCH_SEIZE_FREEZE', '2012-06-01').proposed?.instrument).toBe('european-1959');
    expect(basisOf('IT', 'US', 'BANK_IDENTIFY', '2012-06-01').proposed?.instrument).toBe('us-italy');
  });

  test('article 18(2) of US–Italy is not in force: confiscation falls back on UNTOC 13', () => {
    const proposal = basisOf('IT', 'US', 'ASSET_RECOVERY', '2012-06-01');
    expect(proposal.proposed).toMatchObject({ instrument: 'untoc', articles: ['13'] });
    expect(fallen(proposal)['us-italy']).toBe('ARTICLE_NOT_APPLIED');
    expect(basisOf('IT', 'US', 'PROVISIONAL', '2012-06-01').proposed?.instrument).toBe('us-italy');
  });

  test('later the order takes the place of the Convention, not of the United Nations’', () => {
    const proposal = basisOf('IT', 'ES', 'RECORDS', '2019-06-01');
    expect(proposal.proposed?.instrument).toBe('eio-2014-41');
    expect(fallen(proposal)['european-1959']).toBe('DISPLACED');
    expect(usable(proposal)).toContain('untoc');
    expect(basisOf('RS', 'HR', 'RECORDS', '2019-06-01').proposed?.instrument).toBe('european-1959');
    expect(basisOf('RS', 'HR', 'VIDEO', '2019-06-01').proposed?.instrument).toBe('european-1959-protocol-2');
    expect(basisOf('RS', 'BR', 'RECORDS', '2019-06-01').proposed?.instrument).toBe('untoc');
  });
});

describe('every party, coverage and status of every file', () => {
  const instruments = [...REGISTRY.values()];

  test('a party is bound from its day on and never before; its end is the last day', () => {
    let rules = 0;
    for (const instrument of instruments) {
      for (const party of instrument.parties) {
        for (const state of party.states) {
          const other = instrument.parties.flatMap(({ states }) => states).find((code) => code !== state)!;
          const judge = (date: string): string | undefined =>
            fallen(basisOf(state, other, instrument.covers[0]!.measures[0]!, date))[instrument.instrument_id];
          expect(['NOT_IN_FORCE', 'NOT_PARTY_YET']).toContain(judge(dayBefore(party.in_force_from)));
          expect(isBinding(instrument, [state, state], party.in_force_from)).toBe(true);
          if (party.to !== undefined) {
            expect(isBinding(instrument, [state, state], party.to)).toBe(true);
            expect(judge('2090-01-01')).toBe('PARTY_NO_MORE');
          }
          rules += 1;
        }
      }
    }
    expect(rules).toBeGreaterThan(250);
  });

  test('each coverage makes the instrument usable for each of its measures, or something is named that stands against it', () => {
    for (const instrument of instruments) {
      const states = instrument.parties.flatMap((party) => party.states);
      const pair = states.length < 2 ? undefined : ([states[0]!, states[1]!] as const);
      for (const cover of instrument.covers) {
        for (const measure of cover.measures) {
          const proposal = basisOf(pair?.[0] ?? 'XA', pair?.[1] ?? 'XB', measure, '2024-06-01');
          const id = instrument.instrument_id;
          const because = fallen(proposal)[id];
          if (pair === undefined) expect(because, `${id} ${measure}`).toBe('NOT_IN_FORCE');
          else if (because === undefined) expect(usable(proposal), `${id} ${measure}`).toContain(id);
          else {
            const known = ['ARTICLE_NOT_APPLIED', 'DISPLACED', 'PARENT_NOT_BINDING'];
            expect(known, `${id} ${measure}`).toContain(because);
          }
        }
      }
    }
  });

  test('a suspended or reserved article is not proposed; a declared one is', () => {
    expect(fallen(basisOf('XA', 'XC', 'INTERCEPT', '2018-01-01'))['sample-brethen']).toBe('ARTICLE_NOT_APPLIED');
    expect(usable(basisOf('XA', 'XB', 'INTERCEPT', '2018-01-01'))).toContain('sample-brethen');
    expect(usable(basisOf('XA', 'XB', 'COVERT', '2019-12-31'))).toContain('sample-brethen');
    expect(fallen(basisOf('XA', 'XB', 'COVERT', '2020-01-01'))['sample-brethen']).toBe('ARTICLE_NOT_APPLIED');
    expect(usable(basisOf('XA', 'XB', 'COVERT', '2022-01-01'))).toContain('sample-brethen');
    expect(usable(basisOf('XA', 'XB', 'STATEMENT', '2020-01-01'))).toContain('sample-brethen');
    expect(fallen(basisOf('XA', 'XE', 'STATEMENT', '2016-01-01'))['sample-brethen']).toBe('PARTY_NO_MORE');
  });

  test('what displaces does so only among those it binds, and only for what it covers', () => {
    expect(fallen(basisOf('XA', 'XC', 'RECORDS', '2019-06-01', '06012'))['sample-brethen']).toBe('DISPLACED');
    expect(usable(basisOf('XA', 'XC', 'RECORDS', '2019-05-31', '06012'))).toContain('sample-brethen');
    expect(usable(basisOf('XA', 'XB', 'RECORDS', '2019-06-01', '06012'))).toContain('sample-brethen');
    expect(usable(basisOf('XA', 'XC', 'SERVICE', '2019-06-01', '06012'))).toContain('sample-brethen');
    expect(usable(basisOf('XA', 'XC', 'RECORDS', '2019-06-01', '0502'))).toContain('sample-brethen');
  });
});

test('any pair, any measure, any day: nothing that does not bind both is proposed, and nothing is left out of the answer', () => {
  const states = [
    ...new Set([...REGISTRY.values()].flatMap(({ parties }) => parties.flatMap((party) => party.states))),
  ];
  const anyDay = fc
    .integer({ min: Date.UTC(1955, 0, 1) / DAY_MS, max: Date.UTC(2035, 0, 1) / DAY_MS })
    .map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10));
  fc.assert(
    fc.property(
      fc.constantFrom(...states),
      fc.constantFrom(...states),
      fc.constantFrom(...SUBJECTS),
      anyDay,
      fc.option(fc.constantFrom('06012', '0703', '0502', '09'), { nil: undefined }),
      (from, to, measure, date, offence) => {
        const proposal = basisOf(from, to, measure, date, ...(offence === undefined ? [] : [offence]));
        const ids = usable(proposal);
        for (const id of ids) {
          const instrument = REGISTRY.get(id)!;
          expect(instrument.in_force.from! <= date).toBe(true);
          expect(isBinding(instrument, [from, to], date)).toBe(true);
          expect(instrument.covers.some(({ measures }) => measures.includes(measure))).toBe(true);
        }
        const all = [...ids, ...proposal.fell_away.map(({ instrument }) => instrument)];
        expect(all.toSorted()).toEqual([...REGISTRY.keys()].toSorted());
        expect(proposal.fell_away.every(({ reason }) => reason.source !== '' && reason.text !== '')).toBe(true);
      },
    ),
    { numRuns: process.env['SLOW'] === '1' ? 20_000 : 500 },
  );
});
