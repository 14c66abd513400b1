/**
 * A part of a case that a domestic agency works on. The agency's people see the task, the measures and the files that it names, and
 * nothing else of the case; their answer comes back into it.
 */
import { z } from 'zod';
import { isUuid, newUuid, type Uuid } from '../base/mod.ts';
import { AGENCIES, faultsOf } from '../credential/mod.ts';
import type { CaseView } from '../exchange/mod.ts';
import { carryOut, judge, recordingRefusals, type Actor } from './act.ts';
import { onlyCleared, reader, requireRole } from './assignment.ts';
import type { DeskContext } from './context.ts';
import { StaffError } from './error.ts';
import { freeText } from './free-text.ts';
import { staffKeys, type TaskRecord } from './record.ts';

/** A task as those see it who work on it. */
export interface TaskView extends TaskRecord {
  /** The measures that it names, as the request states them. */
  readonly measures: readonly unknown[];
}

const text = freeText(20_000);
const order = z.strictObject({
  case_id: z.string().refine(isUuid, 'is not a UUID'),
  agency: z.enum(AGENCIES),
  instructions: text,
  measure_ids: z.array(z.string()).min(1).max(64),
  file_ids: z.array(z.string()).max(64).default([]),
  due: z.iso.date().optional(),
});
const reply = z.strictObject({ text, file_ids: z.array(z.string()).max(64).default([]) });
// From the start of the execution to its end; a case that is suspended or partly done still needs its agencies.
const AT_WORK: readonly string[] = ['EXECUTING', 'SUSPENDED', 'PARTIAL'];

/**
 * Gives an agency its part of a case that this node executes.
 * @throws {StaffError} STAFF_INVALID, STAFF_ROLE_MISSING, STAFF_CASE_NOT_ASSIGNED {ExchangeError} EXCHANGE_WITHHELD where the request, or a
 * file, must not go beyond this authority
 */
export async function createTask(context: DeskContext, actor: Actor, json: unknown): Promise<TaskRecord> {
  const parsed = order.safeParse(json);
  if (!parsed.success) throw invalid(faultsOf(parsed.error));
  const { case_id, ...asked } = parsed.data;
  const attempt = { actor, action: 'CREATE_TASK', target: { case_id } } as const;
  await recordingRefusals(context, attempt, () => judge(context, { getRecord: reader(context) }, attempt));
  // Before it is asked whether a file may be given away: that would tell of a file of any case.
  const here = new Set((await context.exchange.evidence.list(case_id)).map(({ file_id: file }) => file));
  for (const file of asked.file_ids) if (!here.has(file)) throw invalid(`file_ids: ${file} is no file of the case`);
  await context.exchange.protection.release({ files: asked.file_ids, request_of: case_id }, { purpose: 'AGENCY' });
  return carryOut(context, attempt, async (view) => {
    const executed = await executedCase(context, case_id);
    for (const measure of asked.measure_ids)
      if (!AT_WORK.includes(executed.measures[measure] ?? ''))
        throw invalid(`measure_ids: ${measure} is not a measure that is being executed`);
    const created_at = context.clock.nowMs();
    const task: TaskRecord = {
      task_id: newUuid(created_at, context.random(10)),
      case_id,
      peer: executed.requesting,
      ...asked,
      created_by: actor.person!,
      created_at,
    };
    view.putRecord(staffKeys.task(task.task_id), task);
    return { value: task, target: { task_id: task.task_id } };
  });
}

/** The tasks that a person may see: an agency's its own, the office's those of cases that they know. */
export async function listTasks(context: DeskContext, actor: Actor, caseId?: Uuid): Promise<TaskRecord[]> {
  const all: TaskRecord[] = [];
  for await (const [, bytes] of context.store.scan(staffKeys.tasks, { reverse: true }))
    all.push(JSON.parse(Buffer.from(bytes).toString('utf8')) as TaskRecord);
  const wanted = all.filter(({ case_id }) => caseId === undefined || case_id === caseId);
  const seen =
    actor.agency === undefined
      ? await onlyCleared(context, actor, 'LIST_TASKS', wanted, ({ case_id }) => case_id)
      : wanted.filter(({ agency }) => agency === actor.agency?.kind);
  return carryOut(context, { actor, action: 'LIST_TASKS', target: { case_id: caseId } }, () =>
    Promise.resolve({ value: seen }),
  );
}

/** @throws {StaffError} STAFF_UNKNOWN, STAFF_ROLE_MISSING */
export async function readTask(context: DeskContext, actor: Actor, id: string): Promise<TaskView> {
  await requireRole(context, actor, 'READ_TASK');
  const task = await findTask(context, id);
  const target = { task_id: task.task_id, case_id: task.case_id };
  const measures = await measuresOf(context, task);
  return carryOut(context, { actor, action: 'READ_TASK', target, unseen: unknownTask(id) }, () => {
    mustBeFor(actor, task);
    return Promise.resolve({ value: { ...task, measures } });
  });
}

