import type { BodyType } from '../wire/mod.ts';

/** Where a case stands. Both nodes compute it from the same messages. */
export type CaseState = 'SENT' | 'RECEIVED' | 'ACCEPTED' | 'REFUSED' | 'EXECUTED' | 'PARTIAL' | 'IMPOSSIBLE';

/** Which side of a case a jurisdiction is on. */
export type Party = 'REQUESTING' | 'REQUESTED';

/** One row of the case's state machine. */
export interface Transition {
  /** Undefined for a message that opens a case. */
  readonly from: CaseState | undefined;
  readonly message: BodyType;
  readonly by: Party;
  /** The outcome that the message states, where the next state depends on it. */
  readonly outcome?: string;
  readonly to: CaseState;
}

/** The state machine, as data: whatever is not in this table is refused, by the sender and by the receiver. */
export const TRANSITIONS: readonly Transition[] = [
  { from: undefined, message: 'assistance_request', by: 'REQUESTING', to: 'SENT' },
  { from: 'SENT', message: 'acknowledge_receipt', by: 'REQUESTED', to: 'RECEIVED' },
  { from: 'RECEIVED', message: 'review_decision', by: 'REQUESTED', outcome: 'ACCEPT', to: 'ACCEPTED' },
  { from: 'RECEIVED', message: 'review_decision', by: 'REQUESTED', outcome: 'PART', to: 'ACCEPTED' },
  { from: 'RECEIVED', message: 'review_decision', by: 'REQUESTED', outcome: 'REFUSE', to: 'REFUSED' },
  { from: 'ACCEPTED', message: 'execution_report', by: 'REQUESTED', outcome: 'EXECUTED', to: 'EXECUTED' },
  { from: 'ACCEPTED', message: 'execution_report', by: 'REQUESTED', outcome: 'PARTIAL', to: 'PARTIAL' },
  { from: 'ACCEPTED', message: 'execution_report', by: 'REQUESTED', outcome: 'IMPOSSIBLE', to: 'IMPOSSIBLE' },
];

/** The row that a step takes, if the table has one. */
export function transitionOf(
  from: CaseState | undefined,
  message: BodyType,
  by: Party,
  outcome: string | undefined,
): Transition | undefined {
  return TRANSITIONS.find(
    (row) =>
      row.from === from &&
      row.message === message &&
      row.by === by &&
      (row.outcome === undefined || row.outcome === outcome),
  );
}
