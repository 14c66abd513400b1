import { describe, expect, test } from 'vitest';
import { FORM_LANGUAGES, TRANSITIONS, caseFormLines, formLines, parseCodeLists } from '../../src/casework/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { moneyText } from '../../src/casework/form/value.ts';
import { LANG } from '../../src/cli/language.ts';
import { dataFolder, readDataFolder } from '../../src/config/mod.ts';
import { BODY_TYPES, bodyTypeName, enumNames, fieldsOf, parseDraft, toJson } from '../../src/wire/mod.ts';
import { fullDraft, fullMessage } from '../kit/canary.ts';
import { requestJson } from '../kit/requests.ts';

const LISTS = parseCodeLists(readDataFolder(dataFolder({}), 'code-lists'));
// States, kinds and obligations as the table of transitions has them.
const NOT_OF_THE_SCHEMA = new Map<string, ReadonlySet<string>>([
  ['CaseKind', new Set(TRANSITIONS.map(({ kind }) => kind))],
  [
    'CaseState',
    new Set(TRANSITIONS.flatMap(({ from, to }) => [...from, to]).filter((to) => to !== 'SAME' && to !== 'PRIOR')),
  ],
  [
    'ObligationKind',
    new Set([
      'RETURN_OF_ORIGINALS',
      ...TRANSITIONS.flatMap(({ opens, settles, maySettle }) =>
        [opens, settles, maySettle].filter((kind) => kind !== undefined),
      ),
    ]),
  ],
]);

// Their values are abbreviations that are the same everywhere.
const INTERNATIONAL = new Set(['HandlingTlp', 'HandlingEuropolCode', 'IdentifierScheme', 'HashAlgorithm']);

function formOf(change: object, lang: (typeof FORM_LANGUAGES)[number]): string[] {
  const { body } = parseDraft(requestJson(['SEARCH_SEIZE_FREEZE'], change as Record<string, unknown>));
  const { [body.type]: content } = toJson('Draft', { body, expires_at: 0, draws_on: [] });
  return formLines({ [body.type]: content }, LISTS, lang);
}