/** Answers a task, once. @throws {StaffError} STAFF_UNKNOWN, STAFF_ROLE_MISSING, STAFF_ALREADY_DECIDED, STAFF_INVALID */
export async function answerTask(context: DeskContext, actor: Actor, id: string, json: unknown): Promise<TaskRecord> {
  const parsed = reply.safeParse(json);
  if (!parsed.success) throw invalid(faultsOf(parsed.error));
  await requireRole(context, actor, 'ANSWER_TASK');
  const { task_id, case_id } = await findTask(context, id);
  const here = new Set((await context.exchange.evidence.list(case_id)).map(({ file_id: file }) => file));
  return carryOut(context, { actor, action: 'ANSWER_TASK', target: { task_id, case_id } }, async (view) => {
    const task = (await view.getRecord<TaskRecord>(staffKeys.task(task_id)))!;
    mustBeFor(actor, task);
    if (task.answer !== undefined)
      throw new StaffError('STAFF_ALREADY_DECIDED', `Task ${task_id} was answered by ${task.answer.unit}.`);
    for (const file of parsed.data.file_ids)
      if (!here.has(file)) throw invalid(`file_ids: ${file} is no file of the case`);
    const at = context.clock.nowMs();
    const answer = { ...parsed.data, by: actor.person!, unit: actor.agency!.unit, at };
    const next: TaskRecord = { ...task, answer };
    view.putRecord(staffKeys.task(task_id), next);
    return { value: next };
  });
}

/** Whether a task that is not answered gives an agency this file of this case. */
export async function isFileForAgency(context: DeskContext, actor: Actor, fileId: string): Promise<boolean> {
  for await (const [, bytes] of context.store.scan(staffKeys.tasks)) {
    const task = JSON.parse(Buffer.from(bytes).toString('utf8')) as TaskRecord;
    const isOpen = task.answer === undefined && task.agency === actor.agency?.kind;
    if (isOpen && task.file_ids.includes(fileId)) return true;
  }
  return false;
}

/**
 * Whether an agency may bring a file for a task: one of its own that it has not answered, of the case that the file is said to be of.
 * @throws {StaffError} STAFF_UNKNOWN, STAFF_ALREADY_DECIDED
 */
export async function judgeUpload(
  context: DeskContext,
  actor: Actor,
  id: string,
  caseId: string | undefined,
): Promise<void> {
  const task = await findTask(context, id);
  mustBeFor(actor, task);
  if (task.case_id !== caseId) throw unknownTask(id);
  if (task.answer !== undefined) throw new StaffError('STAFF_ALREADY_DECIDED', `Task ${id} was answered.`);
}

async function findTask(context: DeskContext, id: string): Promise<TaskRecord> {
  const found = isUuid(id) ? await reader(context)<TaskRecord>(staffKeys.task(id)) : undefined;
  if (found === undefined) throw unknownTask(id);
  return found;
}

/** Another agency's task is as if it were not there; that it was asked for is on record. */
function mustBeFor({ agency }: Actor, task: TaskRecord): void {
  if (agency !== undefined && agency.kind !== task.agency) throw unknownTask(task.task_id);
}

function unknownTask(id: string): StaffError {
  return new StaffError('STAFF_UNKNOWN', `There is no task ${id} that you may see.`);
}

async function executedCase({ exchange, code }: DeskContext, caseId: Uuid): Promise<CaseView> {
  const found = (await exchange.cases(caseId)).find(({ requested }) => requested === code);
  if (found === undefined) throw invalid('case_id: this node executes no such case');
  return found;
}

/** Only the measures that the task names, out of the messages that state them. */
async function measuresOf({ exchange }: DeskContext, { case_id, measure_ids }: TaskRecord): Promise<unknown[]> {
  const found = new Map<string, unknown>();
  for (const record of (await exchange.messages({ case_id })).filter(({ direction }) => direction === 'IN').reverse()) {
    const { content } = await exchange.message(record.message_id);
    for (const measure of statedMeasures(content)) if (measure_ids.includes(measure.id)) found.set(measure.id, measure);
  }
  return [...found.values()];
}

function statedMeasures(content: Readonly<Record<string, unknown>> | undefined): { readonly id: string }[] {
  return Object.values(content ?? {}).flatMap((body) => {
    const { measures, request } = body as { readonly measures?: unknown; readonly request?: unknown };
    const nested = typeof request === 'object' && request !== null ? statedMeasures({ request }) : [];
    return [...(Array.isArray(measures) ? (measures as { id: string; type?: string }[]) : []), ...nested].filter(
      (measure) => 'type' in measure,
    );
  });
}

function invalid(what: string): StaffError {
  return new StaffError('STAFF_INVALID', `This is no task: ${what}.`);
}
