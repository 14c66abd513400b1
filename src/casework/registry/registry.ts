import type { JurisdictionCode } from '../../base/mod.ts';
import type { Fault, FaultCode } from '../../wire/mod.ts';
import { RegistryError } from '../error.ts';
import { documentFaults, faultAt, type RegistryDocument } from './document.ts';
import { isField } from './field.ts';
import { instrumentSchema, type Instrument, type Sourced } from './schema.ts';

/** What is known of treaties: every instrument by its id. */
export type Registry = ReadonlyMap<string, Instrument>;

/** How a state stands to an instrument on a date. */
export type Standing =
  | { readonly is: 'BOUND'; readonly from: string; readonly rule: Sourced }
  | { readonly is: 'LATER' | 'ENDED'; readonly date: string; readonly rule: Sourced }
  | { readonly is: 'NOT_LISTED' };

/**
 * Reads the files of the registry, all of them before it complains.
 * @throws {RegistryError} CASE_REGISTRY_INVALID with every fault; its path is the file, the line and the member
 */
export function parseRegistry(documents: readonly RegistryDocument[]): Registry {
  const { values, faults } = documentFaults(instrumentSchema, documents);
  const registry = new Map<string, Instrument>();
  const files = new Map<string, RegistryDocument>();
  for (const { document, value } of values) {
    const { instrument_id: id } = value;
    if (registry.has(id)) faults.push(faultAt(document, ['instrument_id'], 'CONFLICT', `${id} is there twice`));
    registry.set(id, value);
    files.set(id, document);
  }
  // Links are looked at once every file could be read: a file that could not would make its neighbours look wrong.
  if (faults.length === 0)
    for (const [id, instrument] of registry) linkFaults(registry, instrument, files.get(id)!, faults);
  if (faults.length > 0) {
    throw new RegistryError('CASE_REGISTRY_INVALID', 'The treaty registry cannot be used as it stands.', faults);
  }
  return registry;
}

/** How a state stands to an instrument on a date. A party by several spells is bound in any of them. */
export function standingOf(instrument: Instrument, state: JurisdictionCode, date: string): Standing {
  let standing: Standing = { is: 'NOT_LISTED' };
  for (const party of instrument.parties) {
    if (!party.states.includes(state)) continue;
    if (party.in_force_from > date) standing = { is: 'LATER', date: party.in_force_from, rule: party };
    else if (party.to !== undefined && party.to < date) standing = { is: 'ENDED', date: party.to, rule: party };
    else return { is: 'BOUND', from: party.in_force_from, rule: party };
  }
  return standing;
}

/** Whether the instrument as such is in force on a date. */
export function isInForce({ in_force: { from, to } }: Instrument, date: string): boolean {
  return from !== undefined && from <= date && (to === undefined || to >= date);
}

/** Whether an instrument binds two states on a date, by its own terms. */
export function isBinding(
  instrument: Instrument,
  pair: readonly [JurisdictionCode, JurisdictionCode],
  date: string,
): boolean {
  return isInForce(instrument, date) && pair.every((state) => standingOf(instrument, state, date).is === 'BOUND');
}

function linkFaults(registry: Registry, instrument: Instrument, document: RegistryDocument, faults: Fault[]): void {
  const add = (path: readonly (string | number)[], code: FaultCode, message: string): void => {
    faults.push(faultAt(document, path, code, message));
  };
  instrument.displaces.forEach(({ instrument: id }, index) => {
    if (!registry.has(id)) add(['displaces', index, 'instrument'], 'BAD_VALUE', `${id} is not in the registry`);
  });
  instrument.supplements.forEach((id, index) => {
    if (!registry.has(id)) add(['supplements', index], 'BAD_VALUE', `${id} is not in the registry`);
  });
  instrument.parties.forEach(({ in_force_from: from, to }, index) => {
    if (to !== undefined && to < from) add(['parties', index, 'to'], 'CONFLICT', 'is before in_force_from');
    const start = instrument.in_force.from;
    if (start === undefined || from < start) {
      add(
        ['parties', index, 'in_force_from'],
        'CONFLICT',
        `is before the instrument’s own force (${start ?? 'none yet'})`,
      );
    }
  });
  instrument.article_status.forEach(({ from, to }, index) => {
    if (from !== undefined && to !== undefined && to < from)
      add(['article_status', index, 'to'], 'CONFLICT', 'is before from');
  });
  instrument.content.forEach(({ message, field, when }, index) => {
    if (!isField(message, field)) add(['content', index, 'field'], 'BAD_VALUE', `is not a field of ${message}`);
    for (const name of ['has', 'lacks'] as const) {
      const path = when?.[name];
      if (path !== undefined && !isField(message, path))
        add(['content', index, 'when', name], 'BAD_VALUE', `is not a field of ${message}`);
    }
  });
  instrument.clocks.forEach((clock, index) => {
    if ((clock.extension === undefined) !== (clock.extends_on === undefined))
      add(['clocks', index, 'extension'], 'CONFLICT', 'goes together with extends_on');
    if ((clock.pauses_on.length === 0) !== (clock.resumes_on.length === 0))
      add(['clocks', index, 'pauses_on'], 'CONFLICT', 'goes together with resumes_on');
  });
}
