/** Rules of the messages between a request and its end. */
import type {
  ClarificationReply,
  ClarificationRequest,
  ConditionsResponse,
  CostAgreement,
  EvidenceReceipt,
  EvidenceTransfer,
  MeasureSubstitution,
  PreRefusalConsultation,
  UseConsentDecision,
} from '../../wire/mod.ts';
import { needed, uniqueFaults, type Add } from './rule.ts';

export function questionFaults({ questions }: ClarificationRequest, add: Add): void {
  uniqueFaults(questions, 'questions', ({ id }) => id, 'id', add);
}

export function answerFaults({ answers }: ClarificationReply, add: Add): void {
  uniqueFaults(answers, 'answers', ({ question_id: id }) => id, 'question_id', add);
}

export function consultationFaults({ intent, codes }: PreRefusalConsultation, add: Add): void {
  if (intent === 'REFUSE') needed(codes, 'codes', 'intent REFUSE', add);
  else if (codes.length > 0) add('codes', 'CONFLICT', 'are grounds of a refusal, which is not intended');
}

export function conditionsResponseFaults({ outcome, reasons }: ConditionsResponse, add: Add): void {
  if (outcome === 'REJECT') needed(reasons, 'reasons', 'outcome REJECT', add);
}

export function substitutionFaults({ substitutions }: MeasureSubstitution, add: Add): void {
  uniqueFaults(substitutions, 'substitutions', ({ measure_id: id }) => id, 'measure_id', add);
}

export function costFaults({ outcome, shares }: CostAgreement, add: Add): void {
  if (outcome === 'AGREE') needed(shares, 'shares', 'outcome AGREE', add);
}

/** Items and files have rules of their own, beside the keys that they are judged by. */
export function transferFaults(transfer: EvidenceTransfer, add: Add): void {
  if (transfer.return_waived && transfer.return_by !== undefined)
    add('return_by', 'CONFLICT', 'contradicts return_waived');
}

export function receiptFaults({ items, outcome }: EvidenceReceipt, add: Add): void {
  uniqueFaults(items, 'items', ({ item_id: id }) => id, 'item_id', add);
  const isVerified = items.every(({ result }) => result === 'VERIFIED');
  if (isVerified && outcome === 'MISMATCH') add('outcome', 'CONFLICT', 'is MISMATCH, but every item is VERIFIED');
  if (!isVerified && outcome !== 'MISMATCH')
    add('outcome', 'CONFLICT', `must be MISMATCH, because an item is not VERIFIED`);
}

export function useDecisionFaults({ outcome, reasons }: UseConsentDecision, add: Add): void {
  if (outcome === 'REFUSE') needed(reasons, 'reasons', 'outcome REFUSE', add);
}
