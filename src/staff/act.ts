/**
 * How everything is done that people do: whether the rules allow it is judged, the thing is done, and that it was done is recorded, in one
 * batch. A refusal is recorded too. Nothing of what was read is handed out before its record is on disk.
 */
import { bytesToBase64url, sha256, utf8ToBytes, type Uuid } from '../base/mod.ts';
import type { Agency, Clearance, Role } from '../credential/mod.ts';
import type { StepView } from '../exchange/mod.ts';
import type { ActRole } from '../wire/mod.ts';
import type { StaffContext } from './context.ts';
import { StaffError, revokedError } from './error.ts';
import { staffKeys, type AccessRecord, type AssignmentRecord, type IssuedRecord, type Target } from './record.ts';
import { RULES, type Action } from './rule.ts';

/** Who asks. */
export interface Actor {
  /** Absent for the operator. */
  readonly person?: string | undefined;
  readonly serial?: string | undefined;
  readonly roles: readonly Role[];
  readonly agency?: { readonly kind: Agency; readonly unit: string } | undefined;
  readonly clearance: Clearance;
}

/** Whoever can open the node's folder: registers its first people, and works on a node that is stopped. */
export const OPERATOR: Actor = { roles: [], clearance: 'ASSIGNED' };

const OPERATORS_ACTIONS: readonly Action[] = ['REGISTER_STAFF', 'REVOKE_STAFF', 'LIST_STAFF'];
// Cases are opened under cases a few deep; what goes deeper is a circle.
const MAX_LINEAGE = 16;

/** One thing that somebody wants to do. */
export interface Attempt {
  readonly actor: Actor;
  readonly action: Action;
  readonly target: Target;
  /** Of the rule's roles only this one will do. */
  readonly only?: Role | undefined;
  /** What the caller named, such as “message 0190…”, where that is not the case: a refusal says no more than they knew. */
  readonly named?: string | undefined;
  /** The node has nothing of that name. Only whoever knows every case learns that from a refusal: to others it is of a case that they do not know. */
  readonly isMissing?: boolean | undefined;
  /** The refusal of what is of another's case, where it is the one of what is not there at all. */
  readonly unseen?: StaffError | undefined;
}

/**
 * Does what the rules allow, and records it.
 * @param plan gives back its result, what its target turned out to be, and whether an act that is asked for again is on record already
 * @throws {StaffError} STAFF_ROLE_MISSING, STAFF_CASE_NOT_ASSIGNED, and what `plan` throws; each refusal is on record
 */
export async function carryOut<T>(
  context: StaffContext,
  attempt: Attempt,
  plan: (
    view: StepView,
    role: ActRole,
  ) => Promise<{ readonly value: T; readonly target?: Target; readonly isOnRecord?: boolean }>,
): Promise<T> {
  return recordingRefusals(context, attempt, () =>
    context.commit(async (view) => {
      const role = await judge(context, view, attempt);
      const { value, target = {}, isOnRecord = false } = await plan(view, role);
      if (!isOnRecord) recordAct(context, view, { ...attempt, target: { ...attempt.target, ...target } }, role);
      return value;
    }),
  );
}

/** Puts a refusal on record, and lets it go on. */
export async function recordingRefusals<T>(context: StaffContext, attempt: Attempt, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StaffError) {
      const { actor, action } = attempt;
      const role = actor.roles.find((each) => RULES[action].roles.includes(each)) ?? actor.roles[0] ?? 'OPERATOR';
      await context.commit((view) => {
        recordAct(context, view, attempt, role, error.code);
        return Promise.resolve();
      });
    }
    throw error;
  }
}

/**
 * The role under which it may be done.
 * @throws {StaffError} STAFF_CREDENTIAL_REVOKED, STAFF_ROLE_MISSING, STAFF_CASE_NOT_ASSIGNED
 */
export async function judge(
  context: StaffContext,
  view: Pick<StepView, 'getRecord'>,
  { actor, action, target, only, named, isMissing = false, unseen }: Attempt,
): Promise<ActRole> {
  if (actor === OPERATOR && OPERATORS_ACTIONS.includes(action)) return 'OPERATOR';
  await requireUnrevoked(view, actor);
  const { roles, everyCase } = RULES[action];
  const held = roles.filter((role) => actor.roles.includes(role) && (only === undefined || role === only));
  const [first] = held;
  if (first === undefined)
    throw new StaffError(
      'STAFF_ROLE_MISSING',
      `${action} is for ${only ?? roles.join(', ')}; your roles are ${actor.roles.join(', ')}.`,
    );
  const { case_id: caseId } = target;
  if (everyCase === undefined || (caseId === undefined && !isMissing)) return first;
  const blind = held.find((role) => everyCase.includes(role));
  if (blind !== undefined) return blind;
  const isKnown = caseId === undefined ? actor.clearance === 'ALL' : await isCleared(context, view, actor, caseId);
  if (isKnown) return first;
  throw (
    unseen ??
    new StaffError(
      'STAFF_CASE_NOT_ASSIGNED',
      named === undefined
        ? `Case ${caseId} is not one that you were assigned to.`
        : `There is no ${named} in a case that you were assigned to.`,
    )
  );
}

/** Who asked was known then: what they asked for may have waited behind the end of their credential. */
async function requireUnrevoked(view: Pick<StepView, 'getRecord'>, { serial }: Actor): Promise<void> {
  const issued = serial === undefined ? undefined : await view.getRecord<IssuedRecord>(staffKeys.issued(serial));
  if (issued?.revoked !== undefined) throw revokedError(issued.revoked.why);
}

/** Whether a person needs to know a case: by clearance, or assigned to it or to one that it was opened under. */
export async function isCleared(
  context: Pick<StaffContext, 'parentOf'>,
  view: Pick<StepView, 'getRecord'>,
  actor: Actor,
  caseId: Uuid,
): Promise<boolean> {
  if (actor.clearance === 'ALL') return true;
  let id: Uuid | undefined = caseId;
  for (let depth = 0; id !== undefined && depth < MAX_LINEAGE; depth++) {
    if (await isAssigned(view, actor, id)) return true;
    id = await context.parentOf(id);
  }
  return false;
}

/** Whether a person is named for this very case: cleared for all of them is not, nor assigned to one that it was opened under. */
export async function isAssigned(view: Pick<StepView, 'getRecord'>, { person }: Actor, caseId: Uuid): Promise<boolean> {
  const assigned = await view.getRecord<AssignmentRecord>(staffKeys.assignment(caseId));
  return person !== undefined && assigned?.persons.includes(person) === true;
}

/** Writes the access log's line, and the ledger's entry that commits to it. */
export function recordAct(
  context: Pick<StaffContext, 'clock' | 'random'>,
  view: Pick<StepView, 'append' | 'put'>,
  { actor, action, target }: Attempt,
  role: ActRole,
  refused?: string,
): void {
  const record: AccessRecord = {
    salt: bytesToBase64url(context.random(16)),
    time: context.clock.nowMs(),
    person: actor.person,
    serial: actor.serial,
    role,
    action,
    ...target,
    refused,
  };
  const bytes = utf8ToBytes(JSON.stringify(record));
  const ref = view.append({
    kind: RULES[action].kind,
    seq: 0,
    message_id: target.message_id,
    detail: { type: 'act', value: { role, action, refused: refused !== undefined, record: sha256(bytes) } },
  });
  view.put(staffKeys.access(ref.index), bytes);
}
