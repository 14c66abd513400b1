import type { BodyType } from '../../wire/mod.ts';
import type { CaseKind, CaseState, ObligationKind, Party } from '../state.ts';

/** What has to hold beyond state, party and outcome; `guard.ts` says how each is decided. */
export type GuardName =
  | 'NEXT_ROUND'
  | 'REPLY_OVERDUE'
  | 'AS_ANNOUNCED'
  | 'ITEMS_OUTSTANDING'
  | 'NOTHING_BLOCKS'
  | 'NOTHING_RESTRAINED'
  | 'FIRST_OF_TWO'
  | 'SECOND_OF_TWO'
  | 'SAME_TERMS'
  | 'WITHIN_TERM'
  | 'RULE_STATED'
  | 'WITHIN_ACCEPTED'
  | 'SAME_MEASURES'
  | 'PARENT_RECEIVED'
  | 'TEAM_COMPLETE'
  | 'NAMES_OWN_MESSAGES';

/** One row of a state machine. */
export interface Transition {
  readonly kind: CaseKind;
  /** Its number in the specification. */
  readonly no: string;
  /** States that it may be taken from; none for a message that opens a case. */
  readonly from: readonly CaseState[];
  /** The message may open a case. */
  readonly opening?: true;
  readonly message: BodyType;
  readonly by: Party | 'EITHER';
  /** The outcome that the message states, where the row is about one. */
  readonly outcome?: string;
  /** SAME: stays. PRIOR: back to where it was before. */
  readonly to: CaseState | 'SAME' | 'PRIOR';
  readonly guards?: readonly GuardName[];
  /** The other party owes this from now on. */
  readonly opens?: ObligationKind;
  /** The message settles this; without one open it cannot be sent. */
  readonly settles?: ObligationKind;
  /** As `settles`, but the message may also be sent unasked. */
  readonly maySettle?: ObligationKind;
  /** Every measure in one of the row's states has to be named (NAMED), or every measure of the case has to be in one (STATE). */
  readonly all?: 'NAMED' | 'STATE';
  /** The conditions that the message states, or accepts, bind the other party's use of what it gets. */
  readonly binds?: true;
}

/** A row without its kind. */
export type Row = Omit<Transition, 'kind'>;

/** Rows of one kind of case. */
export function rowsOf(kind: CaseKind, rows: readonly Row[]): readonly Transition[] {
  return rows.map((row) => ({ kind, ...row }));
}
