/** What the recipient of a file writes down: that it is here, that it will not be, or that it is not what was announced. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import type { EvidenceStopReason } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, fileOf, type EvidenceRecord, type UsageRecord } from './evidence-record.ts';
import { recordIncident } from './incident.ts';
import type { StepView } from './committer.ts';

/** Commits that a file is here whole: its record, and EVIDENCE_COMPLETE in the ledger. Doing it again changes nothing. */
export async function recordArrival(context: ExchangeContext, peer: JurisdictionCode, fileId: string): Promise<void> {
  const written = await context.committer.commit(async (view) => {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId));
    if (record?.status !== 'AWAITED' || record.message_id === undefined) return undefined;
    const { file_id, size, root } = fileOf(record);
    const complete = view.append({
      kind: 'EVIDENCE_COMPLETE',
      peer,
      message_id: record.message_id,
      seq: 0,
      detail: { type: 'evidence_arrived', value: { file_id, size, root } },
    });
    view.putRecord(evidenceKeys.file(fileId), { ...record, status: 'STORED', complete } satisfies EvidenceRecord);
    view.delete(evidenceKeys.awaited(peer, fileId));
    view.putRecord(evidenceKeys.unsettled(peer, fileId), {});
    return complete;
  });
  if (written === undefined) return;
  context.emit({ kind: 'EVIDENCE_COMPLETE', peer, file_id: fileId as Uuid, ...written });
  void context.evidence!.verifier.add(fileId);
}

/** The peer has been told that the file is not wanted. */
export async function declineArrival(context: ExchangeContext, peer: JurisdictionCode, fileId: string): Promise<void> {
  await context.committer.commit((view) => {
    view.delete(evidenceKeys.awaited(peer, fileId));
    return Promise.resolve();
  });
}

/**
 * Gives a file up. What is not what its sender announced is an incident.
 * @param detail of the incident; none for a file that the sender no longer has
 */
export async function failArrival(
  context: ExchangeContext,
  peer: JurisdictionCode,
  fileId: string,
  reason: EvidenceStopReason,
  detail?: string,
): Promise<void> {
  await context.committer.commit(async (view) => {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId));
    if (record?.peer !== peer || record.status === 'FAILED') return;
    view.putRecord(evidenceKeys.file(fileId), { ...record, status: 'FAILED', reason } satisfies EvidenceRecord);
    view.delete(evidenceKeys.awaited(peer, fileId));
    await releaseQuota(view, peer, fileOf(record).size);
  });
  if (detail === undefined) return;
  await recordIncident(context, peer, {
    kind: 'EVIDENCE_MISMATCH',
    detail: `file ${fileId}: ${detail}`,
    exhibits: [fileId],
  });
}

/** Gives back a peer's quota. */
export async function releaseQuota(view: StepView, peer: JurisdictionCode, bytes: number): Promise<void> {
  const used = (await view.getRecord<UsageRecord>(evidenceKeys.used(peer)))?.bytes ?? 0;
  view.putRecord(evidenceKeys.used(peer), { bytes: Math.max(0, used - bytes) } satisfies UsageRecord);
}
