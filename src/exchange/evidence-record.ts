/** What the exchange keeps about files of evidence, and under which keys. */
import { bytesToHex, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { parseJson, toJson, type EvidenceFile, type EvidenceStopReason } from '../wire/mod.ts';
import type { EntryRef } from './record.ts';

/** A file at this node: one taken in from a person, or one that a peer has announced. The record holds the file's key; the store is sealed. */
export interface EvidenceRecord {
  /** The file as JSON; `fileOf` reads it. */
  readonly file: Record<string, unknown>;
  readonly case_id: Uuid;
  readonly direction: 'OWN' | 'IN';
  /** The announcing peer and its message, for files that came in. */
  readonly peer?: JurisdictionCode | undefined;
  readonly message_id?: Uuid | undefined;
  /** AWAITED until it is whole; STORED while its content is here. */
  readonly status: 'STORED' | 'AWAITED' | 'REFUSED' | 'FAILED' | 'DELETED';
  readonly reason?: EvidenceStopReason | undefined;
  /** Unix milliseconds at which it was added, or announced. */
  readonly since: number;
  /** The EVIDENCE_COMPLETE entry, for files that came in. */
  readonly complete?: EntryRef | undefined;
  /** The EVIDENCE_DELETED entry. */
  readonly deleted?: EntryRef | undefined;
  /** This node lost that entry and was given it back: the sender holds the proof of it already. */
  readonly recovered?: boolean | undefined;
  /** Unix milliseconds at which the plaintext's digest was compared; before that nobody gets to see the file. */
  readonly verified_at?: number | undefined;
}

/** A file that this node has announced to a peer. */
export interface OfferRecord {
  readonly file_id: Uuid;
  /** Every message that announced it. */
  readonly message_ids: readonly Uuid[];
  readonly status: 'OFFERED' | 'REFUSED' | 'COMPLETE';
  readonly reason?: EvidenceStopReason | undefined;
  /** The peer's EVIDENCE_COMPLETE entry, and this node's about it. */
  readonly answer?: EntryRef | undefined;
  readonly held?: EntryRef | undefined;
}

/** A file that a peer has announced and that is not settled with it: to be fetched, or to be declined for a reason. */
export interface AwaitedRecord {
  readonly reason?: EvidenceStopReason | undefined;
}

/** How much of a peer's quota is used. */
export interface UsageRecord {
  readonly bytes: number;
}

/** Keys of the store. */
export const evidenceKeys = {
  file: (id: string): string => `evidence/file/${id}`,
  files: 'evidence/file/',
  /** The file that was taken in with this plaintext digest, so that the same content is kept once. */
  plain: (digest: Uint8Array): string => `evidence/plain/${bytesToHex(digest)}`,
  /** Files that peers announced with this plaintext digest, in hexadecimal. */
  came: (digest: string, id: string): string => `${evidenceKeys.cameOf(digest)}${id}`,
  cameOf: (digest: string): string => `evidence/came/${digest}/`,
  /** Which file rests under an object's name. */
  object: (root: string): string => `evidence/object/${root}`,
  awaited: (peer: JurisdictionCode, id: string): string => `evidence/awaited/${peer}/${id}`,
  awaitedOf: (peer: JurisdictionCode): string => `evidence/awaited/${peer}/`,
  /** Arrived whole, and the sender does not hold the receipt yet. */
  unsettled: (peer: JurisdictionCode, id: string): string => `evidence/unsettled/${peer}/${id}`,
  unsettledOf: (peer: JurisdictionCode): string => `evidence/unsettled/${peer}/`,
  offer: (peer: JurisdictionCode, id: string): string => `evidence/offer/${peer}/${id}`,
  offers: 'evidence/offer/',
  offersTo: (peer: JurisdictionCode): string => `evidence/offer/${peer}/`,
  item: (caseId: Uuid, origin: JurisdictionCode, itemId: string): string =>
    `evidence/item/${caseId}/${origin}/${itemId}`,
  /** All exhibits, those of a case, or those of a case from one origin. */
  itemsOf: (caseId?: Uuid, origin?: JurisdictionCode): string =>
    ['evidence/item', caseId, origin, ''].filter((part) => part !== undefined).join('/'),
  /** Bytes of a peer's files that this node has taken or awaits. */
  used: (peer: JurisdictionCode): string => `evidence/used/${peer}`,
} as const;

/** Whether a file's content is here, or is to come: neither refused nor given up nor deleted. */
export function isHereOrAwaited({ status }: EvidenceRecord): boolean {
  return status === 'STORED' || status === 'AWAITED';
}

/** The file that a record is about. */
export function fileOf(record: EvidenceRecord): EvidenceFile {
  return parseJson('EvidenceFile', record.file);
}

/** A file as the record of a deleted one keeps it. */
export function withoutKey(file: EvidenceFile): EvidenceFile {
  return { ...file, key: new Uint8Array(file.key.length) };
}

/** The form in which a record keeps a file. */
export function fileToRecord(file: EvidenceFile): Record<string, unknown> {
  return toJson('EvidenceFile', file);
}
