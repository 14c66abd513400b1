/** A filled draft of any message to start from, made from the schema: every required field has a value, and every value is invented. */
import { bodyTypeName, enumNames, fieldsOf, type BodyType, type FieldRow } from '../wire/mod.ts';

type Json = string | number | boolean | Json[] | { [name: string]: Json };
type JsonObject = Record<string, Json>;

const CASE_ID = '019b0000-0000-7000-8000-0000000000aa';

const EXAMPLE_DAY = '2026-03-31';

// One value for each grammar that a required field has.
const BY_FORMAT: Readonly<Record<string, string>> = {
  line: 'EX 1/2026',
  name: 'Office of the Example',
  text: 'Invented words.',
  jurisdiction: 'XB',
  country: 'XB',
  uuid: CASE_ID,
  slug: 'm1',
  iccs: '0701',
  language: 'en',
  currency: 'EUR',
  date: EXAMPLE_DAY,
  time_zone: 'Europe/Rome',
  file_name: 'example.pdf',
  media_type: 'application/pdf',
  kid: 'b7dKD2-DlMApkGljz-RJwDdNcyxwyFBpSmhz2cRBnaw',
  ip: '192.0.2.7',
  phone: '+390000000118',
  note: 'c2sp.org/tlog-proof@v1\n',
};

const BY_NAME: Readonly<Record<string, string>> = {
  instrument: 'untoc',
  item_id: 'e1',
  item_ids: 'e1',
  question_id: 'q1',
  articles: '18(15)',
  hours: 'Mon–Fri 08:30–16:00',
};

const asset = (): Json => ({
  ...message('Asset'),
  id: 'a1',
  value: message('Money', { minor_units: 64_000_000 }),
  location: 'Brethen',
  link: message('Text'),
});
const amounts = (): Json => [message('AmountOf', { amount: message('Money', { minor_units: 100 }) })];
const terms = (): Json => message('TeamTerms', { members: ['XA', 'XB'], from: '2026-01-01' });

// What rules over several fields ask for beyond the schema.
const MORE: Readonly<Partial<Record<BodyType, () => JsonObject>>> = {
  pre_refusal_consultation: () => ({ codes: ['ESSENTIAL_INTERESTS'] }),
  cost_agreement: () => ({ shares: amounts() }),
  asset_trace_request: () => ({ parent_id: CASE_ID }),
  asset_trace_result: () => ({ asset: asset() }),
  restraint_request: () => ({ parent_id: CASE_ID, asset: asset() }),
  restraint_result: () => ({ restrained_at: '2026-03-31T10:00:00Z' }),
  restraint_extension: () => ({ until: '2026-12-31' }),
  confiscation_request: () => ({
    parent_id: CASE_ID,
    asset: asset(),
    order: message('PropertyOrder', { maximum: message('Money', { minor_units: 64_000_000 }) }),
    amount: message('Money', { minor_units: 64_000_000 }),
  }),
  confiscation_result: () => ({ amount: message('Money', { minor_units: 100 }) }),
  disposition_proposal: () => ({
    shares: [
      { jurisdiction: 'XA', basis_points: 6000 },
      { jurisdiction: 'XB', basis_points: 4000 },
    ],
  }),
  sharing_agreement: () => ({ amounts: amounts() }),
  hit_answer: () => ({ hits: [message('HitPosition')], contact: message('Contact') }),
  erasure_answer: () => ({ proofs: [message('ErasureProof')] }),
  jit_proposal: () => ({ terms: terms() }),
  jit_agreement: () => ({ terms: terms() }),
};

/**
 * A draft of one body as JSON, ready for `parseDraft`: outcomes are the first of their kind, dates and names are examples.
 * @param type such as `assistance_request`
 * @param replyBy the day by which a question wants its answer: the one date that must not have passed when it is sent
 */
export function draftTemplate(type: BodyType, replyBy = EXAMPLE_DAY): Record<string, unknown> {
  const filled = message(bodyTypeName(type));
  if ('reply_by' in filled) filled['reply_by'] = replyBy;
  // All but the messages that open a case have to say which one they belong to.
  return { case_id: CASE_ID, [type]: { ...filled, ...MORE[type]?.() } };
}

/** An invented file or exhibit as JSON: every required field has a value. */
export function exampleOf(type: 'EvidenceFile' | 'EvidenceItem'): Record<string, unknown> {
  return message(type);
}

function message(type: string, given: JsonObject = {}): JsonObject {
  const out: JsonObject = {};
  for (const field of fieldsOf(type)) {
    const value = given[field.name];
    if (value !== undefined) out[field.name] = value;
    else if (field.required) out[field.name] = field.repeated ? [valueOf(field)] : valueOf(field);
  }
  return out;
}

function valueOf(field: FieldRow): Json {
  switch (field.kind) {
    case 'string':
      return BY_NAME[field.name] ?? BY_FORMAT[field.format!]!;
    case 'bytes':
      return Buffer.alloc(field.exactBytes ?? 32, 1).toString('base64url');
    case 'enum':
      return enumNames(field.type!)[0];
    case 'message':
      return message(field.type!);
    case 'int64':
      return '2026-03-31T10:00:00Z';
    case 'uint32':
    case 'uint64':
      return 1;
    case 'bool':
      return true;
    default:
      return field.kind satisfies never;
  }
}
