/**
 * Rules of content that tie several fields together. What one field must satisfy alone stands beside it in the `.proto` files.
 */
import type { JurisdictionCode } from '../base/mod.ts';
import type { Body, BodyType, Fault } from '../wire/mod.ts';
import * as asset from './content/asset.ts';
import * as lifecycle from './content/lifecycle.ts';
import * as request from './content/request.ts';
import type { Add } from './content/rule.ts';
import * as protection from './content/protection.ts';
import * as shared from './content/shared.ts';

/** Who a message is from and for, and when it is issued, in Unix milliseconds. */
export interface Envelope {
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly issued_at: number;
}

/**
 * Every rule that the body breaks, by field path.
 * @param envelope where it is known: a message to many names each, and a date is judged by the day
 */
export function contentFaults(body: Body, envelope?: Envelope): Fault[] {
  const faults: Fault[] = [];
  const add: Add = (path, code, message) => {
    faults.push({ path: `${body.type}.${path}`, code, message });
  };
  const check = RULES[body.type] as ((value: Body['value'], add: Add) => void) | undefined;
  check?.(body.value, add);
  if ('audience' in body.value) audienceFaults(body.value.audience, envelope, add);
  if (envelope !== undefined) {
    // A stranger's audience of all members but one is as long as a member's.
    if ('terms' in body.value && !body.value.terms.members.includes(envelope.from))
      add('terms.members', 'BAD_VALUE', `do not name the sender, ${envelope.from}`);
    if (body.type === 'clarification_request' || body.type === 'lift_intent') replyFaults(body.value, envelope, add);
  }
  return faults;
}

const RULES: { readonly [T in BodyType]?: (value: Extract<Body, { type: T }>['value'], add: Add) => void } = {
  assistance_request: request.requestFaults,
  supplementary_request: request.supplementFaults,
  review_decision: request.decisionFaults,
  execution_report: request.reportFaults,
  clarification_request: lifecycle.questionFaults,
  clarification_reply: lifecycle.answerFaults,
  pre_refusal_consultation: lifecycle.consultationFaults,
  conditions_response: lifecycle.conditionsResponseFaults,
  measure_substitution: lifecycle.substitutionFaults,
  cost_agreement: lifecycle.costFaults,
  evidence_transfer: lifecycle.transferFaults,
  evidence_receipt: lifecycle.receiptFaults,
  use_consent_request: protection.consentFaults,
  use_consent_decision: lifecycle.useDecisionFaults,
  asset_trace_request: asset.urgencyFaults,
  asset_trace_result: asset.traceResultFaults,
  restraint_request: asset.restraintRequestFaults,
  restraint_result: asset.restraintResultFaults,
  restraint_extension: asset.extensionFaults,
  confiscation_request: asset.confiscationRequestFaults,
  confiscation_result: asset.confiscationResultFaults,
  parallel_confiscation_notice: asset.parallelFaults,
  disposition_proposal: asset.proposalFaults,
  sharing_agreement: asset.sharingFaults,
  preflight_answer: shared.preflightFaults,
  hit_query: shared.queryFaults,
  hit_answer: shared.hitFaults,
  jit_proposal: shared.teamFaults,
  jit_agreement: shared.teamFaults,
  jit_use_consent: shared.useConsentFaults,
  erasure_request: protection.erasureFaults,
  erasure_answer: protection.erasureAnswerFaults,
};

function audienceFaults(audience: readonly string[], envelope: Envelope | undefined, add: Add): void {
  if (new Set(audience).size !== audience.length) add('audience', 'CONFLICT', 'names a recipient twice');
  if (envelope === undefined) return;
  const { from, to } = envelope;
  if (!audience.includes(to)) add('audience', 'BAD_VALUE', `does not name ${to}, whom this copy is for`);
  if (audience.includes(from)) add('audience', 'BAD_VALUE', `names the sender, ${from}`);
}

// After that day its sender goes on without an answer: a day that has passed would let a lift follow its intent at once.
function replyFaults({ reply_by: day }: { readonly reply_by: string }, { issued_at: at }: Envelope, add: Add): void {
  const today = new Date(at).toISOString().slice(0, 10);
  if (day < today) add('reply_by', 'OUT_OF_RANGE', `is before ${today}, the day of the message (UTC)`);
}
