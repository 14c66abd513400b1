/** The people of a node: who they are, until when, and whether what they present is theirs. */
import { z } from 'zod';
import { isoTime, newUuid } from '../base/mod.ts';
import {
  encodeStaffKey,
  faultsOf,
  generateStaffKey,
  isProvedBy,
  isSignedBy,
  parsePresented,
  parseStaffKey,
  parseStatement,
  personId,
  registration,
  signStatement,
  type Challenges,
  type SignedRequest,
  type SignedStatement,
  type Statement,
} from '../credential/mod.ts';
import type { StepView } from '../exchange/mod.ts';
import { carryOut, type Actor, type Attempt } from './act.ts';
import type { StaffContext } from './context.ts';
import { StaffError, revokedError } from './error.ts';
import { freeText } from './free-text.ts';
import { staffKeys, type IssuedRecord, type OfficeRecord } from './record.ts';

const MAX_VALIDITY_MS = 5 * 366 * 24 * 3_600_000;

/** Whether anybody was ever registered: from then on the node asks for credentials. */
export async function isStaffed({ store }: Pick<StaffContext, 'store'>): Promise<boolean> {
  return (await store.get(staffKeys.office)) !== undefined;
}

/**
 * Registers a person, or gives one another credential.
 * @throws {StaffError} STAFF_INVALID, STAFF_OWN_ACT, STAFF_ROLE_MISSING
 */
export async function registerStaff(context: StaffContext, actor: Actor, json: unknown): Promise<SignedStatement> {
  const parsed = registration.safeParse(json);
  if (!parsed.success) throw invalid(faultsOf(parsed.error));
  const said = parsed.data;
  const { person, x } = said;
  const nowMs = context.clock.nowMs();
  if (said.expires_at <= nowMs || said.expires_at > nowMs + MAX_VALIDITY_MS)
    throw invalid('expires_at: is not within the next five years');
  return changeRegister(context, { actor, action: 'REGISTER_STAFF', target: { about: person } }, async (view) => {
    if (actor.person === person) throw new StaffError('STAFF_OWN_ACT', 'Nobody registers themselves.');
    const kept = await view.getRecord<OfficeRecord>(staffKeys.office);
    // Without a registrar nobody could register the second person, and the first would have the node alone.
    if (kept === undefined && !said.roles.includes('REGISTRAR'))
      throw invalid('roles: the first person of a node must be a REGISTRAR');
    for (const other of await listIssued(context)) {
      if (other.person === person && other.name !== said.name)
        throw invalid(`person: ${person} is ${other.name} here; another person needs another name`);
      if (other.x === x) throw invalid('x: this key is registered already');
    }
    const office = kept === undefined ? generateStaffKey() : parseStaffKey(kept.key);
    const statement: Statement = {
      version: 1,
      origin: context.origin,
      serial: newUuid(nowMs, context.random(10)),
      ...said,
      issued_at: nowMs,
    };
    const signed = signStatement(office, statement);
    parseStatement(signed.statement);
    if (kept === undefined)
      view.putRecord(staffKeys.office, { x: office.x, key: encodeStaffKey(office) } satisfies OfficeRecord);
    view.putRecord(staffKeys.issued(statement.serial), statement satisfies IssuedRecord);
    return { value: signed };
  });
}

/** Everybody who was ever registered, and with which credentials. */
export async function listStaff(context: StaffContext, actor: Actor): Promise<IssuedRecord[]> {
  const found = await listIssued(context);
  return carryOut(context, { actor, action: 'LIST_STAFF', target: {} }, () => Promise.resolve({ value: found }));
}

/**
 * Ends a person's credentials: all of them, or the one that is named.
 * @throws {StaffError} STAFF_UNKNOWN when there is none that is not revoked already
 */
