/** The work of this node's people over its local interface: staff, assignments, drafts, tasks, the access log. */
import { isJurisdictionCode, isUuid, type Uuid } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import type { SignedStatement } from '../credential/mod.ts';
import type { CaseView, IdempotencyKey, RetentionView } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';
import {
  OPERATOR,
  StaffError,
  answerTask,
  approveDraft,
  assignCase,
  clearanceFor,
  createDraft,
  createTask,
  listDrafts,
  listStaff,
  listTasks,
  onlyCleared,
  readAccessLog,
  readDraft,
  readTask,
  registerStaff,
  rejectDraft,
  revokeStaff,
  type AccessLog,
  type Actor,
  type AssignmentRecord,
  type DraftRecord,
  type IssuedRecord,
  type TaskRecord,
  type TaskView,
} from '../staff/mod.ts';
import type { EvidenceList } from './evidence-routes.ts';
import type { ClocksAnswer } from './case-routes.ts';
import { parseCount } from './count.ts';
import { answerFor, type SentAnswer } from './message-routes.ts';

/** Who asks, and of which node. */
interface Call {
  readonly node: Node;
  readonly actor: Actor;
}

/** A draft as it is kept. */
export interface DraftAnswer extends DraftRecord {
  /** Its idempotency key had written it before. */
  readonly repeated?: true;
}

const MAX_LINES = 10_000;

export function register({ node, actor }: Call, body: unknown): Promise<SignedStatement> {
  return registerStaff(node.staff, actor, body);
}

export async function staff({ node, actor }: Call): Promise<IssuedRecord[]> {
  return listStaff(node.staff, actor);
}

export function revoke({ node, actor }: Call, body: unknown): Promise<IssuedRecord[]> {
  return revokeStaff(node.staff, actor, body);
}

export function assign({ node, actor }: Call, id: string, body: unknown): Promise<AssignmentRecord> {
  const { person, remove } = body as { readonly person?: unknown; readonly remove?: unknown };
  if (typeof person !== 'string') throw new ApiError('API_BAD_REQUEST', '“person” must name a person.');
  return assignCase(node.staff, onStaff(actor), { case_id: parseCaseId(id), person, remove: remove === true });
}

export async function draft(
  { node, actor }: Call,
  body: unknown,
  key: IdempotencyKey | undefined,
): Promise<DraftAnswer> {
  const { to, draft: message, evidence } = body as Readonly<Record<string, unknown>>;
  if (typeof to !== 'string' || !isJurisdictionCode(to))
    throw new ApiError('API_BAD_REQUEST', '“to” must be a jurisdiction code.');
  const content = message ?? evidence;
  if (typeof content !== 'object' || content === null)
    throw new ApiError('API_BAD_REQUEST', '“draft” or “evidence” must be an object.');
  const kind = message === undefined ? 'EVIDENCE' : 'MESSAGE';
  const writing = { to, kind, content: content as DraftRecord['content'] } as const;
  const { draft: kept, isNew } = await createDraft(node.staff, onStaff(actor), writing, key);
  return isNew ? kept : { ...kept, repeated: true };
}

export function drafts({ node, actor }: Call): Promise<DraftRecord[]> {
  return listDrafts(node.staff, onStaff(actor));
}

export function oneDraft({ node, actor }: Call, id: string): Promise<DraftRecord> {
  return readDraft(node.staff, onStaff(actor), id);
}

/** Sends a draft, and waits for the peer's answer as long as the caller wants. */
export async function approve({ node, actor }: Call, id: string, body: unknown): Promise<SentAnswer> {
  const { wait_ms: waitMs } = body as { readonly wait_ms?: unknown };
  return answerFor(node, await approveDraft(node.staff, onStaff(actor), id), waitMs);
}

export function reject({ node, actor }: Call, id: string, body: unknown): Promise<DraftRecord> {
  const { why } = body as { readonly why?: unknown };
  if (typeof why !== 'string' || why.trim() === '') throw new ApiError('API_BAD_REQUEST', '“why” must say why.');
  return rejectDraft(node.staff, onStaff(actor), id, why);
}

export function order({ node, actor }: Call, body: unknown): Promise<TaskRecord> {
  return createTask(node.staff, onStaff(actor), body);
}

export function tasks({ node, actor }: Call, query: URLSearchParams): Promise<TaskRecord[]> {
  const caseId = query.get('case');
  return listTasks(node.staff, onStaff(actor), caseId === null ? undefined : parseCaseId(caseId));
}

