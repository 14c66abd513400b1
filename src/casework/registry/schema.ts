/** The form of an instrument's file. What each member means to an editor is told in `node-config/treaties/README.md`. */
import { z } from 'zod';
import { isJurisdictionCode, type JurisdictionCode } from '../../base/mod.ts';
import {
  BODY_TYPES,
  enumNames,
  type ConditionKind,
  type MeasureType,
  type RefusalCode,
  type Urgency,
} from '../../wire/mod.ts';

const oneLine = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^\S(.*\S)?$/, 'must be one line of text without space around it');
const slug = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/, 'must be lower-case letters, digits and hyphens');
const date = z.iso.date('must be a date such as 2003-09-29');
const state = z.custom<JurisdictionCode>(
  (value) => typeof value === 'string' && isJurisdictionCode(value),
  'must be a jurisdiction code such as IT',
);
const states = z.array(state).min(1);
const article = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z().–-]{0,23}$/, 'must be an article such as 18(15)(a)');
const articles = z.array(article).min(1);
const lang = z.string().refine(isLanguage, 'must be a BCP 47 tag such as pt-BR');
const iccs = z.string().regex(/^[0-9]{2,6}$/, 'must be two to six digits of the ICCS');
const field = z
  .string()
  .regex(/^[a-z_]+(\[\])?(\.[a-z_]+(\[\])?)*$/, 'must be the path of a field, such as offences[].article');
const bodyType = z.enum(BODY_TYPES);
/** What an instrument can cover: every measure, and the sharing of what was confiscated. */
export const SUBJECTS = [...enumNames<MeasureType>('MeasureType'), 'SHARING'] as const;
const measure = z.enum(SUBJECTS);
const urgency = z.enum(enumNames<Urgency>('Urgency'));

/** Every rule says where it stands, and whether somebody has compared it with the text. */
const sourced = { source: oneLine, confirmed: z.boolean(), note: oneLine.optional() };

/** The cases in which a rule applies, told by the request alone; all that is given must hold. */
const occasion = z.strictObject({
  /** One of these is asked for. */
  measures: z.array(measure).min(1).optional(),
  /** Something else than these is asked for. */
  other_than: z.array(measure).min(1).optional(),
  coercive: z.boolean().optional(),
  urgency: z.array(urgency).min(1).optional(),
  /** Some offence's code begins so. */
  offences: z.array(iccs).min(1).optional(),
});

/** The same, and which fields of the message are there. */
const when = occasion.extend({ has: field.optional(), lacks: field.optional() });

const duration = z
  .string()
  .regex(
    /^[1-9][0-9]{0,3} (hours?|days?|working days?|months?)$/,
    'must be such as 48 hours, 30 days or 5 working days',
  );

/** What starts, stops or pauses a clock: a message of the case, by the name of its body; an outcome may follow, as in review_decision:ACCEPT. */
const event = z
  .string()
  .regex(/^[a-z_]+(:[A-Z_]+)?$/)
  .refine((text) => (BODY_TYPES as readonly string[]).includes(text.split(':')[0]!), 'must be the name of a message');

const clock = z.strictObject({
  name: z.enum([
    'ACKNOWLEDGE',
    'DECIDE',
    'EXECUTE',
    'NOTIFY',
    'PRESERVE',
    'SERVE',
    'SAFE_CONDUCT',
    'OBSERVATION',
    'REPLY',
  ]),
  /** Whose duty it is. */
  by: z.enum(['REQUESTED', 'REQUESTING']),
  article,
  duration,
  /** How much longer the text allows, with reasons given. */
  extension: duration.optional(),
  /** The message that grants the longer time. */
  extends_on: z.array(event).min(1).optional(),
  starts_at: z.array(event).min(1),
  stops_at: z.array(event).min(1),
  pauses_on: z.array(event).default([]),
  resumes_on: z.array(event).default([]),
  /** Whose working days and whose midnight count. */
  counted_in: z.enum(['REQUESTED', 'REQUESTING']).default('REQUESTED'),
  /** How long after the due time somebody above has to be told. */
  escalates_after: duration.optional(),
  states: states.optional(),
  when: occasion.optional(),
  ...sourced,
});

