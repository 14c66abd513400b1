/** What announcing a file does at both ends, as part of the step that sends or receives the announcement. */
import { bytesToHex, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { verifyGeometry } from '../evidence/mod.ts';
import type { EvidenceFile, EvidenceStopReason } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import { ExchangeError } from './error.ts';
import {
  evidenceKeys,
  fileToRecord,
  withoutKey,
  type AwaitedRecord,
  type EvidenceRecord,
  type OfferRecord,
  type UsageRecord,
} from './evidence-record.ts';

/** Which files this node takes from a peer. */
export interface EvidenceAcceptance {
  /** Longest file, in bytes; 0 takes none. */
  readonly maxBytes: number;
  /** Most bytes of one peer's files; undefined for no bound. */
  readonly quotaBytes?: number | undefined;
  /** Media types, such as `image/tiff` or `image/*`; undefined for all. */
  readonly mediaTypes?: readonly string[] | undefined;
}

/** A message whose files are announced. */
export interface Announcement {
  readonly peer: JurisdictionCode;
  readonly message_id: Uuid;
  readonly case_id: Uuid;
  readonly files: readonly EvidenceFile[];
}

/**
 * Notes that a peer may fetch files of this node.
 * @throws {ExchangeError} EXCHANGE_EVIDENCE_UNKNOWN for a file whose content is not here, or is described otherwise than it is
 */
export async function planOffers(view: StepView, { peer, message_id, files }: Announcement): Promise<void> {
  for (const file of files) {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(file.file_id));
    if (record?.status !== 'STORED' || !isSame(record.file, fileToRecord(file))) {
      throw new ExchangeError(
        'EXCHANGE_EVIDENCE_UNKNOWN',
        `There is no such file ${file.file_id} here: add it first, and let “evidence send” describe it.`,
      );
    }
    const known = await view.getRecord<OfferRecord>(evidenceKeys.offer(peer, file.file_id));
    const messageIds = [...(known?.message_ids ?? []), message_id];
    const offer: OfferRecord =
      known?.status === 'COMPLETE'
        ? { ...known, message_ids: messageIds }
        : { file_id: file.file_id as Uuid, message_ids: messageIds, status: 'OFFERED' };
    view.putRecord(evidenceKeys.offer(peer, file.file_id), offer);
  }
}

/** Notes that files are to be fetched from a peer, or why one will not be: before a byte of it has moved. */
export async function planArrivals(
  view: StepView,
  { peer, message_id, case_id, files }: Announcement,
  acceptance: EvidenceAcceptance,
  nowMs: number,
): Promise<void> {
  let used = (await view.getRecord<UsageRecord>(evidenceKeys.used(peer)))?.bytes ?? 0;
  for (const file of files) {
    const described = fileToRecord(file);
    const known = await view.getRecord<EvidenceRecord>(evidenceKeys.file(file.file_id));
    const isHere = known !== undefined && known.status !== 'REFUSED' && known.status !== 'FAILED';
    const kept = known?.status === 'DELETED' ? fileToRecord(withoutKey(file)) : described;
    const isKnown = isHere && known.peer === peer && isSame(known.file, kept);
    // Announced again: what is here, or on its way, need not move twice.
    if (isKnown && known.status !== 'DELETED') {
      view.putRecord(evidenceKeys.file(file.file_id), { ...known, message_id });
      continue;
    }
    // An id is good for one file from one peer: another bearer is turned away, and the first keeps its record. So is a root: an id is
    // part of what is sealed, and whoever announces the root of another file wants this node to take that one for it, or to lose it.
    const rootKey = evidenceKeys.object(bytesToHex(file.root));
    const holder = await view.getRecord<{ readonly file_id: string }>(rootKey);
    const isTaken = (isHere && !isKnown) || (holder !== undefined && holder.file_id !== file.file_id);
    const reason = isTaken ? 'MALFORMED' : objection(file, used, acceptance);
    const awaited: AwaitedRecord = { reason };
    view.putRecord(evidenceKeys.awaited(peer, file.file_id), awaited);
    if (isHere && !isKnown) continue;
    const record: EvidenceRecord = {
      file: described,
      case_id,
      direction: 'IN',
      peer,
      message_id,
      status: reason === undefined ? 'AWAITED' : 'REFUSED',
      reason,
      since: nowMs,
    };
    view.putRecord(evidenceKeys.file(file.file_id), record);
    view.putRecord(evidenceKeys.came(bytesToHex(file.sha256), file.file_id), {});
    if (reason !== undefined) continue;
    used += file.size;
    view.putRecord(rootKey, { file_id: file.file_id });
  }
  const usage: UsageRecord = { bytes: used };
  view.putRecord(evidenceKeys.used(peer), usage);
}

function objection(
  file: EvidenceFile,
  usedBytes: number,
  { maxBytes, quotaBytes, mediaTypes }: EvidenceAcceptance,
): EvidenceStopReason | undefined {
  if (!verifyGeometry(file).ok) return 'MALFORMED';
  if (file.size > maxBytes) return 'TOO_LARGE';
  if (quotaBytes !== undefined && usedBytes + file.size > quotaBytes) return 'QUOTA_EXCEEDED';
  const [family] = file.media_type.split('/');
  const isTaken = mediaTypes?.some((type) => type === file.media_type || type === `${family}/*`) ?? true;
  return isTaken ? undefined : 'TYPE_NOT_ACCEPTED';
}

function isSame(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
