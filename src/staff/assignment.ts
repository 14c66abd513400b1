/** Need-to-know: who was assigned to which case. */
import type { Uuid } from '../base/mod.ts';
import type { StepView } from '../exchange/mod.ts';
import { carryOut, isCleared, judge, recordingRefusals, type Actor } from './act.ts';
import type { DeskContext, StaffContext } from './context.ts';
import { StaffError } from './error.ts';
import { staffKeys, type AssignmentRecord } from './record.ts';
import { activePerson } from './register.ts';
import { RULES, type Action } from './rule.ts';

/** What a person is to be, in a case. */
export interface AssignmentChange {
  readonly case_id: Uuid;
  readonly person: string;
  /** True takes the person off the case. */
  readonly remove: boolean;
}

/**
 * Assigns a person to a case, or ends it.
 * @throws {StaffError} STAFF_UNKNOWN, STAFF_OWN_ACT, STAFF_INVALID for a person of an agency: those get tasks
 */
export async function assignCase(
  context: DeskContext,
  actor: Actor,
  { case_id, person, remove }: AssignmentChange,
): Promise<AssignmentRecord> {
  if ((await context.exchange.cases(case_id)).length === 0)
    throw new StaffError('STAFF_UNKNOWN', `There is no case ${case_id} at this node.`);
  const attempt = { actor, action: 'ASSIGN_CASE', target: { case_id, about: person } } as const;
  return carryOut(context, attempt, async (view) => {
    if (actor.person === person) throw new StaffError('STAFF_OWN_ACT', 'Nobody assigns a case to themselves.');
    const known = await activePerson(context, person);
    if (known === undefined && !remove)
      throw new StaffError('STAFF_UNKNOWN', `Nobody is registered as ${person}, or no longer.`);
    if (known?.agency !== undefined)
      throw new StaffError('STAFF_INVALID', `${person} is of an agency: give the agency a task of the case.`);
    const current = await view.getRecord<AssignmentRecord>(staffKeys.assignment(case_id));
    const others = (current?.persons ?? []).filter((each) => each !== person);
    const next: AssignmentRecord = { persons: remove ? others : [...others, person].sort() };
    view.putRecord(staffKeys.assignment(case_id), next);
    return { value: next };
  });
}

/** Adds people to a case in a step of another act: whoever wrote in a case, and whoever let it out, know it. */
export async function addToCase(
  view: Pick<StepView, 'getRecord' | 'putRecord'>,
  caseId: Uuid,
  persons: readonly (string | undefined)[],
): Promise<void> {
  const current = (await view.getRecord<AssignmentRecord>(staffKeys.assignment(caseId)))?.persons ?? [];
  const next = [...new Set([...current, ...persons.filter((person) => person !== undefined)])].sort();
  if (next.length > current.length)
    view.putRecord(staffKeys.assignment(caseId), { persons: next } satisfies AssignmentRecord);
}

/** Of things that belong to cases, those that the person may see in a list of this kind. */
export async function onlyCleared<T>(
  context: StaffContext,
  actor: Actor,
  action: Action,
  items: readonly T[],
  caseOf: (item: T) => Uuid | undefined,
): Promise<T[]> {
  const isKnown = clearanceFor(context, actor, action);
  const kept: T[] = [];
  for (const item of items) if (await isKnown(caseOf(item))) kept.push(item);
  return kept;
}

/** Tells of one case after another whether the person may see what belongs to it in a list of this kind; each is looked up once. */
export function clearanceFor(
  context: StaffContext,
  actor: Actor,
  action: Action,
): (caseId: Uuid | undefined) => Promise<boolean> {
  const blind = RULES[action].roles.filter((role) => role === 'REGISTRAR' || role === 'AUDITOR');
  const isForAll = actor.clearance === 'ALL' || blind.some((role) => actor.roles.includes(role));
  const view = { getRecord: reader(context) };
  const known = new Map<Uuid, boolean>();
  return async (id) => {
    if (isForAll || id === undefined) return isForAll;
    const found = known.get(id) ?? (await isCleared(context, view, actor, id));
    known.set(id, found);
    return found;
  };
}

/**
 * Judges the role alone, before what is asked about is looked up: a refusal of the role does not tell whether it is there.
 * @throws {StaffError} STAFF_ROLE_MISSING, on record
 */
export async function requireRole(context: StaffContext, actor: Actor, action: Action): Promise<void> {
  const attempt = { actor, action, target: {} } as const;
  await recordingRefusals(context, attempt, () => judge(context, { getRecord: reader(context) }, attempt));
}

/** Reads records outside of a step. */
export function reader({ store }: Pick<StaffContext, 'store'>): StepView['getRecord'] {
  return async <T>(key: string) => {
    const bytes = await store.get(key);
    return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
  };
}
