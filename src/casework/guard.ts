/** The guards of the table: each by its name, decided from the case and the step alone. */
import type { Folded } from './folded.ts';
import type { Obligation } from './obligation.ts';
import { BLOCKING, RESTRAINED, otherParty, type Party } from './state.ts';
import type { CaseStep } from './step.ts';
import type { GuardName, Transition } from './table/row.ts';

/** What a guard looks at. */
export interface Situation {
  readonly current: Folded | undefined;
  readonly step: CaseStep;
  readonly by: Party;
  /** The date after which the measure's last question need not be answered any more. */
  readonly due: string | undefined;
  /** What the step settles, if it settles something. */
  readonly settled: Obligation | undefined;
}

interface Guard {
  /** What it asks for, for people. */
  readonly asks: string;
  /** Undefined where the guard needs more than the case itself: then `admission.ts` decides. */
  readonly holds?: (situation: Situation) => boolean;
}

export const GUARDS: Readonly<Record<GuardName, Guard>> = {
  NEXT_ROUND: {
    asks: 'its round is one more than the last',
    holds: ({ current, step }) => step.said?.round === (current?.rounds ?? 0) + 1,
  },
  REPLY_OVERDUE: {
    asks: 'it is issued after the date by which an answer was due',
    holds: ({ step, due }) => due !== undefined && dayOf(step.issued_at) > due,
  },
  AS_ANNOUNCED: {
    asks: 'it answers as announced: the same items, more to follow or not, the same date',
    holds: isAsAnnounced,
  },
  ITEMS_OUTSTANDING: {
    asks: 'each item has still to be returned',
    holds: ({ current, step }) => {
      const owed = outstandingItems(current);
      return (step.said?.items ?? []).every((item) => owed.has(item));
    },
  },
  NOTHING_BLOCKS: {
    asks: 'no original is unreturned, no oral request unconfirmed, no child case has a live restraint',
    holds: ({ current }) => !(current?.obligations ?? []).some(({ kind }) => BLOCKING.has(kind)),
  },
  NOTHING_RESTRAINED: {
    asks: 'no restraint is live',
    holds: ({ current }) => current === undefined || !isRestrained(current),
  },
  FIRST_OF_TWO: {
    asks: 'neither party has sent one',
    holds: ({ current, step }) => marksOf(current, step).length === 0,
  },
  SECOND_OF_TWO: {
    asks: 'only the other party has sent one',
    holds: ({ current, step, by }) => {
      const marks = marksOf(current, step);
      return marks.length === 1 && marks[0] === otherParty(by);
    },
  },
  SAME_TERMS: {
    asks: 'its terms are those proposed or signed before',
    holds: ({ current, step }) => current?.terms === undefined || current.terms === step.said?.terms,
  },
  WITHIN_TERM: {
    asks: 'it is issued on or before the last day',
    holds: ({ current, step }) => current?.until === undefined || dayOf(step.issued_at) <= current.until,
  },
  RULE_STATED: {
    asks: 'the restraint was reported with the rules under which it ends by itself',
    holds: ({ current }) => current?.has_rules === true,
  },
  WITHIN_ACCEPTED: {
    asks: 'its conditions are of kinds that were accepted or stated before',
    holds: ({ current, step }) =>
      (step.said?.conditions ?? []).every(({ kind }) =>
        (current?.conditions ?? []).some((bound) => bound.kind === kind),
      ),
  },
  SAME_MEASURES: {
    asks: 'its measures are those of the oral request',
    holds: ({ current, step }) => step.measures.length === Object.keys(current?.measures ?? {}).length,
  },
  PARENT_RECEIVED: {
    asks: 'the parent case is one between the same parties, was received, and is not closed',
  },
  TEAM_COMPLETE: {
    asks: 'the sender holds the signatures of all members',
  },
  NAMES_OWN_MESSAGES: {
    asks: 'it names messages of its sender’s in this case',
  },
};

/** The first guard of a row that does not hold. */
export function failingGuard(row: Transition, situation: Situation): GuardName | undefined {
  return row.guards?.find((name) => GUARDS[name].holds?.(situation) === false);
}

/** Whether somebody's property is under a live restraint in this case, also while a question or a confiscation is pending. */
export function isRestrained({ kind, state, held }: Pick<Folded, 'kind' | 'state' | 'held'>): boolean {
  return (
    kind === 'ASSET' && (RESTRAINED.has(state) || (held['']?.some((before) => RESTRAINED.has(before.state)) ?? false))
  );
}

/** Items that have still to be returned. */
export function outstandingItems(current: Folded | undefined): ReadonlySet<string> {
  const owed = (current?.obligations ?? []).filter(({ kind }) => kind === 'RETURN_OF_ORIGINALS');
  return new Set(owed.flatMap(({ items }) => items ?? []));
}

function marksOf(current: Folded | undefined, step: CaseStep): readonly Party[] {
  return current?.marks[step.type] ?? [];
}

function isAsAnnounced({ step, settled }: Situation): boolean {
  if (settled === undefined) return true;
  const { said } = step;
  if (step.type !== 'evidence_receipt') return settled.until === said?.until;
  const items = new Set(said?.items);
  const sameItems = items.size === settled.items?.length && settled.items.every((item) => items.has(item));
  return sameItems && (step.outcome === 'PARTIAL') === (settled.more_to_follow === true);
}

// Dates are compared as UTC days, so that both nodes decide alike wherever they stand.
function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
