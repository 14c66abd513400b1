import { bodyTypeName, fieldsOf } from '../../wire/mod.ts';
import type { Case } from '../case.ts';
import type { Obligation } from '../obligation.ts';
import type { Party } from '../state.ts';
import { nameOf, type CodeLists, type FormLanguage } from './code-list.ts';
import { directed, isolate, styleOf, type Style } from './direction.ts';

/** A case as people see it, with those opened under it and those of the same investigation. */
export interface CaseOnPaper extends Case {
  readonly children: readonly { readonly case_id: string }[];
  readonly siblings: readonly { readonly case_id: string; readonly peer: string }[];
}

/** A case in the reader's language: where it stands, what is owed, what binds, and its messages in order. */
export function caseFormLines(found: CaseOnPaper, lists: CodeLists, lang: FormLanguage): string[] {
  const style = styleOf(lists, lang);
  const word = (group: string, code: string): string => nameOf(lists, group, code, lang);
  const label = (name: string, value: string): string => `  ${word('fields', name)}: ${isolate(value, style)}`;
  const each = (name: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`  ${word('words', name)}`, ...values.map((value) => `    ${isolate(value, style)}`)];
  const lines = [
    `${word('fields', 'case_id')} ${isolate(found.case_id, style)}: ${word('CaseKind', found.kind)}, ${word('CaseState', found.state)}`,
    label('from', found.requesting),
    label('to', found.requested),
    ...(found.parent_id === undefined ? [] : [label('parent_id', found.parent_id)]),
    ...each(
      'case_children',
      found.children.map(({ case_id: id }) => id),
    ),
    ...(found.investigation_id === undefined ? [] : [label('investigation_id', found.investigation_id)]),
    ...each(
      'case_siblings',
      found.siblings.map(({ case_id: id, peer }) => `${id} ${peer}`),
    ),
    ...Object.entries(found.measures).map(
      ([id, state]) => `  ${word('words', 'measure')} ${isolate(id, style)}: ${word('CaseState', state)}`,
    ),
    ...found.obligations.map((owed) => `  ${obligationText(found, owed, style)}`),
    ...found.conditions.map(({ kind, until, binds }) => {
      const end = until === undefined ? '' : `, ${word('fields', 'until')} ${isolate(until, style)}`;
      return `  ${word('ConditionKind', kind)}: ${word('words', 'binds')} ${isolate(codeOf(found, binds), style)}${end}`;
    }),
    `  ${word('words', 'case_messages')}`,
    ...found.steps.map(({ by, type, outcome, message_id: id }) => {
      const group = fieldsOf(bodyTypeName(type)).find(({ name }) => name === 'outcome')?.type;
      const result = outcome === undefined || group === undefined ? '' : ` (${word(group, outcome)})`;
      return `    ${isolate(by, style)}  ${word('fields', type)}${result}  ${isolate(id, style)}`;
    }),
  ];
  return lines.map((line) => directed(line, style));
}

/** Where a case stands, in two words. */
export function caseStandText(
  { kind, state }: Pick<Case, 'kind' | 'state'>,
  lists: CodeLists,
  lang: FormLanguage,
): string {
  return `${nameOf(lists, 'CaseKind', kind, lang)}, ${nameOf(lists, 'CaseState', state, lang)}`;
}

function obligationText(found: Case, { kind, owed_by: by, due, items }: Obligation, style: Style): string {
  const word = (code: string): string => nameOf(style.lists, 'words', code, style.lang);
  const what = nameOf(style.lists, 'ObligationKind', kind, style.lang);
  const which = items === undefined ? '' : ` ${isolate(items.join(', '), style)}`;
  const when = due === undefined ? '' : `, ${word('due')} ${isolate(due, style)}`;
  return `${word('owed')}: ${what}${which}, ${word('owed_by')} ${isolate(codeOf(found, by), style)}${when}`;
}

function codeOf(found: Case, party: Party): string {
  return party === 'REQUESTING' ? found.requesting : found.requested;
}
