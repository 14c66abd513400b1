import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import type { BodyType, Reason } from '../wire/mod.ts';
import type { EntryRef, MessageRecord } from './record.ts';

/** Something that happened to a message, or a contradiction by a peer, for timelines, logs and metrics. No case content. */
export type ExchangeEvent =
  | MessageEvent<'SENT' | 'RECEIVED' | 'RECEIPT_HELD' | 'VOIDED'>
  | (MessageEvent<'REFUSED' | 'REFUSAL_HELD'> & { readonly reason: Reason })
  | {
      readonly kind: 'EVIDENCE_COMPLETE';
      readonly time: number;
      readonly peer: JurisdictionCode;
      readonly file_id: Uuid;
      readonly index: number;
    }
  | {
      readonly kind: 'EVIDENCE_HELD';
      readonly time: number;
      readonly peer: JurisdictionCode;
      readonly file_id: Uuid;
      readonly index: number;
      readonly peer_index: number;
    }
  | {
      readonly kind: 'EVIDENCE_VERIFIED';
      readonly time: number;
      readonly peer: JurisdictionCode;
      readonly file_id: Uuid;
    }
  | {
      readonly kind: 'EVIDENCE_POSTPONED';
      readonly time: number;
      readonly peer: JurisdictionCode;
      /** The one file, where it is not all of them that wait. */
      readonly file_id?: Uuid;
      readonly code: string;
    }
  | {
      readonly kind: 'CLOCK_OVERDUE' | 'CLOCK_ESCALATED';
      /** When it was due, or had to be escalated. */
      readonly time: number;
      readonly peer: JurisdictionCode;
      /** The message that started the clock. */
      readonly started_by: Uuid;
    }
  | {
      readonly kind: 'INCIDENT';
      readonly time: number;
      readonly peer: JurisdictionCode;
      readonly detail: string;
      readonly index: number;
    };

interface MessageEvent<Kind extends string> {
  readonly kind: Kind;
  /** Unix milliseconds. */
  readonly time: number;
  readonly peer: JurisdictionCode;
  readonly message_id: Uuid;
  readonly case_id?: Uuid | undefined;
  readonly type?: BodyType | undefined;
  readonly seq: number;
  /** Index of this node's ledger entry. */
  readonly index: number;
  /** Index of the peer's ledger entry that was verified, for the kinds that verify one. */
  readonly peer_index?: number | undefined;
}

/** Told of every event, after it is durable. */
export type ExchangeListener = (event: ExchangeEvent) => void;

/**
 * What happened to a message that nobody refused.
 * @param entry this node's, about it
 * @param peerIndex index of the peer's
 */
export function eventOf<Kind extends 'SENT' | 'RECEIVED' | 'RECEIPT_HELD' | 'VOIDED'>(
  kind: Kind,
  { peer, message_id, case_id, type, seq }: MessageRecord,
  { time, index }: EntryRef,
  peerIndex?: number,
): MessageEvent<Kind> {
  return { kind, time, peer, message_id, case_id, type, seq, index, peer_index: peerIndex };
}

/** A refusal, by this node or by the peer. */
export function refusalOf<Kind extends 'REFUSED' | 'REFUSAL_HELD'>(
  kind: Kind,
  record: MessageRecord,
  { time, index }: EntryRef,
  peerIndex: number,
  reason: Reason,
): MessageEvent<Kind> & { readonly reason: Reason } {
  const { peer, message_id, case_id, type, seq } = record;
  return { kind, time, peer, message_id, case_id, type, seq, index, peer_index: peerIndex, reason };
}
