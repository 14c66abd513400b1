/** What people are told of a file. */
import { bytesToHex, isoTime, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { EvidenceError } from '../evidence/mod.ts';
import type { EvidenceStopReason } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import type { TransferProgress } from './evidence-progress.ts';
import { evidenceKeys, fileOf, type EvidenceRecord, type OfferRecord } from './evidence-record.ts';
import { decodeRecord } from './record.ts';

/** A file as a list shows it: everything but its key. */
export interface EvidenceAnswer {
  readonly file_id: string;
  readonly case_id: Uuid;
  readonly name: string;
  readonly media_type: string;
  readonly size: number;
  /** Hexadecimal, as `sha256sum` writes it. */
  readonly sha256: string;
  readonly root: string;
  readonly direction: 'OWN' | 'IN';
  readonly peer?: JurisdictionCode | undefined;
  readonly status: EvidenceRecord['status'];
  readonly reason?: EvidenceStopReason | undefined;
  readonly since: string;
  readonly complete_index?: number | undefined;
  readonly verified_at?: string | undefined;
  /** While it is awaited and moves, or waits for something of this node. */
  readonly progress?: TransferProgress | undefined;
  readonly offers: readonly {
    readonly peer: string;
    readonly status: OfferRecord['status'];
    readonly reason?: EvidenceStopReason | undefined;
    readonly held_index?: number | undefined;
    /** While it moves. */
    readonly progress?: TransferProgress | undefined;
  }[];
}

/** Which files are on offer to whom, and how that stands. */
export async function offersByFile(context: ExchangeContext): Promise<Map<string, EvidenceAnswer['offers'][number][]>> {
  const offers = new Map<string, EvidenceAnswer['offers'][number][]>();
  for await (const [key, bytes] of context.store.scan(evidenceKeys.offers)) {
    const [peer = ''] = key.slice(evidenceKeys.offers.length).split('/');
    const offer = decodeRecord<OfferRecord>(bytes);
    const known = offers.get(offer.file_id) ?? [];
    known.push(offerAnswer(peer, offer));
    offers.set(offer.file_id, known);
  }
  return offers;
}

/** What is known of some files and of what became of them at one peer; those that are not here are left out. */
export async function answersFor(
  context: ExchangeContext,
  fileIds: Iterable<string>,
  peer: JurisdictionCode,
): Promise<EvidenceAnswer[]> {
  const found: EvidenceAnswer[] = [];
  for (const id of fileIds) {
    const [file, offer] = await context.store.getMany([evidenceKeys.file(id), evidenceKeys.offer(peer, id)]);
    if (file === undefined) continue;
    const offers = offer === undefined ? [] : [offerAnswer(peer, decodeRecord<OfferRecord>(offer))];
    found.push(await answerWithProgress(context, decodeRecord<EvidenceRecord>(file), offers));
  }
  return found;
}

/** A file, and how far it is where it is awaited or on offer. */
export async function answerWithProgress(
  { evidence }: ExchangeContext,
  record: EvidenceRecord,
  offers: EvidenceAnswer['offers'],
): Promise<EvidenceAnswer> {
  const answer = answerOf(record, offers);
  const { file_id: id, peer, status } = answer;
  const isAwaited = evidence !== undefined && status === 'AWAITED' && peer !== undefined;
  const moving = isAwaited ? evidence.transfers.of(peer, id) : undefined;
  // What came before the session ended, or before the node was stopped, is not fetched again.
  const still = async (): Promise<TransferProgress | undefined> => {
    const bytes = await evidence!.vault.heldBytes(fileOf(record));
    return bytes === 0 ? undefined : { bytes, bytes_per_second: 0 };
  };
  return {
    ...answer,
    progress: moving ?? (isAwaited ? await still() : undefined),
    offers: offers.map((offer) =>
      offer.status === 'OFFERED' ? { ...offer, progress: evidence?.transfers.of(offer.peer, id) } : offer,
    ),
  };
}

function offerAnswer(peer: string, { status, reason, held }: OfferRecord): EvidenceAnswer['offers'][number] {
  return { peer, status, reason, held_index: held?.index };
}

/** @param offers of this file */
export function answerOf(record: EvidenceRecord, offers: EvidenceAnswer['offers']): EvidenceAnswer {
  const { file_id, name, media_type, size, sha256, root } = fileOf(record);
  const { case_id, direction, peer, status, reason, since, complete, verified_at: verifiedAt } = record;
  return {
    file_id,
    case_id,
    name,
    media_type,
    size,
    sha256: bytesToHex(sha256),
    root: bytesToHex(root),
    direction,
    peer,
    status,
    reason,
    since: isoTime(since),
    complete_index: complete?.index,
    verified_at: verifiedAt === undefined ? undefined : isoTime(verifiedAt),
    offers,
  };
}

/** The refusal of an id that names nothing here. */
export function unknownFile(id: string): EvidenceError {
  return new EvidenceError('EVIDENCE_UNKNOWN', `There is no file ${id} at this node.`);
}
