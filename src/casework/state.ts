/** What kind of matter a case is: each has a state machine of its own. */
export type CaseKind = 'REQUEST' | 'ASSET' | 'SPONTANEOUS' | 'ALERT' | 'HIT_QUERY' | 'JOINT_TEAM';

/** Where a case, or one measure of a request, stands. Both nodes compute it from the same messages. */
export type CaseState =
  | 'UNOPENED'
  | 'PRECONSULT'
  | 'SENT'
  | 'RECEIVED'
  | 'RETURNED'
  | 'CLARIFY'
  | 'ACCEPTED'
  | 'CONSULT'
  | 'COND_ACCEPTED'
  | 'REFUSED'
  | 'POSTPONED'
  | 'EXECUTING'
  | 'SUSPENDED'
  | 'PARTIAL'
  | 'EXECUTED'
  | 'IMPOSSIBLE'
  | 'WITHDRAWN'
  | 'SUSPECTED'
  | 'LOCATED'
  | 'NOT_FOUND'
  | 'RESTRAINT_REQUESTED'
  | 'RESTRAINED'
  | 'LIFT_INTENDED'
  | 'LIFT_HEARD'
  | 'LIFTED'
  | 'CONFISCATION_REQUESTED'
  | 'CONFISCATED'
  | 'DISPOSITION_PROPOSED'
  | 'DISPOSITION_AGREED'
  | 'SHARED'
  | 'VICTIM_RESTITUTED'
  | 'PREFLIGHT'
  | 'CONDITIONS_ACCEPTED'
  | 'DECLINED'
  | 'INFORMED'
  | 'ALERTED'
  | 'ACKNOWLEDGED'
  | 'CANCELLED'
  | 'ASKED'
  | 'HIT'
  | 'NO_HIT'
  | 'PROPOSED'
  | 'SIGNED'
  | 'ACTIVE'
  | 'CLOSED';

/**
 * Which side of a case a jurisdiction is on. The requesting side opened it; in a team, where all are equal, the requested side of a pair is
 * the one whose code is lower. The ledger of the requested side gives the case its order.
 */
export type Party = 'REQUESTING' | 'REQUESTED';

/** Something that a message asks of a party, until another message settles it. */
export type ObligationKind =
  | 'WRITTEN_CONFIRMATION'
  | 'CLARIFICATION_REPLY'
  | 'CONDITIONS_RESPONSE'
  | 'STATUS_REPORT'
  | 'PROCEED_DECISION'
  | 'COST_AGREEMENT'
  | 'EVIDENCE_RECEIPT'
  | 'EVIDENCE_AGAIN'
  | 'USE_CONSENT'
  | 'RETURN_OF_ORIGINALS'
  | 'EXTENSION_DECISION'
  | 'LIFT_HEARING'
  | 'SHARING_AGREEMENT'
  | 'PREFLIGHT_ANSWER'
  | 'ERASURE';

/** Obligations that keep a case open: it cannot be closed over them. */
export const BLOCKING: ReadonlySet<ObligationKind> = new Set<ObligationKind>([
  'RETURN_OF_ORIGINALS',
  'WRITTEN_CONFIRMATION',
]);

/** States of an asset that is under a live restraint. */
export const RESTRAINED: ReadonlySet<CaseState> = new Set<CaseState>(['RESTRAINED', 'LIFT_INTENDED', 'LIFT_HEARD']);

/** The other side of a case. */
export function otherParty(party: Party): Party {
  return party === 'REQUESTING' ? 'REQUESTED' : 'REQUESTING';
}

// What waits for somebody comes first, then what goes on, then what is put off.
const PRECEDENCE: readonly CaseState[] = [
  'CLARIFY',
  'CONSULT',
  'SENT',
  'RECEIVED',
  'ACCEPTED',
  'COND_ACCEPTED',
  'EXECUTING',
  'SUSPENDED',
  'POSTPONED',
];
const FRUITLESS: readonly CaseState[] = ['REFUSED', 'RETURNED', 'WITHDRAWN'];

/** The state of a request whose measures are in these states. */
export function overallState(measures: readonly CaseState[]): CaseState {
  const running = PRECEDENCE.find((state) => measures.includes(state));
  if (running !== undefined) return running;
  const results = measures.filter((state) => !FRUITLESS.includes(state));
  const [first] = results;
  if (first === undefined) return FRUITLESS.find((state) => measures.includes(state))!;
  return results.every((state) => state === first) ? first : 'PARTIAL';
}
