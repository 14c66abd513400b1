/**
 * Incomplete and wrong requests, one fault each: every member of every kind of request is left out, misspelt, or given what it cannot
 * have, wherever in the document it stands, and the one fault is found at its path with its code.
 */
import { describe, expect, test } from 'vitest';
import { contentFaults, draftTemplate } from '../../../src/casework/mod.ts';
import { WireError, bodyTypeName, fieldsOf, parseDraft, type BodyType, type FieldRow } from '../../../src/wire/mod.ts';
import { EARLY, XA, XB } from '../../kit/casework.ts';

type Json = Record<string, unknown>;

const REQUESTS: readonly BodyType[] = [
  'assistance_request',
  'supplementary_request',
  'draft_consultation',
  'asset_trace_request',
  'restraint_request',
  'confiscation_request',
];

/** A document with one fault, and what has to be said of it. */
interface Faulty {
  readonly path: string;
  readonly code: string;
  readonly change: (document: Json) => void;
}

// What a grammar refuses; no text of any kind has a character that rings a bell.
const WRONG: Readonly<Record<string, string>> = {
  uuid: '019b0000-0000-4000-8000-000000000000',
  date: '2026-02-30',
  country: 'ZZ',
  jurisdiction: 'Italy',
  language: 'EN_us',
  currency: 'EURO',
  iccs: '7',
  slug: 'M 1',
  time_zone: 'Europe/Roma',
  phone: '0039 06',
  e164: '0039 06',
  email: 'nobody',
};

/** Every way in which one member of an object can be wrong. */
function faultsOf(type: string, value: Json, path: string, find: (document: Json) => Json): Faulty[] {
  const here = fieldsOf(type).filter(({ name }) => value[name] !== undefined);
  return [
    { path: `${path}.unheard_of`, code: 'UNKNOWN_FIELD', change: (document) => (find(document)['unheard_of'] = 1) },
    ...here.flatMap((field) => fieldFaults(field, value[field.name], `${path}.${field.name}`, find)),
  ];
}

function fieldFaults(field: FieldRow, value: unknown, path: string, find: (document: Json) => Json): Faulty[] {
  const { name, kind, required, type, repeated, format } = field;
  const set = (at: string, code: string, wrong: unknown): Faulty => ({
    path: at,
    code,
    change: (document) => (find(document)[name] = wrong),
  });
  // A value of an enum that is no text is told as what it is: none of its values.
  const faults =
    kind === 'enum' && !repeated ? [] : [set(path, 'WRONG_TYPE', repeated || kind === 'message' ? 'text' : [])];
  if (required) {
    faults.push({ path, code: 'REQUIRED', change: (document) => void Reflect.deleteProperty(find(document), name) });
    if (repeated) faults.push(set(path, 'REQUIRED', []));
  }
  const items = repeated ? (value as unknown[]) : [value];
  const placeOf = (index: number): string => (repeated ? `${path}[${index}]` : path);
  const itemOf =
    (index: number) =>
    (document: Json): Json =>
      (repeated ? (find(document)[name] as unknown[])[index] : find(document)[name]) as Json;
  if (kind === 'message')
    faults.push(...items.flatMap((item, index) => faultsOf(type!, item as Json, placeOf(index), itemOf(index))));
  else if (kind === 'enum') faults.push(set(placeOf(0), 'BAD_VALUE', repeated ? ['NO_SUCH'] : 'NO_SUCH'));
  else if (kind === 'string') {
    const wrong = format !== undefined && format in WRONG ? WRONG[format]! : `${String(items[0])}\u0007`;
    faults.push(set(placeOf(0), 'BAD_FORMAT', repeated ? [wrong] : wrong));
  }
  return faults;
}

function documentOf(type: BodyType): Json {
  return JSON.parse(JSON.stringify(draftTemplate(type))) as Json;
}

function faultsFound(document: Json): string[] {
  try {
    const { body } = parseDraft(document);
    return contentFaults(body, { from: XA, to: XB, issued_at: EARLY }).map(({ path, code }) => `${path} ${code}`);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.faults.map(({ path, code }) => `${path} ${code}`);
  }
}

describe('one fault each', () => {
  const cases = REQUESTS.map((type) => {
    const find = (document: Json): Json => document[type] as Json;
    return { type, faults: faultsOf(bodyTypeName(type), find(documentOf(type)), type, find) };
  });

  test.each(cases)('$type: every fault is found, at its path, and nothing else', ({ type, faults }) => {
    expect(faultsFound(documentOf(type))).toEqual([]);
    for (const { path, code, change } of faults) {
      const document = documentOf(type);
      change(document);
      expect(faultsFound(document), `${path} ${code}`).toContain(`${path} ${code}`);
      // A list that is too wrong to be read may have its faults told by element; nothing else is held against the sender.
      expect(faultsFound(document).filter((found) => !found.startsWith(path))).toEqual([]);
    }
  });

  test('they are more than two hundred, of every kind', () => {
    const all = cases.flatMap(({ faults }) => faults);
    expect(all.length).toBeGreaterThan(200);
    expect(new Set(all.map(({ path, code }) => `${path} ${code}`)).size).toBeGreaterThan(200);
    expect([...new Set(all.map(({ code }) => code))].sort()).toEqual([
      'BAD_FORMAT',
      'BAD_VALUE',
      'REQUIRED',
      'UNKNOWN_FIELD',
      'WRONG_TYPE',
    ]);
  });
});
