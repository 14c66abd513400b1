/** What the exchange keeps in the store, and under which keys. */
import { parseUtf8, utf8ToBytes, type JurisdictionCode, type Suite, type Uuid } from '../base/mod.ts';
import type { BodyType, ErasedWhy, Reason } from '../wire/mod.ts';

/** An entry of a ledger: the own one or the peer's. */
export interface EntryRef {
  readonly index: number;
  /** Unix milliseconds, by the clock of the ledger's node. */
  readonly time: number;
}

/** What a message can be to its node. */
export const MESSAGE_STATUSES = ['QUEUED', 'RECEIVED', 'REFUSED', 'VOIDED', 'QUARANTINED'] as const;

/** A message as its node keeps it; content is kept apart, sealed and signed. */
export interface MessageRecord {
  readonly message_id: Uuid;
  readonly direction: 'OUT' | 'IN';
  readonly peer: JurisdictionCode;
  readonly seq: number;
  /**
   * QUEUED until the peer's receipt is held. QUARANTINED: refused because its key is revoked, and kept for people to read; no case was
   * touched.
   */
  readonly status: (typeof MESSAGE_STATUSES)[number];
  /** Absent for a message that was refused unread, or voided by its sender. */
  readonly case_id?: Uuid | undefined;
  readonly type?: BodyType | undefined;
  /** How it was sealed. */
  readonly suite?: Suite | undefined;
  readonly in_reply_to?: Uuid | undefined;
  readonly issued_at?: number | undefined;
  readonly expires_at?: number | undefined;
  /** base64url. */
  readonly sealed_digest: string;
  readonly signed_digest: string;
  /** The SENT (or VOIDED) entry in the sender's ledger. */
  readonly sent: EntryRef;
  /** The RECEIVED or REFUSED entry in the recipient's ledger, once there is one. */
  readonly answer?: EntryRef | undefined;
  readonly reason?: Reason | undefined;
  /** The RECEIPT_HELD entry in the sender's ledger, at the sender. */
  readonly held?: EntryRef | undefined;
  /** This node lost the message and was given it back: `sent`, or `answer` of one received, is a RECOVERED entry. */
  readonly recovered?: boolean | undefined;
  /** The ERASED entry in this node's ledger, and why, once the content is gone. */
  readonly erased?: (EntryRef & { readonly why: ErasedWhy }) | undefined;
  /** The ERASED entry in the peer's ledger, once the peer has proved that its copy is gone. */
  readonly peer_erased?: EntryRef | undefined;
}

/** What a node knows of its exchange with one peer. */
export interface PeerRecord {
  /** The last sequence number used towards the peer. */
  readonly sent_seq: number;
  /** The last sequence number taken from the peer. */
  readonly received_seq: number;
  /** The peer's largest checkpoint seen, as a note. */
  readonly checkpoint?: string | undefined;
}

/** How far deliveries to a peer have come: the highest number that may have left, or UNKNOWN while a session is delivering. */
export interface AttemptsRecord {
  readonly up_to: number | 'UNKNOWN';
}

/** The last checkpoint of a peer's that this node cosigned. */
export interface WitnessedRecord {
  readonly size: number;
  /** The peer's signed note. */
  readonly note: string;
}

/** What was settled with a peer after this node's ledger had begun again. */
export interface ResumedRecord {
  readonly epoch: number;
  /** The checkpoint of the epoch before that the peer held, as a note. */
  readonly held: string;
  /** Of the RESUMED entry. */
  readonly index: number;
}

/** In which epoch of this node's ledger nothing was open with a peer any more. */
export interface SettledRecord {
  readonly epoch: number;
}

/** A head of a peer's ledger that this node has cosigned: everything below its size was there by then. */
export interface WitnessedHeadRecord {
  /** base64url. */
  readonly root: string;
  /** Unix milliseconds of the WITNESSED entry. */
  readonly time: number;
}

/** A peer's cosignature of this node's ledger. */
export interface CosignedRecord {
  readonly size: number;
  /** base64 of key id, time and signature. */
  readonly signature: string;
  /** Unix seconds, by the witness's clock. */
  readonly time: number;
}

/** Before anything was exchanged. */
export const NEW_PEER: PeerRecord = { sent_seq: 0, received_seq: 0, checkpoint: undefined };

