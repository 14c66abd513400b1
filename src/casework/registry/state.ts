/** What is known of a state whatever the instrument: its languages, its working week, its hours. */
import { z } from 'zod';
import { isJurisdictionCode, type JurisdictionCode } from '../../base/mod.ts';
import { RegistryError } from '../error.ts';
import { documentFaults, type RegistryDocument } from './document.ts';

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;

const line = z.string().min(1).max(200);
const stateSchema = z.strictObject({
  states: z
    .array(
      z.custom<JurisdictionCode>(
        (value) => typeof value === 'string' && isJurisdictionCode(value),
        'must be a jurisdiction code',
      ),
    )
    .min(1),
  name: line,
  /** Its official languages, which it is taken to accept where an instrument says nothing. */
  languages: z.array(z.string().regex(/^[a-z]{2,3}$/, 'must be a language code such as it')).min(1),
  time_zone: z
    .string()
    .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', 'must be an IANA time zone'),
  weekend: z.array(z.enum(DAYS)).max(6),
  holidays: z.strictObject({
    /** Not kept up by anyone: good for trying out only. */
    sample: z.boolean(),
    source: line,
    every_year: z
      .array(z.string().regex(/^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/, 'must be a day such as 12-25'))
      .default([]),
    dates: z.array(z.iso.date('must be a date such as 2012-04-09')).default([]),
  }),
});

/** A state's calendar and languages. */
export interface StateData {
  readonly name: string;
  readonly languages: readonly string[];
  /** IANA. */
  readonly time_zone: string;
  /** Days of the week as `Date` numbers them: 0 is Sunday. */
  readonly weekend: ReadonlySet<number>;
  /** Days such as `12-25` and dates such as `2012-04-09`. */
  readonly holidays: ReadonlySet<string>;
  readonly holidays_are_sample: boolean;
}

/** States by their codes. */
export type States = ReadonlyMap<string, StateData>;

/**
 * Reads the files about states.
 * @throws {RegistryError} CASE_REGISTRY_INVALID with every fault
 */
export function parseStates(documents: readonly RegistryDocument[]): States {
  const states = new Map<string, StateData>();
  const { values, faults } = documentFaults(stateSchema, documents);
  if (faults.length > 0)
    throw new RegistryError('CASE_REGISTRY_INVALID', 'The files about states cannot be used.', faults);
  for (const { value } of values) {
    const { every_year: days, dates, sample } = value.holidays;
    const data: StateData = {
      name: value.name,
      languages: value.languages,
      time_zone: value.time_zone,
      weekend: new Set(value.weekend.map((day) => DAYS.indexOf(day))),
      holidays: new Set([...days, ...dates]),
      holidays_are_sample: sample,
    };
    for (const code of value.states) states.set(code, data);
  }
  return states;
}