export async function revokeStaff(context: StaffContext, actor: Actor, json: unknown): Promise<IssuedRecord[]> {
  const schema = z.strictObject({ person: personId, serial: z.uuid().optional(), why: freeText(500) });
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalid(faultsOf(parsed.error));
  const { person, serial, why } = parsed.data;
  return changeRegister(context, { actor, action: 'REVOKE_STAFF', target: { about: person } }, async (view) => {
    const found = (await listIssued(context)).filter(
      (issued) =>
        issued.person === person && issued.revoked === undefined && (serial === undefined || issued.serial === serial),
    );
    if (found.length === 0)
      throw new StaffError('STAFF_UNKNOWN', `There is no credential of ${person} that could be revoked.`);
    const revoked = found.map((issued) => ({ ...issued, revoked: { at: context.clock.nowMs(), why } }));
    for (const issued of revoked) view.putRecord(staffKeys.issued(issued.serial), issued);
    return { value: revoked };
  });
}

/**
 * Who sent a request, by the credential that came with it.
 * @throws {CredentialError} CREDENTIAL_MALFORMED
 * @throws {StaffError} STAFF_CREDENTIAL_FORGED, STAFF_CREDENTIAL_UNKNOWN, STAFF_CREDENTIAL_REVOKED,
 * STAFF_CREDENTIAL_EXPIRED, STAFF_PROOF_INVALID
 */
export async function identify(
  context: StaffContext,
  challenges: Challenges,
  header: string,
  signed: SignedRequest,
): Promise<Actor> {
  const presented = parsePresented(header);
  // Used up first: whatever else is wrong, this challenge has had its turn.
  const isFresh = challenges.redeem(presented.challenge);
  const statement = parseStatement(presented.statement);
  const office = await recordOf<OfficeRecord>(context, staffKeys.office);
  if (office === undefined || !isSignedBy(office.x, presented.statement, presented.signature))
    throw new StaffError('STAFF_CREDENTIAL_FORGED', 'The office of this node did not sign this credential.');
  const issued = await recordOf<IssuedRecord>(context, staffKeys.issued(statement.serial));
  if (issued === undefined || statement.origin !== context.origin)
    throw new StaffError('STAFF_CREDENTIAL_UNKNOWN', 'This credential is not registered at this node.');
  if (issued.revoked !== undefined) throw revokedError(issued.revoked.why);
  if (statement.expires_at <= context.clock.nowMs())
    throw new StaffError('STAFF_CREDENTIAL_EXPIRED', `This credential expired at ${isoTime(statement.expires_at)}.`);
  if (!isFresh || !isProvedBy(statement.x, presented, signed))
    throw new StaffError('STAFF_PROOF_INVALID', 'The request is not signed over a challenge that is still open.');
  const { person, serial, roles, agency, clearance } = statement;
  return { person, serial, roles, agency, clearance };
}

/** What the node knows of a person who may still act; undefined when there is none. */
export async function activePerson(context: StaffContext, person: string): Promise<IssuedRecord | undefined> {
  const nowMs = context.clock.nowMs();
  return (await listIssued(context)).find(
    (issued) => issued.person === person && issued.revoked === undefined && issued.expires_at > nowMs,
  );
}

const lastChange = new WeakMap<StaffContext, Promise<unknown>>();

/** Changes one after another: each looks through all credentials, and those of a batch that is not on disk are not among them. */
function changeRegister<T>(
  context: StaffContext,
  attempt: Attempt,
  plan: (view: StepView) => Promise<{ readonly value: T }>,
): Promise<T> {
  const before = lastChange.get(context) ?? Promise.resolve();
  const change = before.then(() => carryOut(context, attempt, plan));
  lastChange.set(
    context,
    change.catch(() => undefined),
  );
  return change;
}

async function listIssued({ store }: Pick<StaffContext, 'store'>): Promise<IssuedRecord[]> {
  const found: IssuedRecord[] = [];
  for await (const [, bytes] of store.scan(staffKeys.allIssued))
    found.push(JSON.parse(Buffer.from(bytes).toString('utf8')) as IssuedRecord);
  return found;
}

async function recordOf<T>({ store }: Pick<StaffContext, 'store'>, key: string): Promise<T | undefined> {
  const bytes = await store.get(key);
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
}

function invalid(what: string): StaffError {
  return new StaffError('STAFF_INVALID', `This cannot be registered: ${what}.`);
}
