/** Reads data files against a form, and names every fault by file, line and member. */
import type { z } from 'zod';
import type { Fault, FaultCode } from '../../wire/mod.ts';

/** A file as it was read: its value, and how to say where a member of it stands. */
export interface RegistryDocument {
  readonly file: string;
  readonly value: unknown;
  readonly lineOf: (path: readonly (string | number)[]) => number | undefined;
}

/** Every document that has the form, and everything that is wrong with the others. */
export function documentFaults<T>(
  schema: z.ZodType<T>,
  documents: readonly RegistryDocument[],
): { readonly values: { readonly document: RegistryDocument; readonly value: T }[]; readonly faults: Fault[] } {
  const values: { document: RegistryDocument; value: T }[] = [];
  const faults: Fault[] = [];
  for (const document of documents) {
    // Each form reads a few files once: to compile a reader for it would take longer than reading does.
    const parsed = schema.safeParse(document.value, { reportInput: true, jitless: true });
    if (parsed.success) values.push({ document, value: parsed.data });
    else {
      for (const issue of parsed.error.issues) {
        const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
        for (const path of paths)
          faults.push(faultAt(document, path as (string | number)[], codeOfIssue(issue), wordsOf(issue)));
      }
    }
  }
  return { values, faults };
}

/** A fault at a member of a file. */
export function faultAt(
  document: RegistryDocument,
  path: readonly (string | number)[],
  code: FaultCode,
  message: string,
): Fault {
  const line = lineAt(document, path);
  const member = path.reduce<string>(
    (text, part) => text + (typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${part}`),
    '',
  );
  return {
    path: `${document.file}${line === undefined ? '' : `:${line}`}${member === '' ? '' : ` ${member}`}`,
    code,
    message,
  };
}

// What is missing has no line: the line of what it is missing from.
function lineAt(document: RegistryDocument, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const line = document.lineOf(path.slice(0, length));
    if (line !== undefined) return line;
  }
  return undefined;
}

type Issue = z.core.$ZodIssue;

function codeOfIssue(issue: Issue): FaultCode {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'UNKNOWN_FIELD';
    case 'invalid_type':
      return issue.input === undefined ? 'REQUIRED' : 'WRONG_TYPE';
    case 'invalid_format':
      return 'BAD_FORMAT';
    case 'too_big':
    case 'too_small':
      return 'OUT_OF_RANGE';
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'invalid_union':
    case 'invalid_value':
    case 'not_multiple_of':
      return 'BAD_VALUE';
    default:
      return issue satisfies never;
  }
}

function wordsOf(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return 'is not known';
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is required';
  return issue.message.replace(/^Invalid (input|option): expected/, 'must be');
}
