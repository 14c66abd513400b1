/**
 * Who may ask what of the local interface. Where no staff is registered, whoever can open the socket is the office, and nothing is asked.
 * From the first registration on, everything that shows or changes a case needs a credential, is judged by the rules and recorded before
 * it is answered; what an operator needs to run the node does not.
 */
import { RogatoryError, isUuid, parseUuid, type Uuid } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import { EvidenceError } from '../evidence/mod.ts';
import type { StepView } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';
import {
  OPERATOR,
  StaffError,
  carryOut,
  identify,
  isAssigned,
  isFileForAgency,
  isStaffed,
  judgeUpload,
  type Action,
  type Actor,
  type Attempt,
  type Target,
} from '../staff/mod.ts';

/** A request as far as the gate looks at it. */
export interface Asked {
  readonly node: Node;
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: () => unknown;
}

/** What a request is about, as far as the rules go by it. */
interface About extends Pick<Attempt, 'named'> {
  readonly target: Target;
  /** How the node answers whoever knows every case, where it has nothing of that name. */
  readonly missing?: RogatoryError | undefined;
}

/**
 * OPEN: for whoever can open the socket; shows no case. STAFF: the route itself judges and records. DIRECT: a message that would leave by
 * one person. Otherwise what is recorded, and of what.
 */
type Access =
  | 'OPEN'
  | 'STAFF'
  | 'DIRECT'
  | {
      readonly action: Action;
      readonly about?: (asked: Asked) => About | Promise<About>;
      /** Where it holds; otherwise the route is open. */
      readonly when?: (asked: Asked) => boolean;
    };

const ofCase = (text: unknown): About => ({ target: { case_id: parseCaseId(text) } });
const caseInBody = ({ body }: Asked): About => ofCase((body() as { case_id?: unknown }).case_id);
const caseInQuery = ({ query }: Asked): About => ofCase(query.get('case') ?? '');
const caseIfAny = (asked: Asked): About => (asked.query.get('case') === null ? { target: {} } : caseInQuery(asked));

/** Every route. One that is not here does not exist. */
const ACCESS = {
  'POST challenge': 'OPEN',
  'GET status': 'OPEN',
  'GET peers': 'OPEN',
  'GET doctor': 'OPEN',
  'GET keys': 'OPEN',
  'POST keys': 'OPEN',
  'GET checkpoint': 'OPEN',
  'GET seen/*': 'OPEN',
  'GET proofs/*': 'OPEN',
  'GET consistency/*': 'OPEN',
  'POST publish': 'OPEN',
  'POST manifest': 'OPEN',
  'GET incidents': 'OPEN',
  'GET backup': 'OPEN',
  'GET bundle': 'OPEN',
  'POST bundle': { action: 'DISCLOSE_MESSAGE', about: ofDisclosed, when: disclosesSomething },
  'GET events': { action: 'WATCH_EVENTS' },
  'GET messages': { action: 'LIST_MESSAGES' },
  'POST messages': 'DIRECT',
  'GET messages/*': { action: 'READ_MESSAGE', about: ofMessage },
  'GET messages/*/why': { action: 'TRACE_MESSAGE', about: ofMessage },
  'POST messages/*/withdraw': { action: 'WITHDRAW_MESSAGE', about: ofMessage },
  'POST messages/*/erase': { action: 'ERASE_CONTENT', about: ofMessage },
  'POST messages/*/carry-out': { action: 'ERASE_CONTENT', about: ofMessage },
  'POST messages/*/review': { action: 'REVIEW_RETENTION', about: ofMessage },
  'GET retention': { action: 'LIST_RETENTION' },
  'GET cases': { action: 'LIST_CASES' },
  'GET cases/*': { action: 'READ_CASE', about: ({ id }) => ofCase(id) },
  'POST cases/*/assign': 'STAFF',
  'GET clocks': { action: 'LIST_CASES' },
  'GET statistics': { action: 'LIST_CASES' },
  'GET evidence': { action: 'LIST_EVIDENCE', about: caseIfAny },
  'GET evidence/*/content': { action: 'READ_EVIDENCE', about: ofFile },
  'POST evidence': { action: 'HANDLE_EVIDENCE', about: caseInQuery },
  'POST evidence/*/verify': { action: 'HANDLE_EVIDENCE', about: ofFile },
  'POST evidence/*/delete': { action: 'DELETE_EVIDENCE', about: ofFile },
  'POST items': { action: 'HANDLE_EVIDENCE', about: caseInBody },
  'POST custody': { action: 'HANDLE_EVIDENCE', about: caseInBody },
  'POST transfers': 'DIRECT',
  'GET staff': 'STAFF',
  'POST staff': 'STAFF',
  'POST revocations': 'STAFF',
  'GET drafts': 'STAFF',
  'POST drafts': 'STAFF',
  'GET drafts/*': 'STAFF',
  'POST drafts/*/approve': 'STAFF',
  'POST drafts/*/reject': 'STAFF',
  'GET tasks': 'STAFF',
  'POST tasks': 'STAFF',
  'GET tasks/*': 'STAFF',
  'POST tasks/*/answer': 'STAFF',
  'GET access-log': 'STAFF',
} as const satisfies Readonly<Record<string, Access>>;