export const instrumentSchema = z.strictObject({
  instrument_id: slug,
  title: oneLine,
  short_title: oneLine,
  kind: z.enum([
    'UN_CONVENTION',
    'REGIONAL_CONVENTION',
    'PROTOCOL',
    'EU_INSTRUMENT',
    'BILATERAL',
    'SHARING_AGREEMENT',
    'SCHEME',
  ]),
  /** Invented, for sandboxes. */
  sample: z.boolean().default(false),
  /** An instrument that is not in force yet has no `from`. */
  in_force: z.strictObject({ from: date.optional(), to: date.optional(), ...sourced }),
  parties: z.array(z.strictObject({ states, in_force_from: date, to: date.optional(), ...sourced })),
  /** Whether the list of parties is whole; if not, a state that is missing is unknown rather than outside. */
  parties_complete: z.boolean(),
  /** Instruments that it adds to: it applies only where one of them does, and its rules join theirs. */
  supplements: z.array(slug).default([]),
  article_status: z
    .array(
      z.strictObject({
        article,
        status: z.enum(['IN_FORCE', 'SUSPENDED', 'RESERVED', 'DECLARED']),
        states: states.optional(),
        text: oneLine,
        from: date.optional(),
        to: date.optional(),
        ...sourced,
      }),
    )
    .default([]),
  scope: z.strictObject({
    text: oneLine,
    offences: z.array(iccs).min(1).optional(),
    min_penalty_months: z.int().positive().optional(),
    ...sourced,
  }),
  covers: z.array(z.strictObject({ measures: z.array(measure).min(1), articles, ...sourced })),
  reciprocity_applies: z.strictObject({ value: z.boolean(), ...sourced }),
  accepted_languages: z
    .array(z.strictObject({ lang, states: states.optional(), only_if_urgent: z.boolean().default(false), ...sourced }))
    .default([]),
  channels: z.array(
    z.strictObject({
      channel: z.enum(['CENTRAL_AUTHORITY', 'DIRECT', 'DIPLOMATIC', 'INTERPOL', 'E_PLATFORM']),
      article,
      only_if_urgent: z.boolean().default(false),
      ...sourced,
    }),
  ),
  authentication: z.strictObject({ required: z.boolean(), text: oneLine, ...sourced }),
  oral_allowed: z.strictObject({ value: z.boolean(), text: oneLine, ...sourced }),
  emergency_contact: z.strictObject({ value: z.boolean(), text: oneLine, ...sourced }),
  content: z.array(
    z.strictObject({ message: bodyType, field, article, text: oneLine, when: when.optional(), ...sourced }),
  ),
  clocks: z.array(clock).default([]),
  refusal_codes: z.array(
    z.strictObject({
      code: z.enum(enumNames<RefusalCode>('RefusalCode')),
      effect: z.enum(['MANDATORY', 'DISCRETIONARY', 'BARRED']),
      article,
      text: oneLine.optional(),
      /** Barred as the only ground, not beside another. */
      only_if_sole: z.boolean().default(false),
      when: when.optional(),
      ...sourced,
    }),
  ),
  conditions: z
    .array(
      z.strictObject({ kind: z.enum(enumNames<ConditionKind>('ConditionKind')), article, text: oneLine, ...sourced }),
    )
    .default([]),
  /** The lower the rank, the sooner the instrument is proposed. */
  precedence: z.strictObject({ rank: z.int().min(1).max(99), text: oneLine, ...sourced }),
  displaces: z.array(z.strictObject({ instrument: slug, text: oneLine, ...sourced })).default([]),
});

/** An instrument as its file states it. */
export type Instrument = z.output<typeof instrumentSchema>;

/** The cases in which a rule applies. */
export type Occasion = z.output<typeof occasion>;
export type When = z.output<typeof when>;

/** A ground of refusal as an instrument states it. */
export type RefusalRule = Instrument['refusal_codes'][number];

/** A clock as an instrument states it. */
export type ClockRule = z.output<typeof clock>;

/** One of `SUBJECTS`. */
export type Subject = z.output<typeof measure>;

/** What every rule says of itself. */
export interface Sourced {
  readonly source: string;
  readonly confirmed: boolean;
  readonly note?: string | undefined;
}

function isLanguage(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text)[0] === text;
  } catch {
    return false;
  }
}
