/** Drafts in which people name files and exhibits of this node by their ids. */
import { isUuid, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { EvidenceError } from '../evidence/mod.ts';
import { parseDraft, toJson, type Draft } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { completedDraft, type Referred } from './draft-references.ts';
import { unknownFile } from './evidence-answer.ts';
import { planHandOver } from './evidence-handover.ts';
import { evidenceKeys, type EvidenceRecord } from './evidence-record.ts';
import type { DraftingView } from './outbox.ts';
import { keys, type MessageRecord } from './record.ts';

/**
 * The draft of a message, whole. Where the view is that of a step, the handing-over of its exhibits is signed in that step.
 * @throws {EvidenceError} EVIDENCE_UNKNOWN {WireError} WIRE_FIELDS_INVALID
 */
export async function draftIn(
  context: ExchangeContext,
  view: DraftingView,
  json: unknown,
  peer: JurisdictionCode,
): Promise<Draft> {
  const file = async (id: string): Promise<Record<string, unknown>> => {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(id));
    if (record === undefined) throw unknownFile(id);
    return record.file;
  };
  const item: Referred['item'] = async (id) => {
    const case_id = await caseOfDraft(view, json);
    const handed = await planHandOver(context, view, { peer, case_id }, id);
    return { item: toJson('EvidenceItem', handed), files: await Promise.all(handed.files.map(file)) };
  };
  return parseDraft(await completedDraft(json, { file, item }));
}

/** The case whose exhibits a draft names. @throws {EvidenceError} EVIDENCE_UNKNOWN */
async function caseOfDraft(view: DraftingView, json: unknown): Promise<Uuid> {
  const { case_id: caseId, in_reply_to: answered } = json as Record<string, unknown>;
  if (typeof caseId === 'string' && isUuid(caseId)) return caseId;
  const isAnswer = typeof answered === 'string' && isUuid(answered);
  const message = isAnswer ? await view.getRecord<MessageRecord>(keys.message(answered)) : undefined;
  if (message?.case_id !== undefined) return message.case_id;
  throw new EvidenceError('EVIDENCE_UNKNOWN', 'Exhibits are named within a case: give case_id.');
}
