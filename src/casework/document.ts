/** The table of transitions for people: as Markdown, as text, and as a diagram. */
import { GUARDS } from './guard.ts';
import type { CaseKind, CaseState } from './state.ts';
import { ASSET_GROUPS } from './table/asset.ts';
import { REQUEST_GROUPS } from './table/request.ts';
import type { Transition } from './table/row.ts';
import { TRANSITIONS } from './transition.ts';

const TITLES: Readonly<Record<CaseKind, string>> = {
  REQUEST: 'A request, measure by measure',
  ASSET: 'An asset',
  SPONTANEOUS: 'Information given unasked',
  ALERT: 'An alert, for each recipient',
  HIT_QUERY: 'A hit/no-hit query',
  JOINT_TEAM: 'A joint investigation team, for each pair of members',
};

const GROUPS: Readonly<Partial<Record<CaseKind, Readonly<Record<string, readonly CaseState[]>>>>> = {
  REQUEST: REQUEST_GROUPS,
  ASSET: ASSET_GROUPS,
};

const BY = { REQUESTING: 'requesting', REQUESTED: 'requested', EITHER: 'either' } as const;

/** The kinds of case, in the order of the specification. */
export const CASE_KINDS = Object.keys(TITLES) as readonly CaseKind[];

/** Every kind as a Markdown table under a heading. */
export function transitionsMarkdown(kinds: readonly CaseKind[] = CASE_KINDS): string {
  return kinds
    .map((kind) => {
      const groups = Object.entries(GROUPS[kind] ?? {});
      const legend = groups.map(([name, states]) => `*${name.toLowerCase()}*: ${states.join(', ')}.\n`);
      const rows = TRANSITIONS.filter((row) => row.kind === kind).map((row) => `| ${cellsOf(row).join(' | ')} |\n`);
      const head = '| # | from | message | by | to | and |\n|---|---|---|---|---|---|\n';
      return `### ${TITLES[kind]}\n\n${legend.length > 0 ? `${legend.join('')}\n` : ''}${head}${rows.join('')}`;
    })
    .join('\n');
}

/** The same in columns. */
export function transitionsText(kinds: readonly CaseKind[] = CASE_KINDS): string[] {
  return kinds.flatMap((kind) => [
    `${TITLES[kind]} (${kind})`,
    ...TRANSITIONS.filter((row) => row.kind === kind).map((row) => {
      const [no, from, message, by, to, more] = cellsOf(row).map((cell) => cell.replaceAll(/[*`]/g, ''));
      return `  ${no!.padEnd(4)} ${message!.padEnd(46)} ${by!.padEnd(11)} ${from} → ${to}${more === '' ? '' : `  (${more})`}`;
    }),
    '',
  ]);
}

/** The same as a state diagram; steps that leave a state as it is are left out. */
export function transitionsMermaid(kinds: readonly CaseKind[] = CASE_KINDS): string {
  return kinds
    .map((kind) => {
      const lines = new Set<string>();
      for (const row of TRANSITIONS.filter((each) => each.kind === kind && each.to !== 'SAME')) {
        const to = row.to === 'PRIOR' ? 'prior' : row.to;
        const label = row.outcome === undefined ? row.message : `${row.message} ${row.outcome}`;
        for (const from of [...(row.opening === true ? ['[*]'] : []), ...row.from])
          lines.add(`  ${from} --> ${to}: ${label}`);
      }
      return `stateDiagram-v2\n  %% ${TITLES[kind]}\n${[...lines].join('\n')}\n`;
    })
    .join('\n');
}

function cellsOf(row: Transition): readonly string[] {
  const from = [...(row.opening === true ? ['–'] : []), ...grouped(row)];
  const message = `${row.message}${row.outcome === undefined ? '' : ` ${row.outcome}`}`;
  const to = row.to === 'SAME' ? 'same' : row.to === 'PRIOR' ? 'prior state' : row.to;
  return [row.no, from.join(', '), message, BY[row.by], to, remarksOf(row).join('; ')];
}

function grouped({ kind, from }: Transition): string[] {
  let left = [...from];
  const names: string[] = [];
  for (const [name, states] of Object.entries(GROUPS[kind] ?? {})) {
    if (!states.every((state) => left.includes(state))) continue;
    names.push(`*${name.toLowerCase()}*`);
    left = left.filter((state) => !states.includes(state));
  }
  return [...names, ...left];
}

function remarksOf({ guards, opens, settles, maySettle, all, binds }: Transition): string[] {
  return [
    ...(guards ?? []).map((name) => `if ${GUARDS[name].asks}`),
    ...(opens === undefined ? [] : [`opens \`${opens}\``]),
    ...(settles === undefined ? [] : [`settles \`${settles}\``]),
    ...(maySettle === undefined ? [] : [`settles \`${maySettle}\` if open`]),
    ...(all === 'NAMED' ? ['names every measure that is undecided'] : []),
    ...(all === 'STATE' ? ['every measure is in one of these states'] : []),
    ...(binds === true ? ['its conditions bind'] : []),
  ];
}
