/** What the recipient of a file writes down: that it is here, that it will not be, or that it is not what was announced. */
import { codeOf, equalBytes, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import type { Vault } from '../evidence/mod.ts';
import {
  encodeReceipt,
  type EvidenceFile,
  type EvidenceStopReason,
  type LedgerEntry,
  type Receipt,
  type Recovered,
} from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, fileOf, isHereOrAwaited, type EvidenceRecord, type UsageRecord } from './evidence-record.ts';
import { planIncident, tellIncidents } from './incident.ts';
import type { StepView } from './committer.ts';
import { keys } from './record.ts';

/**
 * Commits that a file is here whole: its record, and EVIDENCE_COMPLETE in the ledger. Doing it again changes nothing.
 * @returns whether its content is to stay: it may have been deleted while it came
 */
export async function recordArrival(
  context: ExchangeContext,
  peer: JurisdictionCode,
  fileId: string,
): Promise<boolean> {
  let isKept = false;
  const written = await context.committer.commit(async (view) => {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId));
    isKept = record !== undefined && isHereOrAwaited(record);
    if (record?.status !== 'AWAITED' || record.message_id === undefined) return undefined;
    const { file_id, size, root } = fileOf(record);
    const complete =
      record.complete ??
      view.append({
        kind: 'EVIDENCE_COMPLETE',
        peer,
        message_id: record.message_id,
        seq: 0,
        detail: { type: 'evidence_arrived', value: { file_id, size, root } },
      });
    view.putRecord(evidenceKeys.file(fileId), { ...record, status: 'STORED', complete } satisfies EvidenceRecord);
    view.delete(evidenceKeys.awaited(peer, fileId));
    if (record.complete === undefined) view.putRecord(evidenceKeys.unsettled(peer, fileId), {});
    return complete;
  });
  if (written === undefined) return isKept;
  context.emit({ kind: 'EVIDENCE_COMPLETE', peer, file_id: fileId as Uuid, ...written });
  void context.evidence!.verifier.add(fileId);
  return isKept;
}

/**
 * Takes back the word that a file had arrived. Its content may have been lost as well, and then is fetched again.
 * @returns a failure when nothing here knows of such a file
 */
export async function takeBackArrival(
  view: StepView,
  peer: JurisdictionCode,
  { entry, receipt, detail }: { readonly entry: LedgerEntry; readonly receipt: Receipt; readonly detail: Recovered },
): Promise<{ readonly isNew: boolean; readonly failure?: unknown }> {
  const arrived = entry.detail?.type === 'evidence_arrived' ? entry.detail.value : undefined;
  const key = evidenceKeys.file(arrived?.file_id ?? '');
  const record = await view.getRecord<EvidenceRecord>(key);
  const file = record?.peer === peer ? fileOf(record) : undefined;
  if (arrived === undefined || file?.size !== arrived.size || !equalBytes(file.root, arrived.root))
    return { isNew: false, failure: new Error('no such file was announced') };
  if (record!.complete !== undefined) return { isNew: false };
  const { kind, message_id } = entry;
  const complete = view.append({ kind, peer, message_id, seq: 0, detail: { type: 'recovered', value: detail } });
  view.put(keys.peerProof(complete.index), encodeReceipt(receipt));
  view.putRecord(key, { ...record!, complete, recovered: true } satisfies EvidenceRecord);
  return { isNew: true };
}

/** The peer has been told that the file is not wanted. */
export async function declineArrival(context: ExchangeContext, peer: JurisdictionCode, fileId: string): Promise<void> {
  await context.committer.commit((view) => {
    view.delete(evidenceKeys.awaited(peer, fileId));
    return Promise.resolve();
  });
}

/**
 * Gives a file up, unless it was deleted before. What is not what its sender announced is an incident, in the same step: no death comes between the two.
 * @param detail of the incident; none for a file that the sender no longer has
 */
export async function failArrival(
  context: ExchangeContext,
  peer: JurisdictionCode,
  fileId: string,
  reason: EvidenceStopReason,
  detail?: string,
): Promise<void> {
  const noted = await context.committer.commit(async (view) => {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId));
    if (record?.peer !== peer || !isHereOrAwaited(record)) return [];
    view.putRecord(evidenceKeys.file(fileId), { ...record, status: 'FAILED', reason } satisfies EvidenceRecord);
    view.delete(evidenceKeys.awaited(peer, fileId));
    await releaseQuota(view, peer, fileOf(record).size);
    const isTold =
      detail !== undefined && context.incidentPace.admits(peer, 'EVIDENCE_MISMATCH', context.timers.monotonicMs());
    if (!isTold) return [];
    const evidence = { kind: 'EVIDENCE_MISMATCH', detail: `file ${fileId}: ${detail}`, exhibits: [fileId] } as const;
    return [planIncident(context, view, peer, evidence)];
  });
  tellIncidents(context, noted);
}

/** Removes content that no record keeps. A store that is away now is tidied at the next start. */
export async function discardContent(vault: Vault, file: EvidenceFile): Promise<void> {
  await vault.delete(file).catch((error: unknown) => {
    if (codeOf(error) !== 'EVIDENCE_STORE_FAILED') throw error;
  });
}

/** Gives back a peer's quota. */
export async function releaseQuota(view: StepView, peer: JurisdictionCode, bytes: number): Promise<void> {
  const used = (await view.getRecord<UsageRecord>(evidenceKeys.used(peer)))?.bytes ?? 0;
  view.putRecord(evidenceKeys.used(peer), { bytes: Math.max(0, used - bytes) } satisfies UsageRecord);
}
