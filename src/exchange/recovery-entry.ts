/** What the steps have in common by which a lost entry comes back: the entry that takes its place, and the message's record. */
import { bytesToBase64url, equalBytes, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import { encodeReceipt, type LedgerEntry, type Message, type Receipt, type Recovered } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ProvedEntry } from './peer-entry.ts';
import { keys, type EntryRef, type MessageRecord } from './record.ts';

/** An own entry of a former epoch, proved. */
export interface LostEntry {
  readonly entry: LedgerEntry;
  readonly receipt: Receipt;
  readonly detail: Recovered;
  /** Where it stood among the entries of all epochs. */
  readonly place: number;
}

/** What a step of recovery came to: whether anything was new, and what failed beside the ledger. */
export interface Outcome {
  readonly isNew: boolean;
  readonly failure?: unknown;
}

/** It is here already. */
export const COPY: Outcome = { isNew: false };

/** The step that takes an entry back. */
export type Plan = (view: StepView) => Promise<Verdict<Outcome>>;

/** Appends the RECOVERED entry. */
export function appendRecovered(view: StepView, { entry, receipt, detail }: LostEntry): EntryRef {
  const { peer, message_id, seq, sealed_digest, signed_digest, reason } = entry;
  const about = { peer, message_id, seq, sealed_digest, signed_digest, reason };
  const ref = view.append({ kind: 'RECOVERED', ...about, detail: { type: 'recovered', value: detail } });
  view.put(keys.peerProof(ref.index), encodeReceipt(receipt));
  return ref;
}

/** Appends that the peer's answer is held. */
export function appendHeld(
  view: StepView,
  { entry, detail }: Pick<ProvedEntry, 'entry' | 'detail'>,
  peer: JurisdictionCode,
): EntryRef {
  const { message_id, seq, sealed_digest, signed_digest, reason } = entry;
  return view.append({ kind: 'RECEIPT_HELD', peer, message_id, seq, sealed_digest, signed_digest, reason, detail });
}

type RecordBase = Omit<MessageRecord, 'direction' | 'status' | 'sent'>;

/** The part of a record that the entry and, where it is known, the message tell. */
export function recordOf(entry: LedgerEntry, peer: JurisdictionCode, message: Message | undefined): RecordBase {
  const header = message?.header;
  return {
    message_id: entry.message_id as Uuid,
    peer,
    seq: entry.seq,
    recovered: true,
    case_id: header?.case_id,
    type: message?.body.type,
    in_reply_to: header?.in_reply_to,
    issued_at: header?.issued_at,
    expires_at: header?.expires_at,
    sealed_digest: bytesToBase64url(entry.sealed_digest!),
    signed_digest: bytesToBase64url(entry.signed_digest!),
  };
}

/** Whether two entries are about one message, byte for byte. */
export function isSameMessage(a: LedgerEntry, b: LedgerEntry): boolean {
  const isSame = a.message_id === b.message_id && a.seq === b.seq;
  return isSame && equalBytes(a.sealed_digest!, b.sealed_digest!) && equalBytes(a.signed_digest!, b.signed_digest!);
}