/** The name of a route: method and path, with `*` for an id. */
export type RouteName = keyof typeof ACCESS;

/** Every one of them. */
export const ROUTES: ReadonlySet<string> = new Set(Object.keys(ACCESS));

/** Whether there is such a route. */
export function isRoute(name: string): name is RouteName {
  return ROUTES.has(name);
}

/**
 * Lets a request in, or not.
 * @param header the value of `authorization`
 * @returns who asks; undefined where nobody has to say
 * @throws {StaffError} every refusal; those of a known person are on record
 */
export async function admit(
  name: RouteName,
  asked: Asked,
  header: string | undefined,
  signed: { readonly method: string; readonly path: string; readonly body?: Uint8Array | undefined },
): Promise<Actor | undefined> {
  const access: Access = ACCESS[name];
  const { staff, challenges } = asked.node;
  if (access === 'OPEN' || (typeof access === 'object' && access.when?.(asked) === false)) return undefined;
  if (header === undefined) {
    if (!(await isStaffed(staff))) return access === 'STAFF' ? OPERATOR : undefined;
    throw new StaffError(
      'STAFF_CREDENTIAL_REQUIRED',
      'Staff is registered at this node: say who you are with --as FILE, or with ROGATORY_AS.',
    );
  }
  const actor = await identify(staff, challenges, header, signed);
  if (access === 'DIRECT')
    throw new StaffError(
      'STAFF_TWO_PEOPLE',
      'A message leaves this node by two people: create a draft, and have another person approve it.',
    );
  if (access === 'STAFF') return actor;
  const { target, named, missing } = (await access.about?.(asked)) ?? { target: {} };
  const attempt = { actor, action: access.action, target, named, isMissing: missing !== undefined };
  await carryOut(staff, attempt, planOf(name, actor, asked, missing));
  return actor;
}

/**
 * What is left to judge once the rules allow it: a message that is marked for named people is read by those, and an agency’s people get the
 * files of its tasks, and bring files for them, until a task is answered; nothing else of the evidence is theirs.
 */
function planOf(
  name: RouteName,
  actor: Actor,
  { node, id, query }: Asked,
  missing: RogatoryError | undefined,
): (view: StepView) => Promise<{ readonly value: undefined }> {
  return async (view) => {
    if (missing !== undefined && actor.agency === undefined) throw missing;
    if (name === 'GET messages/*') await judgeReading(node, view, actor, id);
    if (actor.agency === undefined) return { value: undefined };
    if (name === 'GET evidence/*/content' && !(await isFileForAgency(node.staff, actor, id)))
      throw new StaffError('STAFF_UNKNOWN', `There is no file ${id} that you may see.`);
    const isBrought = name === 'POST evidence' && query.get('item') === null;
    if (isBrought) await judgeUpload(node.staff, actor, query.get('task') ?? '', query.get('case') ?? undefined);
    else if (name !== 'GET evidence/*/content')
      throw new StaffError('STAFF_ROLE_MISSING', 'An agency brings files for its tasks; exhibits are the office’s.');
    return { value: undefined };
  };
}

async function judgeReading({ exchange }: Node, view: StepView, actor: Actor, id: string): Promise<void> {
  if (!(await exchange.protection.isForNamedReaders(parseUuid(id)))) return;
  const { case_id: caseId } = (await exchange.message(parseUuid(id))).record;
  if (caseId !== undefined && !(await isAssigned(view, actor, caseId)))
    throw new StaffError(
      'STAFF_CASE_NOT_ASSIGNED',
      `Message ${id} is TLP:RED: only those may read it whom a registrar has assigned to its case by name.`,
    );
}

/** A bundle without disclosed messages shows no case: auditing is content-blind. */
function disclosesSomething({ body }: Asked): boolean {
  const { disclose = [] } = body() as { readonly disclose?: unknown };
  return !Array.isArray(disclose) || disclose.length > 0;
}

/** The line names the message where it is one; the ledger has an entry of its own for each that is disclosed. */
function ofDisclosed({ body }: Asked): About {
  const { disclose } = body() as { readonly disclose?: unknown };
  const [id, ...more] = Array.isArray(disclose) ? (disclose as unknown[]) : [];
  return { target: typeof id === 'string' && isUuid(id) && more.length === 0 ? { message_id: id } : {} };
}

async function ofMessage({ node, id }: Asked): Promise<About> {
  const named = `message ${id}`;
  try {
    const { record } = await node.exchange.message(parseUuid(id));
    return { target: { message_id: record.message_id, case_id: record.case_id }, named };
  } catch (error) {
    if (error instanceof RogatoryError && error.code === 'EXCHANGE_UNKNOWN_MESSAGE')
      return { target: {}, named, missing: error };
    throw error;
  }
}

async function ofFile({ node, id }: Asked): Promise<About> {
  const named = `file ${id}`;
  const found = (await node.exchange.evidence.list()).find(({ file_id: file }) => file === id);
  if (found !== undefined) return { target: { file_id: id, case_id: found.case_id }, named };
  return { target: {}, named, missing: new EvidenceError('EVIDENCE_UNKNOWN', `There is no file ${id} at this node.`) };
}

function parseCaseId(text: unknown): Uuid {
  if (typeof text !== 'string' || !isUuid(text)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return text;
}