/** Keys of the store. Sequence numbers are padded so that they sort. */
export const keys = {
  message: (id: Uuid): string => `message/${id}`,
  /** The JWE: of a message sent, which may have to be sent again, and of one received that does not open. */
  sealed: (id: Uuid): string => `sealed/${id}`,
  /** The JWS inside. */
  signed: (id: Uuid): string => `signed/${id}`,
  /** A peer's entry with its proof, by the index of this node's entry about it: the receipt of a message sent, the SENT entry of a message received. */
  peerProof: (index: number): string => `proof/${pad(index)}`,
  peer: (code: JurisdictionCode): string => `peer/${code}`,
  /** Message ids waiting for a receipt. */
  pending: (code: JurisdictionCode, seq: number): string => `pending/${code}/${pad(seq)}`,
  pendingOf: (code: JurisdictionCode): string => `pending/${code}/`,
  /** Message ids by the peer's sequence number. */
  arrived: (code: JurisdictionCode, seq: number): string => `arrived/${code}/${pad(seq)}`,
  /** Message ids that may expire, by when they do. */
  expiry: (expiresAt: number, id: Uuid): string => `expiry/${pad(expiresAt)}/${id}`,
  expiries: 'expiry/',
  attempts: (code: JurisdictionCode): string => `attempts/${code}`,
  /** A case with one counterpart. */
  case: (id: Uuid, peer: JurisdictionCode): string => `${keys.casesOf(id)}${peer}`,
  casesOf: (id: Uuid): string => `${keys.cases}${id}/`,
  cases: 'case/',
  /** That a due date passed, by the moment at which it did. */
  clockEvent: (event: {
    case_id: Uuid;
    peer: JurisdictionCode;
    at: number;
    started_by: Uuid;
    clock: string;
    kind: string;
  }): string =>
    `${keys.clockEventsOf(event.case_id)}${event.peer}/${pad(event.at)}/${event.started_by}/${event.clock}/${event.kind}`,
  clockEventsOf: (id: Uuid): string => `${keys.clockEvents}${id}/`,
  clockEvents: 'clock-event/',
  /** Ids of the cases opened under a case with the same counterpart. */
  children: (id: Uuid, peer: JurisdictionCode): string => `children/${id}/${peer}`,
  /** How long what a message says may be kept. */
  retention: (id: Uuid): string => `${keys.retentions}${id}`,
  retentions: 'retention/',
  /** What a peer has asked by hit/no-hit queries lately. */
  queries: (code: JurisdictionCode): string => `queries/${code}`,
  /** Cases of one investigation. */
  investigation: (id: Uuid, caseId: Uuid, peer: JurisdictionCode): string =>
    `${keys.investigationOf(id)}${caseId}/${peer}`,
  investigationOf: (id: Uuid): string => `investigation/${id}/`,
  /** What came with an own lost entry about a peer's message: the peer's entry with its proof, by the index of the RECOVERED entry. */
  counterpart: (index: number): string => `counterpart/${pad(index)}`,
  /** A ledger of this node's that has begun again: what each peer held of the epoch before. */
  resumed: (code: JurisdictionCode): string => `resumed/${code}`,
  settled: (code: JurisdictionCode): string => `settled/${code}`,
  /** The last checkpoint seen of a peer's ledger before it began again, by the epoch that it was of. */
  formerHead: (code: JurisdictionCode, epoch: number): string => `former-head/${code}/${pad(epoch)}`,
  incident: (digestHex: string): string => `incident/${digestHex}`,
  /** The peer's checkpoint that this node cosigned last. */
  witnessed: (code: JurisdictionCode): string => `witnessed/${code}`,
  /** Every head of the peer's that this node has cosigned, by size. */
  witnessedHead: (code: JurisdictionCode, size: number): string => `witnessed-head/${code}/${pad(size)}`,
  witnessedHeadsOf: (code: JurisdictionCode): string => `witnessed-head/${code}/`,
  /** The peer's last cosignature of this node's ledger. */
  cosigned: (code: JurisdictionCode): string => `cosigned/${code}`,
  /** Beginnings of the keys of what is about one epoch of this node's ledger. */
  ofEpoch: ['cosigned/', 'resumed/'],
  /** Which of its own keys the node works with. */
  ownKeys: 'own-keys',
  /** What a caller's key has made, by the key's digest under a salt of this store's own. */
  idempotency: (digest: string): string => `idempotency/${digest}`,
  idempotencySalt: 'idempotency-salt',
  /** Signed manifests as accepted. */
  manifest: (version: number): string => `manifest/${pad(version)}`,
} as const;

/** A record as bytes. */
export function encodeRecord(record: object): Uint8Array {
  return utf8ToBytes(JSON.stringify(record));
}

/** A record from this node's own store, which authenticates every value: it has the shape it was written with. */
export function decodeRecord<T>(bytes: Uint8Array): T {
  return JSON.parse(parseUtf8(bytes)) as T;
}

/** The digests of a record as bytes. */
export function digestsOf(record: MessageRecord): {
  readonly sealed_digest: Uint8Array;
  readonly signed_digest: Uint8Array;
} {
  return {
    sealed_digest: Uint8Array.from(Buffer.from(record.sealed_digest, 'base64url')),
    signed_digest: Uint8Array.from(Buffer.from(record.signed_digest, 'base64url')),
  };
}

/** The number at the end of a key. */
export function parseDecimalKey(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

/** The time in a key of the list of messages that may expire, in Unix milliseconds. */
export function parseExpiry(key: string): number {
  return Number(key.split('/')[1]);
}

function pad(seq: number): string {
  return String(seq).padStart(16, '0');
}
