import { describe, expect, test } from 'vitest';
import { RegistryError, parseRegistry } from '../../../src/casework/mod.ts';
import { REGISTRY, TREATY_FILES, documentOf } from '../../kit/registry.ts';

const SMALL = `
instrument_id: small
title: A treaty
short_title: Small
kind: BILATERAL
in_force: { from: 2000-01-01, source: s, confirmed: true }
parties:
  - { states: [XA, XB], in_force_from: 2000-01-01, source: s, confirmed: true }
parties_complete: true
scope: { text: everything, source: s, confirmed: true }
covers:
  - { measures: [RECORDS], articles: ['1'], source: s, confirmed: true }
reciprocity_applies: { value: true, source: s, confirmed: true }
channels: []
authentication: { required: false, text: none, source: s, confirmed: true }
oral_allowed: { value: false, text: none, source: s, confirmed: true }
emergency_contact: { value: false, text: none, source: s, confirmed: true }
content: []
refusal_codes: []
precedence: { rank: 20, text: bilateral, source: s, confirmed: true }
`;

function faultsOf(...texts: readonly string[]): string[] {
  try {
    parseRegistry(texts.map((text, index) => documentOf(`file${index}.yaml`, text)));
  } catch (error) {
    if (error instanceof RegistryError) return error.faults.map(({ path, code }) => `${path} ${code}`);
    throw error;
  }
  return [];
}

/** Every object inside a value that says where it stands. */
function rulesOf(value: unknown): { readonly source: string; readonly confirmed: boolean }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(rulesOf);
  return 'source' in value ? [value as never, ...inner] : inner;
}

describe('the registry as shipped', () => {
  test('has every instrument of the design, and samples that say that they are invented', () => {
    const real = [...REGISTRY.values()].filter(({ sample }) => !sample).map(({ instrument_id: id }) => id);
    expect(real.toSorted()).toEqual(
      [
        ...['untoc', 'uncac', 'vienna-1988', 'european-1959', 'european-1959-protocol-1', 'european-1959-protocol-2'],
        ...['warsaw-cets-198', 'budapest', 'budapest-protocol-2', 'eio-2014-41', 'eu-2018-1805', 'nassau', 'harare'],
        ...['us-eu-2003', 'us-italy', 'us-colombia-2016'],
      ].toSorted(),
    );
    for (const { sample, title, parties } of REGISTRY.values()) {
      if (sample) expect(title).toContain('(invented)');
      if (sample) expect(parties.flatMap(({ states }) => states).every((state) => /^X[A-Z]$/.test(state))).toBe(true);
    }
  });

  test('every rule has a source; what the texts were not at hand for is not called confirmed', () => {
    const rules = [...REGISTRY.values()].flatMap((instrument) => rulesOf(instrument));
    expect(rules.length).toBeGreaterThan(250);
    expect(rules.every(({ source }) => source.length > 0)).toBe(true);
    const parties = [...REGISTRY.values()].filter(({ sample }) => !sample).flatMap((instrument) => instrument.parties);
    expect(parties.filter(({ confirmed, source }) => confirmed && source !== 'invented for sandboxes')).toEqual([]);
    for (const id of ['budapest-protocol-2', 'harare', 'us-eu-2003'])
      expect(
        rulesOf(REGISTRY.get(id)).every(({ confirmed }) => !confirmed),
        id,
      ).toBe(true);
  });

  test('every file is named after its instrument', () => {
    expect(TREATY_FILES.map(({ file }) => file)).toEqual([...REGISTRY.keys()].map((id) => `${id}.yaml`));
  });
});

