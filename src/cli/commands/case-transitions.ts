import {
  CASE_KINDS,
  TRANSITIONS,
  transitionsMarkdown,
  transitionsMermaid,
  transitionsText,
  type CaseKind,
} from '../../casework/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';

export const caseTransitions: Command = {
  name: 'case transitions',
  summary: 'the table of which message may follow which, by whom',
  options: {
    kind: { value: 'KIND', help: `one kind of case: ${CASE_KINDS.join(', ')}` },
    format: { value: 'FORMAT', help: 'text (the default), markdown, or mermaid for a diagram' },
  },
  details: 'It is printed from the very table that nodes go by. No node is needed.',
  run(args, io) {
    args.noOperands();
    const kind = args.optional('kind')?.toUpperCase().replaceAll('-', '_');
    if (kind !== undefined && !CASE_KINDS.includes(kind as CaseKind))
      throw new CliError('CLI_USAGE', `--kind must be one of ${CASE_KINDS.join(', ')}.`);
    const kinds = CASE_KINDS.filter((each) => kind === undefined || each === kind);
    const format = args.text('format', 'text');
    const rows = TRANSITIONS.filter((row) => kinds.includes(row.kind));
    io.result(rows, linesOf(format, kinds));
    return Promise.resolve(0);
  },
};

function linesOf(format: string, kinds: readonly CaseKind[]): string[] {
  if (format === 'text') return transitionsText(kinds);
  if (format === 'markdown') return transitionsMarkdown(kinds).trimEnd().split('\n');
  if (format === 'mermaid') return transitionsMermaid(kinds).trimEnd().split('\n');
  throw new CliError('CLI_USAGE', '--format must be text, markdown or mermaid.');
}
