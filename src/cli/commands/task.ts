import { AGENCIES } from '../../credential/mod.ts';
import type { TaskRecord, TaskView } from '../../staff/mod.ts';
import { nodeClient } from '../acting.ts';
import { parseId, type Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readJsonInput } from '../files.ts';
import { indentedLines } from '../free-text.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;
const MAX_FILE_BYTES = 1024 * 1024;

export const taskCreate: Command = {
  name: 'task create',
  summary: 'give a domestic agency a part of a case that is being executed',
  options: {
    node: NODE,
    case: { value: 'ID', help: 'the case', required: true },
    agency: { value: 'KIND', help: AGENCIES.join(', '), required: true },
    measure: { value: 'm1[,m2…]', help: 'the measures that it is to see and to carry out', required: true },
    file: { value: 'ID[,ID…]', help: 'files of evidence that it may read' },
    instructions: { value: 'TEXT', help: 'what it is asked to do', required: true },
    due: { value: 'DATE', help: 'until when, such as 2026-03-31' },
  },
  details: 'The agency’s people see the task, these measures and these files, and nothing else of the case.',
  async run(args, io) {
    args.noOperands();
    const due = args.optional('due');
    const task = await nodeClient(args).post<TaskRecord>('tasks', {
      case_id: args.id('case'),
      agency: args.text('agency').toUpperCase(),
      instructions: args.text('instructions'),
      measure_ids: args.text('measure').split(','),
      file_ids: (args.optional('file')?.split(',') ?? []).map((id) => parseId(id, 'file')),
      ...(due === undefined ? {} : { due }),
    });
    io.result({ ok: true, task }, taskLines(task));
    return 0;
  },
};

export const taskList: Command = {
  name: 'task list',
  summary: 'tasks of agencies: an agency’s own, or those of the cases that one knows',
  options: { node: NODE, case: { value: 'ID', help: 'only of this case' } },
  async run(args, io) {
    args.noOperands();
    const caseId = args.optionalId('case');
    const path = caseId === undefined ? 'tasks' : `tasks?case=${caseId}`;
    const tasks = await nodeClient(args).get<TaskRecord[]>(path);
    io.result(tasks, tasks.length === 0 ? ['No tasks.'] : tasks.flatMap(taskLines));
    return 0;
  },
};

export const taskShow: Command = {
  name: 'task show',
  summary: 'one task with the measures that it is about, and its answer',
  operands: 'TASK',
  options: { node: NODE },
  async run(args, io) {
    const task = await nodeClient(args).get<TaskView>(`tasks/${args.operandId('task')}`);
    io.result(task, [...taskLines(task), '', ...JSON.stringify(task.measures, undefined, 2).split('\n')]);
    return 0;
  },
};

export const taskAnswer: Command = {
  name: 'task answer',
  summary: 'answer a task of one’s agency, once',
  operands: 'TASK [ANSWER.json]',
  options: {
    node: NODE,
    text: { value: 'TEXT', help: 'the answer, where there is no file' },
  },
  details: 'ANSWER.json holds {"text": "…"}, and in file_ids what was added with “evidence add --task”.',
  async run(args, io) {
    const [task, file, ...more] = args.operands;
    if (task === undefined || more.length > 0)
      throw new CliError('CLI_USAGE', 'Give the id of the task, and the file with the answer where there is one.');
    const id = parseId(task, 'task');
    const answer = file === undefined ? { text: args.text('text') } : await readJsonInput(file, MAX_FILE_BYTES);
    const answered = await nodeClient(args).post<TaskRecord>(`tasks/${id}/answer`, answer);
    io.result({ ok: true, task: answered }, taskLines(answered));
    return 0;
  },
};

function taskLines({ task_id: id, agency, measure_ids: measures, due, instructions, answer }: TaskRecord): string[] {
  const state = answer === undefined ? 'OPEN' : `answered by ${answer.unit}`;
  return [
    `${id}  ${agency}  ${measures.join(', ')}${due === undefined ? '' : `, by ${due}`}  ${state}`,
    ...indentedLines(instructions, '    '),
    ...(answer === undefined
      ? []
      : [...indentedLines(answer.text, '    → '), ...answer.file_ids.map((file) => `    → file ${file}`)]),
  ];
}