describe('a file with faults', () => {
  test('the small one has none', () => {
    expect(faultsOf(SMALL)).toEqual([]);
  });

  test.each<[string, string, string, string]>([
    ['an unknown member', 'kind: BILATERAL', 'kind: BILATERAL\nkynd: x', 'file0.yaml:6 kynd UNKNOWN_FIELD'],
    ['an unknown member deep inside', 'rank: 20', 'rank: 20, rang: 1', 'file0.yaml:20 precedence.rang UNKNOWN_FIELD'],
    ['a missing member', 'short_title: Small\n', '', 'file0.yaml:2 short_title REQUIRED'],
    [
      'a rule without a source',
      'text: bilateral, source: s',
      'text: bilateral',
      'file0.yaml:19 precedence.source REQUIRED',
    ],
    [
      'a rule without confirmed',
      's, confirmed: true }\ncovers',
      's }\ncovers',
      'file0.yaml:10 scope.confirmed REQUIRED',
    ],
    [
      'a date that is none',
      'in_force_from: 2000-01-01',
      'in_force_from: 2000-02-30',
      'file0.yaml:8 parties[0].in_force_from BAD_FORMAT',
    ],
    ['a state that is none', '[XA, XB]', '[XA, Xb]', 'file0.yaml:8 parties[0].states[1] BAD_VALUE'],
    ['a measure that is none', '[RECORDS]', '[RECORD]', 'file0.yaml:12 covers[0].measures[0] BAD_VALUE'],
    ['a wrong type', 'parties_complete: true', 'parties_complete: 1', 'file0.yaml:9 parties_complete WRONG_TYPE'],
    ['a rank out of range', 'rank: 20', 'rank: 200', 'file0.yaml:19 precedence.rank OUT_OF_RANGE'],
    [
      'a party older than the treaty',
      'in_force_from: 2000',
      'in_force_from: 1999',
      'file0.yaml:8 parties[0].in_force_from CONFLICT',
    ],
    [
      'a party that ends before it begins',
      ', in_force_from',
      ', to: 1999-01-01, in_force_from',
      'file0.yaml:8 parties[0].to CONFLICT',
    ],
    [
      'a displaced treaty that is not there',
      'content: []',
      'content: []\ndisplaces: [{ instrument: no, text: t, source: s, confirmed: true }]',
      'file0.yaml:19 displaces[0].instrument BAD_VALUE',
    ],
    [
      'a parent that is not there',
      'kind: BILATERAL',
      'kind: PROTOCOL\nsupplements: [no]',
      'file0.yaml:6 supplements[0] BAD_VALUE',
    ],
    [
      'a field that no message has',
      'content: []',
      "content: [{ message: assistance_request, field: 'assets[].valu', article: '1', text: t, source: s, confirmed: true }]",
      'file0.yaml:18 content[0].field BAD_VALUE',
    ],
    [
      'a clock with half a pause',
      'content: []',
      "content: []\nclocks: [{ name: DECIDE, by: REQUESTED, article: '1', duration: 3 days, starts_at: [assistance_request], stops_at: [review_decision], pauses_on: [acknowledge_receipt], source: s, confirmed: true }]",
      'file0.yaml:19 clocks[0].pauses_on CONFLICT',
    ],
    [
      'a duration that is none',
      'content: []',
      "content: []\nclocks: [{ name: DECIDE, by: REQUESTED, article: '1', duration: 3 d, starts_at: [assistance_request], stops_at: [review_decision], source: s, confirmed: true }]",
      'file0.yaml:19 clocks[0].duration BAD_FORMAT',
    ],
  ])('%s', (_name, from, to, expected) => {
    expect(SMALL).toContain(from);
    expect(faultsOf(SMALL.replace(from, to)).map((line) => line.replace(/:\d+ /, ' '))).toContain(
      expected.replace(/:\d+ /, ' '),
    );
  });

  test('all faults of all files are told at once, each with its file and line', () => {
    const faults = faultsOf(
      SMALL.replace('rank: 20', 'rank: x'),
      SMALL.replace('[RECORDS]', '[NOTHING]').replace('true\nscope', '7\nscope'),
    );
    expect(faults).toEqual([
      'file0.yaml:20 precedence.rank WRONG_TYPE',
      'file1.yaml:9 parties_complete WRONG_TYPE',
      'file1.yaml:12 covers[0].measures[0] BAD_VALUE',
    ]);
  });

  test('an instrument that is there twice', () => {
    expect(faultsOf(SMALL, SMALL)).toEqual(['file1.yaml:2 instrument_id CONFLICT']);
  });

  test('what is not YAML, or names a member twice, is refused with its line', () => {
    expect(() => documentOf('a.yaml', 'a: 1\na: 2\n')).toThrow(/a\.yaml:2: Map keys must be unique/);
    expect(() => documentOf('a.yaml', 'a: [1\nb: 2\n')).toThrow(/a\.yaml:/);
    const names = Array.from('abcdefghij');
    const bomb = names.map(
      (name, i) => `${name}: &${name} ${i === 0 ? '[x, x]' : `[*${names[i - 1]}, *${names[i - 1]}]`}`,
    );
    expect(() => documentOf('a.yaml', bomb.join('\n'))).toThrow(/alias/);
  });
});
