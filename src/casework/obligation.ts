/** What one party owes the other: opened by a message, settled by another, or gone with the state that it waited in. */
import type { Uuid } from '../base/mod.ts';
import type { Effects } from './fold.ts';
import type { Folded } from './folded.ts';
import { ownOf } from './own.ts';
import { otherParty, type CaseState, type ObligationKind, type Party } from './state.ts';
import type { CaseStep, Statement } from './step.ts';
import type { Transition } from './table/row.ts';

/** One thing owed. */
export interface Obligation {
  readonly kind: ObligationKind;
  readonly owed_by: Party;
  /** The message that asks for it. */
  readonly message_id: Uuid;
  readonly due?: string | undefined;
  /** The measures that it is about, where it is not about the case as a whole. */
  readonly measures?: readonly string[] | undefined;
  readonly items?: readonly string[] | undefined;
  readonly conditions?: Statement['conditions'];
  readonly round?: number | undefined;
  readonly until?: string | undefined;
  readonly more_to_follow?: boolean | undefined;
  readonly purpose?: Statement['purpose'] | undefined;
  readonly onward_to?: Statement['onward_to'] | undefined;
}

// An answer is waited for in one state: when the case has left it otherwise, nothing is owed any more.
const WAITS_IN: Readonly<Partial<Record<ObligationKind, CaseState>>> = {
  CLARIFICATION_REPLY: 'CLARIFY',
  CONDITIONS_RESPONSE: 'CONSULT',
  LIFT_HEARING: 'LIFT_INTENDED',
  SHARING_AGREEMENT: 'DISPOSITION_PROPOSED',
  PREFLIGHT_ANSWER: 'PREFLIGHT',
};

/** The obligation that a step settles: the one that it answers by its id, or by its round, or else the oldest of the kind. */
export function settledBy(
  open: readonly Obligation[],
  rows: readonly Transition[],
  step: CaseStep,
  by: Party,
): Obligation | undefined {
  const applicable = rows.filter(({ outcome }) => outcome === undefined || outcome === step.outcome);
  const kinds = new Set(applicable.flatMap(({ settles, maySettle }) => [settles, maySettle]));
  const candidates = open.filter(
    ({ kind, owed_by: owedBy, round }) =>
      kinds.has(kind) && owedBy === by && (kind !== 'CLARIFICATION_REPLY' || round === step.said?.round),
  );
  return candidates.find(({ message_id: id }) => id === step.in_reply_to) ?? candidates[0];
}

/** What is owed after a step. */
export function obligationsAfter(
  next: Pick<Folded, 'state' | 'measures' | 'held'>,
  before: readonly Obligation[],
  effects: Effects,
): readonly Obligation[] {
  const { settled, step } = effects;
  const answersAll = step.type === 'status_report' && settled !== undefined && settled.message_id !== step.in_reply_to;
  const left = before
    .filter((owed) => owed !== settled && !(answersAll && owed.kind === 'STATUS_REPORT'))
    .map((owed) => withoutReturned(owed, step))
    .filter((owed) => owed.kind !== 'RETURN_OF_ORIGINALS' || owed.items!.length > 0);
  return [...left, ...opened(left, effects)].filter((owed) => stillWaits(owed, next));
}

function opened(left: readonly Obligation[], { taken, units, step, by }: Effects): Obligation[] {
  const { message_id, said } = step;
  const measures = units.some((unit) => unit === '') ? undefined : units;
  const kinds = [...new Set(taken.flatMap(({ opens }) => (opens === undefined ? [] : [opens])))];
  const added = kinds.map((kind): Obligation => ({
    kind,
    owed_by: kind === 'WRITTEN_CONFIRMATION' ? by : otherParty(by),
    message_id,
    due: said?.reply_by,
    measures,
    items: said?.items,
    conditions: said?.conditions,
    round: said?.round,
    until: said?.until,
    more_to_follow: said?.more_to_follow,
    purpose: said?.purpose,
    onward_to: said?.onward_to,
  }));
  const known = new Set(left.flatMap(({ kind, items }) => (kind === 'RETURN_OF_ORIGINALS' ? (items ?? []) : [])));
  const originals = (said?.originals ?? []).filter((item) => !known.has(item));
  const dueOf = (item: string): string | undefined => ownOf(said?.originals_due, item) ?? said?.return_by;
  for (const due of new Set(originals.map(dueOf))) {
    const items = originals.filter((item) => dueOf(item) === due);
    added.push({ kind: 'RETURN_OF_ORIGINALS', owed_by: otherParty(by), message_id, due, items });
  }
  return added;
}

function withoutReturned(owed: Obligation, step: CaseStep): Obligation {
  const returns = step.type === 'return_of_originals' || step.type === 'return_waiver';
  if (owed.kind !== 'RETURN_OF_ORIGINALS' || !returns) return owed;
  const items = new Set(step.said?.items);
  return { ...owed, items: owed.items!.filter((item) => !items.has(item)) };
}

function stillWaits(owed: Obligation, next: Pick<Folded, 'state' | 'measures' | 'held'>): boolean {
  const state = WAITS_IN[owed.kind];
  if (state === undefined) return true;
  if (owed.measures === undefined) return next.state === state;
  return owed.measures.some(
    (id) =>
      next.measures[id] === state && (owed.round === undefined || ownOf(next.held, id)?.at(-1)?.round === owed.round),
  );
}
