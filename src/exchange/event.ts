import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import type { BodyType, Reason } from '../wire/mod.ts';

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
  readonly peer_index?: number;
}

/** Told of every event, after it is durable. */
export type ExchangeListener = (event: ExchangeEvent) => void;