export function oneTask({ node, actor }: Call, id: string): Promise<TaskView> {
  return readTask(node.staff, onStaff(actor), id);
}

export function answer({ node, actor }: Call, id: string, body: unknown): Promise<TaskRecord> {
  return answerTask(node.staff, onStaff(actor), id, body);
}

export function accessLog({ node, actor }: Call, query: URLSearchParams): Promise<AccessLog> {
  const limit = Math.min(parseCount(query.get('limit') ?? '1000', 'A limit'), MAX_LINES);
  const [person, caseId] = [query.get('person') ?? undefined, query.get('case') ?? undefined];
  return readAccessLog(node.staff, onStaff(actor), { person, case_id: caseId, limit });
}

/** Of which cases the person sees what a list of this kind has; undefined where nobody has to say who they are. */
export function knownCasesFor(
  { node }: Pick<Call, 'node'>,
  actor: Actor | undefined,
  action: 'LIST_MESSAGES' | 'LIST_CASES',
): ((caseId: Uuid | undefined) => Promise<boolean>) | undefined {
  return actor === undefined ? undefined : clearanceFor(node.staff, actor, action);
}

/** Of a list of cases those that the person knows; whoever sees all of them without knowing them sees how far they are, and no more. */
export async function knownCases(
  { node }: Pick<Call, 'node'>,
  actor: Actor | undefined,
  cases: readonly CaseView[],
): Promise<CaseView[]> {
  if (actor === undefined) return [...cases];
  const listed = await onlyCleared(node.staff, actor, 'LIST_CASES', cases, ({ case_id: id }) => id);
  const known = await onlyCleared(node.staff, actor, 'READ_CASE', cases, ({ case_id: id }) => id);
  return listed.map((each) => (known.includes(each) ? each : unread(each)));
}

// Named one by one: what a case comes to hold later is not shown by mistake.
function unread({
  case_id,
  kind,
  state,
  requesting,
  requested,
  parent_id,
  children,
  siblings,
  steps,
}: CaseView): CaseView {
  return {
    case_id,
    kind,
    state,
    requesting,
    requested,
    ...(parent_id === undefined ? {} : { parent_id }),
    children,
    siblings,
    steps: steps.map(({ message_id, by, type, issued_at }) => ({ message_id, by, type, issued_at, measures: [] })),
    measures: {},
    held: {},
    obligations: [],
    conditions: [],
    rounds: 0,
    marks: {},
    instruments: [],
  };
}

/** Clocks of the cases that the person knows: an instrument and a date say something of a case. */
export async function knownClocks(
  { node }: Pick<Call, 'node'>,
  actor: Actor | undefined,
  answer: ClocksAnswer,
): Promise<ClocksAnswer> {
  if (actor === undefined) return answer;
  const clocks = await onlyCleared(node.staff, actor, 'READ_CASE', answer.clocks, ({ case_id: id }) => id);
  const noted = await onlyCleared(node.staff, actor, 'READ_CASE', answer.noted, ({ case_id: id }) => id);
  return { ...answer, clocks, noted };
}

/** Of what may be kept for a time, what is of cases that the person knows. */
export function knownRetention(
  { node }: Pick<Call, 'node'>,
  actor: Actor | undefined,
  list: RetentionView[],
): Promise<RetentionView[]> | RetentionView[] {
  if (actor === undefined) return list;
  return onlyCleared(node.staff, actor, 'LIST_RETENTION', list, ({ case_id: id }) => id);
}

/** Of files and exhibits those of cases that the person knows. */
export async function knownEvidence(
  { node }: Pick<Call, 'node'>,
  actor: Actor | undefined,
  list: EvidenceList,
): Promise<EvidenceList> {
  if (actor === undefined) return list;
  const files = await onlyCleared(node.staff, actor, 'LIST_EVIDENCE', list.files, ({ case_id: id }) => id);
  const items = await onlyCleared(node.staff, actor, 'LIST_EVIDENCE', list.items, ({ case_id: id }) => id);
  return { files, items };
}

/** Beyond registering people, there is no work here for somebody without a credential. */
function onStaff(actor: Actor): Actor {
  if (actor !== OPERATOR) return actor;
  throw new StaffError(
    'STAFF_CREDENTIAL_REQUIRED',
    'No staff is registered at this node: there are no drafts, tasks or assignments. “rogatory staff add” registers the first person.',
  );
}

function parseCaseId(text: string): Uuid {
  if (!isUuid(text)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return text;
}
