import type { BodyType } from '../wire/mod.ts';
import type { CaseKind, CaseState, Party } from './state.ts';
import { ASSET_ROWS } from './table/asset.ts';
import { REQUEST_ROWS } from './table/request.ts';
import type { Transition } from './table/row.ts';
import { ALERT_ROWS, HIT_QUERY_ROWS, SPONTANEOUS_ROWS } from './table/spontaneous.ts';
import { TEAM_ROWS } from './table/team.ts';

/** The state machines, as data: whatever is not in this table is refused, by the sender and by the receiver. */
export const TRANSITIONS: readonly Transition[] = [
  ...REQUEST_ROWS,
  ...ASSET_ROWS,
  ...SPONTANEOUS_ROWS,
  ...ALERT_ROWS,
  ...HIT_QUERY_ROWS,
  ...TEAM_ROWS,
];

const byMessage = new Map<string, Transition[]>();
for (const row of TRANSITIONS) {
  for (const party of ['REQUESTING', 'REQUESTED'] as const) {
    const key = `${row.kind}/${row.message}/${party}`;
    if (row.by === party || row.by === 'EITHER') byMessage.set(key, [...(byMessage.get(key) ?? []), row]);
  }
}

const opening = new Map<BodyType, CaseKind>(
  TRANSITIONS.filter((row) => row.opening === true).map(({ message, kind }) => [message, kind]),
);

/** The kind of case that a message opens, if it can open one. */
export function kindOpenedBy(message: BodyType): CaseKind | undefined {
  return opening.get(message);
}

/** The rows that a message of this party can take, from whatever state. */
export function rowsFor(kind: CaseKind, message: BodyType, by: Party): readonly Transition[] {
  return byMessage.get(`${kind}/${message}/${by}`) ?? [];
}

/** Whether a row is about a state, undefined before the case is opened, and an outcome. */
export function isAbout(row: Transition, state: CaseState | undefined, outcome: string | undefined): boolean {
  const isFrom = state === undefined ? row.opening === true : row.from.includes(state);
  return isFrom && (row.outcome === undefined || row.outcome === outcome);
}