describe('the code lists', () => {
  test('are in the languages that commands offer', () => {
    expect(LANG.help).toContain(FORM_LANGUAGES.join(', '));
  });

  test.each(BODY_TYPES)('every field and every value that a form of a %s can show has all languages', (body) => {
    const seen = new Set<string>();
    const missing: string[] = [];
    const visit = (type: string): void => {
      if (seen.has(type) || type === 'Text') return;
      seen.add(type);
      for (const { name, kind, type: inner } of fieldsOf(type)) {
        if (LISTS.get('fields')?.has(name) !== true) missing.push(`fields.${name}`);
        if (kind === 'message') visit(inner!);
        if (kind === 'enum')
          missing.push(
            ...enumNames(inner!)
              .filter((value) => LISTS.get(inner!)?.has(value) !== true)
              .map((value) => `${inner!}.${value}`),
          );
      }
    };
    visit(bodyTypeName(body));
    expect(LISTS.get('fields')?.has(body)).toBe(true);
    expect(seen.size).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  test('every state of a case, every kind, and everything that is owed has all languages', () => {
    for (const [group, codes] of NOT_OF_THE_SCHEMA) {
      expect(codes.size).toBeGreaterThan(4);
      expect([...(LISTS.get(group)?.keys() ?? [])].toSorted(), group).toEqual([...codes].toSorted());
    }
  });

  test('name nothing that the schema does not have, and no two values of an enum alike', () => {
    for (const [group, entries] of LISTS) {
      if (group === 'fields' || group === 'words') continue;
      const known = NOT_OF_THE_SCHEMA.get(group) ?? new Set<string>(enumNames(group));
      expect([...entries.keys()].filter((value) => !known.has(value))).toEqual([]);
      for (const lang of FORM_LANGUAGES) {
        const names = [...entries.values()].map((entry) => entry[lang]);
        expect(new Set(names).size, `${group} ${lang}`).toBe(names.length);
      }
    }
  });

  test('Arabic is written in Arabic, but for international abbreviations', () => {
    for (const [group, entries] of LISTS) {
      if (INTERNATIONAL.has(group)) continue;
      for (const [code, { ar }] of entries) expect(ar, `${group}.${code}`).toMatch(/\p{Script=Arabic}/u);
    }
  });
});

describe('a case', () => {
  const found = {
    case_id: '019b0000-0000-7000-8000-000000000001' as Uuid,
    kind: 'REQUEST',
    state: 'CLARIFY',
    requesting: 'XA' as JurisdictionCode,
    requested: 'XB' as JurisdictionCode,
    measures: { m1: 'CLARIFY', m2: 'EXECUTED' },
    held: {},
    obligations: [
      {
        kind: 'RETURN_OF_ORIGINALS',
        owed_by: 'REQUESTING',
        message_id: '019b0000-0000-7000-8000-000000000002' as Uuid,
        due: '2027-01-31',
        items: ['e1', 'e2'],
      },
    ],
    conditions: [
      { kind: 'SPECIALTY', binds: 'REQUESTING', message_id: '019b0000-0000-7000-8000-000000000002' as Uuid },
    ],
    rounds: 1,
    marks: {},
    instruments: ['untoc'],
    steps: [
      {
        message_id: '019b0000-0000-7000-8000-000000000002' as Uuid,
        by: 'XB' as JurisdictionCode,
        type: 'review_decision',
        issued_at: 1,
        outcome: 'PART',
        measures: [],
      },
    ],
    children: [],
    siblings: [],
  } satisfies Parameters<typeof caseFormLines>[0];

  test('reads in the reader’s language: its state, what is owed and by whom, what binds, what was sent', () => {
    const text = caseFormLines(found, LISTS, 'fr').join('\n');
    expect(text).toContain('demande d’entraide judiciaire, complément d’information attendu');
    expect(text).toContain('mesure m2: exécutée');
    expect(text).toContain('est dû: restitution des originaux e1, e2, par XA, échéance 2027-01-31');
    expect(text).toMatch(/: lie XA$/m);
    expect(text).toContain('XB  décision (acceptée en partie)');
  });

  test.each(FORM_LANGUAGES)('in %s nothing is left in the machine’s words', (lang) => {
    const lines = caseFormLines(found, LISTS, lang);
    expect(lines.join('\n')).not.toMatch(/CLARIFY|RETURN_OF|REQUEST|review_decision|undefined/);
    for (const line of lines) expect(line.split('\u2069').length).toBe(line.split(/[\u2067\u2068]/).length);
  });
});

describe('a form', () => {
  test.each(BODY_TYPES)('of a %s, with every field of it, runs right to left in Arabic', (name) => {
    const { body } = fullDraft(name, fullMessage(bodyTypeName(name)).json);
    const { [name]: content } = toJson('Draft', { body, expires_at: 0, draws_on: [] });
    const lines = formLines({ [name]: content }, LISTS, 'ar');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) {
      expect(line.startsWith('\u2067') && line.endsWith('\u2069'), line).toBe(true);
      expect(line.split('\u2069').length).toBe(line.split(/[\u2067\u2068]/).length);
      // A label is in Arabic; a line without one holds an isolated text.
      expect(/^\u2067\s*(\p{Script=Arabic}|\u2068)/u.test(line), line).toBe(true);
    }
  });

  test.each([
    ['en', 'EUR 1,900,000.05', 'Italy (IT)'],
    ['fr', '1 900 000,05 EUR', 'Italie (IT)'],
    ['es', '1.900.000,05 EUR', 'Italia (IT)'],
    ['it', '1.900.000,05 EUR', 'Italia (IT)'],
    ['de', '1.900.000,05 EUR', 'Italien (IT)'],
    ['ar', 'EUR', 'إيطاليا (IT)'],
  ] as const)('in %s writes an amount and a country as its readers do', (lang, amount, country) => {
    const asset = {
      id: 'a1',
      kind: 'CASH',
      description: { lang: 'en', text: 'Invented.' },
      value: { currency: 'EUR', minor_units: 190_000_005 },
    };
    const requesting = { name: 'Invented authority', country: 'IT' };
    const form = formOf({ assets: [asset], requesting_authority: requesting }, lang).join('\n');
    expect(form).toContain(amount);
    expect(form).toContain(country);
    expect(form).not.toMatch(/Pseudo|minor/);
  });

  test('an amount is exact: without decimals where the currency has none, and beyond what a double holds', () => {
    expect(moneyText('JPY', 1_234n, 'en')).toBe('JPY 1,234');
    expect(moneyText('KWD', 5n, 'en')).toBe('KWD 0.005');
    expect(moneyText('USD', 0n, 'en')).toBe('USD 0.00');
    expect(moneyText('EUR', 9_007_199_254_740_993n, 'en')).toBe('EUR 90,071,992,547,409.93');
    expect(moneyText('EUR', 190_000_005n, 'ar')).toMatch(/1,900,000\.05|1\.900\.000,05/);
  });

  test('shows a digest as other tools print it, and never the key of a file', () => {
    const { body } = fullDraft('clarification_reply', fullMessage('ClarificationReply').json);
    const { clarification_reply: content } = toJson('Draft', { body, expires_at: 0, draws_on: [] });
    const file = (content as { files: { sha256: string; key: string }[] }).files[0]!;
    Object.assign(file, { sha256: Buffer.alloc(32, 0xab).toString('base64url') });
    Object.assign(file, { key: Buffer.alloc(32, 0xcd).toString('base64url') });
    const form = formLines({ clarification_reply: content }, LISTS, 'en').join('\n');
    expect(form).toContain(`SHA-256 of the content: ${'ab'.repeat(32)}`);
    expect(form).not.toContain('cdcd');
    expect(form).not.toContain(file.key);
  });

  test.each(FORM_LANGUAGES)('in %s has labels and codes in that language', (lang) => {
    const form = formOf({}, lang).join('\n');
    expect(form).toContain(LISTS.get('MeasureType')!.get('SEARCH_SEIZE_FREEZE')![lang]);
    expect(form).toContain(LISTS.get('fields')!.get('requesting_authority')![lang]);
    expect(form).not.toMatch(/SEARCH_SEIZE|requesting_authority|undefined|\[object/);
  });

  const facts = (...translations: object[]): object => ({
    facts: { lang: 'it', text: 'Fatti inventati.', translations },
  });
  const certified = { lang: 'es', text: 'Hechos certificados.', certified_by: 'Traductora Jurada 7' };
  const machine = { lang: 'es', text: 'Hechos de máquina.', machine: true };

  test('shows the translation and who certified it, before any other', () => {
    const form = formOf(facts(machine, certified), 'es').join('\n');
    expect(form).toContain('hechos (traducción certificada por Traductora Jurada 7)\n    Hechos certificados.');
    expect(form).not.toContain('Hechos de máquina');
  });

  test('says that a machine made it, or that nobody vouches for it', () => {
    expect(formOf(facts(machine), 'es').join('\n')).toContain('hechos (traducido por una máquina del italiano)');
    expect(formOf(facts({ lang: 'es', text: 'Hechos.' }), 'es').join('\n')).toContain(
      'hechos (traducción sin certificar del italiano)',
    );
  });

  test('shows the original with its language where there is no translation, and without a word in its own', () => {
    expect(formOf(facts(certified), 'de').join('\n')).toContain(
      'Sachverhalt (Original, auf Italienisch)\n    Fatti inventati.',
    );
    expect(formOf(facts(certified), 'it').join('\n')).toContain('fatti\n    Fatti inventati.');
  });

  test('in Arabic each line is right to left, and what is not stands isolated in it', () => {
    const lines = formOf(facts(), 'ar');
    for (const line of lines) {
      expect(line.startsWith('\u2067') && line.endsWith('\u2069')).toBe(true);
      const opened = line.split(/[\u2067\u2068]/).length;
      expect(line.split('\u2069').length).toBe(opened);
    }
    expect(lines.join('\n')).toContain('\u2068Fatti inventati.\u2069');
    expect(lines.join('\n')).toContain('\u2068XA\u2069');
  });

  test('in another language only what runs the other way is isolated', () => {
    const arabic = { facts: { lang: 'ar', text: 'وقائع مختلقة\nسطر ثان' } };
    const form = formOf(arabic, 'en').join('\n');
    expect(form).toContain('\u2068وقائع مختلقة\u2069\n');
    expect(form).toContain('\u2068سطر ثان\u2069');
    expect(formOf({}, 'en').join('\n')).not.toMatch(/[\u2066-\u2069]/);
  });
});
