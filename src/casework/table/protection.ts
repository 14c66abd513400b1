/** What may be asked in every kind of case, also long after its end: consent to another use of what was given, and its erasure. */
import type { CaseState, Party } from '../state.ts';
import type { Row } from './row.ts';

/**
 * Consent that one party asks for, and the other gives or refuses.
 * @param states in which what is asked about has been given
 */
export function consentRows(no: string, states: readonly CaseState[], asking: Party): readonly Row[] {
  const granting = asking === 'REQUESTING' ? 'REQUESTED' : 'REQUESTING';
  const from = [...states, 'CLOSED'] as const;
  return [
    { no, from, message: 'use_consent_request', by: asking, to: 'SAME', opens: 'USE_CONSENT' },
    {
      no,
      from,
      message: 'use_consent_decision',
      by: granting,
      outcome: 'GRANT',
      to: 'SAME',
      settles: 'USE_CONSENT',
      binds: true,
    },
    {
      no,
      from,
      message: 'use_consent_decision',
      by: granting,
      outcome: 'REFUSE',
      to: 'SAME',
      settles: 'USE_CONSENT',
    },
  ];
}

/**
 * Erasure of what either party has sent: retention ends when it ends, whatever the case has come to.
 * @param states every state of such a case but CLOSED, which is added
 */
export function erasureRows(no: string, states: readonly CaseState[]): readonly Row[] {
  const from = [...states, 'CLOSED'] as const;
  return [
    {
      no,
      from,
      message: 'erasure_request',
      by: 'EITHER',
      to: 'SAME',
      opens: 'ERASURE',
      guards: ['NAMES_OWN_MESSAGES'],
    },
    { no, from, message: 'erasure_answer', by: 'EITHER', to: 'SAME', settles: 'ERASURE' },
  ];
}
