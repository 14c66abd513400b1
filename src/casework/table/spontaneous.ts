/** What is told without being asked, asked of everybody, or asked blindly. */
import type { CaseState } from '../state.ts';
import { consentRows, erasureRows } from './protection.ts';
import { rowsOf, type Row } from './row.ts';

const [Q, P] = ['REQUESTING', 'REQUESTED'] as const;

const closing = (no: string, from: readonly CaseState[]): readonly Row[] => [
  { no, from, message: 'close_case', by: 'EITHER', to: 'SAME', guards: ['FIRST_OF_TWO', 'NOTHING_BLOCKS'] },
  { no, from, message: 'close_case', by: 'EITHER', to: 'CLOSED', guards: ['SECOND_OF_TWO', 'NOTHING_BLOCKS'] },
];

export const SPONTANEOUS_ROWS = rowsOf('SPONTANEOUS', [
  {
    no: 'S1',
    from: [],
    opening: true,
    message: 'conditions_preflight',
    by: Q,
    to: 'PREFLIGHT',
    opens: 'PREFLIGHT_ANSWER',
  },
  {
    no: 'S2',
    from: ['PREFLIGHT'],
    message: 'preflight_answer',
    by: P,
    outcome: 'ACCEPT',
    to: 'CONDITIONS_ACCEPTED',
    settles: 'PREFLIGHT_ANSWER',
    binds: true,
  },
  {
    no: 'S2',
    from: ['PREFLIGHT'],
    message: 'preflight_answer',
    by: P,
    outcome: 'DECLINE',
    to: 'DECLINED',
    settles: 'PREFLIGHT_ANSWER',
  },
  {
    no: 'S3',
    from: [],
    opening: true,
    message: 'spontaneous_information',
    by: Q,
    to: 'INFORMED',
    binds: true,
  },
  {
    no: 'S3',
    from: ['CONDITIONS_ACCEPTED', 'INFORMED'],
    message: 'spontaneous_information',
    by: Q,
    to: 'INFORMED',
    guards: ['WITHIN_ACCEPTED'],
    binds: true,
  },
  { no: 'S4', from: ['INFORMED'], message: 'feedback_on_use', by: P, to: 'SAME' },
  { no: 'S5', from: ['PREFLIGHT', 'CONDITIONS_ACCEPTED'], message: 'withdrawal', by: Q, to: 'WITHDRAWN' },
  ...closing('S6', ['DECLINED', 'INFORMED', 'WITHDRAWN']),
  ...consentRows('S7', ['INFORMED'], P),
  ...erasureRows('S8', ['PREFLIGHT', 'CONDITIONS_ACCEPTED', 'DECLINED', 'INFORMED', 'WITHDRAWN']),
]);

export const ALERT_ROWS = rowsOf('ALERT', [
  { no: 'L1', from: [], opening: true, message: 'alert', by: Q, to: 'ALERTED' },
  { no: 'L2', from: ['ALERTED'], message: 'alert_acknowledgement', by: P, to: 'ACKNOWLEDGED' },
  { no: 'L3', from: ['ALERTED', 'ACKNOWLEDGED'], message: 'alert_cancel', by: Q, to: 'CANCELLED' },
  ...closing('L4', ['ACKNOWLEDGED', 'CANCELLED']),
  ...consentRows('L5', ['ALERTED', 'ACKNOWLEDGED', 'CANCELLED'], P),
  ...erasureRows('L6', ['ALERTED', 'ACKNOWLEDGED', 'CANCELLED']),
]);

export const HIT_QUERY_ROWS = rowsOf('HIT_QUERY', [
  { no: 'H1', from: [], opening: true, message: 'hit_query', by: Q, to: 'ASKED' },
  ...(['HIT', 'NO_HIT', 'DECLINED'] as const).map((outcome): Row => ({
    no: 'H2',
    from: ['ASKED'],
    message: 'hit_answer',
    by: P,
    outcome,
    to: outcome,
  })),
  { no: 'H3', from: ['ASKED'], message: 'withdrawal', by: Q, to: 'WITHDRAWN' },
  ...closing('H4', ['HIT', 'NO_HIT', 'DECLINED', 'WITHDRAWN']),
  ...erasureRows('H5', ['ASKED', 'HIT', 'NO_HIT', 'DECLINED', 'WITHDRAWN']),
]);
