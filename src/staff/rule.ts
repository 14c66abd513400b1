/** Which role may do what, as data: the node goes by this table and prints it. */
import type { Role } from '../credential/mod.ts';
import type { ActAction, BodyType } from '../wire/mod.ts';

/** Everything that is recorded when a person does it. */
export type Action = ActAction;

/** Who may do one thing. */
export interface Rule {
  /** Under the first of these that the person has, it is done and recorded. */
  readonly roles: readonly Role[];
  /** OPENED: something is read. ACTED: something is changed, decided, or leaves the node. */
  readonly kind: 'OPENED' | 'ACTED';
  /** Roles that see it of every case, because it shows nothing of a case's content. Absent: it is not about a case. */
  readonly everyCase?: readonly Role[];
}

const WRITERS = ['DRAFTER', 'REVIEWER', 'EXECUTOR'] as const;
const CASE_ROLES = ['DRAFTER', 'REVIEWER', 'EXECUTOR', 'APPROVER'] as const;
const BLIND = ['REGISTRAR', 'AUDITOR'] as const;

/** The rules. Need-to-know holds wherever `everyCase` is there and does not name the role. */
export const RULES: Readonly<Record<Action, Rule>> = {
  REGISTER_STAFF: { roles: ['REGISTRAR'], kind: 'ACTED' },
  REVOKE_STAFF: { roles: ['REGISTRAR'], kind: 'ACTED' },
  LIST_STAFF: { roles: ['REGISTRAR', 'AUDITOR'], kind: 'OPENED' },
  ASSIGN_CASE: { roles: ['REGISTRAR'], kind: 'ACTED', everyCase: ['REGISTRAR'] },
  LIST_CASES: { roles: [...CASE_ROLES, ...BLIND], kind: 'OPENED' },
  READ_CASE: { roles: CASE_ROLES, kind: 'OPENED', everyCase: [] },
  LIST_MESSAGES: { roles: [...CASE_ROLES, ...BLIND], kind: 'OPENED' },
  TRACE_MESSAGE: { roles: [...CASE_ROLES, ...BLIND], kind: 'OPENED', everyCase: BLIND },
  READ_MESSAGE: { roles: CASE_ROLES, kind: 'OPENED', everyCase: [] },
  WITHDRAW_MESSAGE: { roles: ['APPROVER'], kind: 'ACTED', everyCase: [] },
  ERASE_CONTENT: { roles: ['APPROVER'], kind: 'ACTED', everyCase: [] },
  LIST_RETENTION: { roles: [...CASE_ROLES, ...BLIND], kind: 'OPENED' },
  REVIEW_RETENTION: { roles: ['APPROVER'], kind: 'ACTED', everyCase: [] },
  DISCLOSE_MESSAGE: { roles: ['AUDITOR'], kind: 'ACTED', everyCase: ['AUDITOR'] },
  CREATE_DRAFT: { roles: WRITERS, kind: 'ACTED', everyCase: [] },
  LIST_DRAFTS: { roles: CASE_ROLES, kind: 'OPENED' },
  READ_DRAFT: { roles: CASE_ROLES, kind: 'OPENED', everyCase: [] },
  APPROVE_DRAFT: { roles: ['APPROVER'], kind: 'ACTED', everyCase: [] },
  REJECT_DRAFT: { roles: ['APPROVER'], kind: 'ACTED', everyCase: [] },
  LIST_EVIDENCE: { roles: CASE_ROLES, kind: 'OPENED', everyCase: [] },
  READ_EVIDENCE: { roles: [...CASE_ROLES, 'AGENCY'], kind: 'OPENED', everyCase: ['AGENCY'] },
  HANDLE_EVIDENCE: { roles: ['EXECUTOR', 'DRAFTER', 'AGENCY'], kind: 'ACTED', everyCase: ['AGENCY'] },
  DELETE_EVIDENCE: { roles: ['APPROVER'], kind: 'ACTED', everyCase: [] },
  CREATE_TASK: { roles: ['EXECUTOR'], kind: 'ACTED', everyCase: [] },
  LIST_TASKS: { roles: ['EXECUTOR', 'APPROVER', 'AGENCY'], kind: 'OPENED' },
  READ_TASK: { roles: ['EXECUTOR', 'APPROVER', 'AGENCY'], kind: 'OPENED', everyCase: ['AGENCY'] },
  ANSWER_TASK: { roles: ['AGENCY'], kind: 'ACTED', everyCase: ['AGENCY'] },
  READ_ACCESS_LOG: { roles: ['AUDITOR'], kind: 'OPENED' },
  WATCH_EVENTS: { roles: ['REGISTRAR', 'AUDITOR', 'APPROVER'], kind: 'OPENED' },
};

// What the requested authority decides on, and what it does: the rest is a drafter's.
const REVIEWED: ReadonlySet<string> = new Set<BodyType>([
  'acknowledge_receipt',
  'forward_notice',
  'return_unprocessed',
  'clarification_request',
  'pre_refusal_consultation',
  'conditions_offer',
  'review_decision',
  'measure_substitution',
  'postponement_notice',
  'postponement_lifted',
  'use_consent_decision',
  'erasure_answer',
  'preflight_answer',
  'hit_answer',
]);
const EXECUTED: ReadonlySet<string> = new Set<BodyType>([
  'execution_started',
  'execution_report',
  'evidence_transfer',
  'delay_notice',
  'status_report',
  'legal_remedy_notice',
  'asset_trace_result',
  'restraint_result',
  'restraint_lifted',
  'confiscation_result',
  'management_report',
  'transfer_confirmation',
]);

/** The role that writes messages of a kind. */
export function writerOf(type: BodyType): Role {
  if (REVIEWED.has(type)) return 'REVIEWER';
  return EXECUTED.has(type) ? 'EXECUTOR' : 'DRAFTER';
}
