import { counted } from '../../base/mod.ts';
import type { Obligation } from '../../casework/mod.ts';
import type { CaseView } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { knownCase } from '../known-case.ts';
import { LANG, readerOf } from '../language.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;

export const caseList: Command = {
  name: 'case list',
  summary: 'cases of this node and where they stand',
  options: { node: NODE, lang: LANG },
  async run(args, io) {
    args.noOperands();
    const reader = await readerOf(args);
    const cases = await nodeClient(args).get<CaseView[]>('cases');
    const line = (each: CaseView): string =>
      reader === undefined
        ? `${each.case_id}  ${partiesOf(each)}  ${each.kind.padEnd(11)} ${each.state.padEnd(16)} ${counted(each.steps.length, 'message')}`
        : `${each.case_id}  ${partiesOf(each)}  ${reader.caseStand(each)}`;
    // A child stands under its parent, as long as the parent is in the list.
    const ids = new Set(cases.map(({ case_id: id }) => id));
    const tops = cases.filter(({ parent_id: parent }) => parent === undefined || !ids.has(parent));
    const tree = (top: CaseView, indent: string): string[] => [
      `${indent}${line(top)}`,
      ...cases.filter((each) => isChild(each, top)).flatMap((child) => tree(child, `${indent}  `)),
    ];
    io.result(cases, cases.length === 0 ? ['No cases.'] : tops.flatMap((top) => tree(top, '')));
    return 0;
  },
};

export const caseShow: Command = {
  name: 'case show',
  summary: 'one case: its state, its measures, what is owed, its messages',
  operands: 'CASE',
  options: { node: NODE, lang: LANG },
  details:
    'A matter with several counterparts, such as an alert or a joint team, has one case for each, all under one id.',
  async run(args, io) {
    const reader = await readerOf(args);
    const linesOf = (each: CaseView): readonly string[] =>
      reader === undefined ? caseLines(each) : reader.caseForm(each);
    const id = args.operandId('case');
    const found = await knownCase(nodeClient(args), id);
    io.result(
      found.length === 1 ? found[0] : found,
      found.flatMap((each, index) => [...(index > 0 ? [''] : []), ...linesOf(each)]),
    );
    return 0;
  },
};

function caseLines(found: CaseView): string[] {
  return [
    `Case ${found.case_id}: ${found.kind}, ${found.state}`,
    `  ${found.requesting} ${found.kind === 'JOINT_TEAM' ? 'with' : 'asks'} ${found.requested}`,
    ...(found.parent_id === undefined ? [] : [`  child of ${found.parent_id}`]),
    ...found.children.map(({ case_id: child }) => `  parent of ${child}`),
    ...(found.investigation_id === undefined ? [] : [`  investigation ${found.investigation_id}`]),
    ...found.siblings.map(({ case_id: sibling, peer }) => `  sibling ${sibling} with ${peer}`),
    ...Object.entries(found.measures).map(([measure, state]) => `  measure ${measure}: ${state}`),
    ...found.obligations.map((owed) => `  ${obligationLine(found, owed)}`),
    ...found.conditions.map(
      ({ kind, until, binds }) =>
        `  condition ${kind} binds ${found[partyMember(binds)]}${until === undefined ? '' : ` until ${until}`}`,
    ),
    ...found.steps.map(
      ({ by, type, message_id, outcome }) =>
        `  ${by}  ${type.replaceAll('_', ' ')}${outcome === undefined ? '' : ` (${outcome})`}  ${message_id}`,
    ),
  ];
}

function obligationLine(found: CaseView, { kind, owed_by: by, due, items }: Obligation): string {
  const what = `${found[partyMember(by)]} owes ${kind}`;
  return `${what}${items === undefined ? '' : ` of ${items.join(', ')}`}${due === undefined ? '' : ` by ${due}`}`;
}

function partyMember(party: 'REQUESTING' | 'REQUESTED'): 'requesting' | 'requested' {
  return party === 'REQUESTING' ? 'requesting' : 'requested';
}

function partiesOf({ kind, requesting, requested }: CaseView): string {
  return `${requesting} ${kind === 'JOINT_TEAM' ? '–' : '→'} ${requested}`;
}

// Children belong to the pair of parties: the same case id with another counterpart has its own.
function isChild(each: CaseView, top: CaseView): boolean {
  const pair = (found: CaseView): string => [found.requesting, found.requested].sort().join();
  return each.parent_id === top.case_id && pair(each) === pair(top);
}
