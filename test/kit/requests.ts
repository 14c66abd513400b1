import { readFileSync } from 'node:fs';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { checkDraft, parseStates, type CheckResult, type States } from '../../src/casework/mod.ts';
import { dataFolder, readDataFolder } from '../../src/config/mod.ts';
import { parseDraft } from '../../src/wire/mod.ts';
import { REGISTRY } from './registry.ts';

/** What is known of states, as shipped. */
export const STATES: States = parseStates(readDataFolder(dataFolder({}), 'states'));

type Json = Record<string, unknown>;

const text = (words: string, lang = 'en'): Json => ({ lang, text: words });
const order = {
  issued_by: { name: 'Court of Port Ester', country: 'XA' },
  issued_on: '2017-03-01',
  ref: 'Order 3',
  type: 'SPECIFIC',
  maximum: { currency: 'EUR', minor_units: 100 },
  finality: 'FINAL',
  grounds: text('Invented grounds.'),
  copy: {
    name: 'order.pdf',
    file_id: '019b0000-0000-7000-8000-000000000009',
    media_type: 'application/pdf',
    size: 1,
    sha256: 'A'.repeat(43),
    chunk_bytes: 4096,
    chunk_count: 1,
    root: 'A'.repeat(43),
    key: 'A'.repeat(43),
  },
};

/** An asset with everything that an instrument may ask for. */
export const FULL_ASSET: Json = {
  id: 'a1',
  kind: 'REAL_ESTATE',
  description: text('An invented villa.'),
  value: { currency: 'EUR', minor_units: 1_000_000 },
  location: 'Brethen',
  link: text('Bought with the proceeds.'),
};

const request = JSON.parse(readFileSync('node-config/messages/request.json', 'utf8')) as { assistance_request: Json };

/** A request that lacks nothing, whatever it asks for, with some members changed; null takes a member away. */
export function requestJson(measures: readonly string[], change: Json = {}): Json {
  const full: Json = {
    ...request.assistance_request,
    measures: measures.map((type, index) => ({
      id: `m${index + 1}`,
      type,
      description: text('Invented.'),
      target: text('An invented target.'),
    })),
    offences: [{ iccs: '06012', article: 'art. 1', max_penalty_months: 120 }],
    persons: [{ native_name: 'Anna Feld', nationalities: ['XB'], role: 'WITNESS', address: 'Mole 1, Brethen' }],
    entities: [{ name: 'Feld Ltd' }],
    assets: [FULL_ASSET],
    law_text: text('The text of the law.'),
    domestic_availability: text('It could be taken at home.'),
    dual_criminality: text('It is an offence in both.'),
    ...change,
  };
  // A copy, so that a test can take members away.
  return structuredClone({
    assistance_request: Object.fromEntries(Object.entries(full).filter(([, value]) => value !== null)),
  });
}

/** A complete decision that refuses the only measure on some grounds. */
export function refusalJson(codes: readonly string[], change: Json = {}): Json {
  return {
    case_id: '019b0000-0000-7000-8000-000000000001',
    review_decision: {
      outcome: 'REFUSE',
      measures: [{ measure_id: 'm1', outcome: 'REFUSE', codes }],
      reasons: text('Invented reasons.'),
      authority: { name: 'Court of Brethen', country: 'XB' },
      appeal: text('An invented remedy.'),
      ...change,
    },
  };
}

/** A complete restraint or confiscation request. */
export function propertyJson(
  type: 'restraint_request' | 'confiscation_request',
  basis: string,
  change: Json = {},
): Json {
  const common = {
    requesting_authority: { name: 'Ministry', country: 'XA' },
    legal_basis: [{ instrument: basis, articles: ['13'] }],
    offences: [{ iccs: '06012', article: 'art. 1', max_penalty_months: 120 }],
    facts: text('Invented facts.'),
    asset: FULL_ASSET,
    order,
    law_text: text('The text of the law.'),
    domestic_availability: text('It could be taken at home.'),
    third_party_notice: text('They were told.'),
    contact: { hours: 'Mon–Fri', time_zone: 'Europe/Rome' },
  };
  const own =
    type === 'restraint_request'
      ? { urgency: 'ROUTINE' }
      : { type: 'ENFORCE_FOREIGN_ORDER', amount: { currency: 'EUR', minor_units: 100 } };
  return structuredClone({ [type]: { ...common, ...own, ...change } });
}

/** Checks a draft between two states on a day. */
export function checkOf(
  json: Json,
  {
    from = 'XA',
    to = 'XB',
    date = '2018-06-04',
    instruments,
  }: { from?: string; to?: string; date?: string; instruments?: string[] } = {},
): CheckResult {
  const { body } = parseDraft(json);
  return checkDraft(REGISTRY, STATES, {
    body,
    from: from as JurisdictionCode,
    to: to as JurisdictionCode,
    date,
    instruments,
  });
}

/** The findings of a check in short: severity, code, path. */
export function findingsOf(...args: Parameters<typeof checkOf>): string[] {
  return checkOf(...args).findings.map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}
