/** What people ask a node about its messages. */
import { bytesToBase64, isoTime, parseBase64url, parseUtf8, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import type { Case } from '../casework/mod.ts';
import { parseMessage, parseReceipt, toJson } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { verifyPeerEntry } from './peer-entry.ts';
import { decodeRecord, keys, type EntryRef, type MessageRecord } from './record.ts';

/** Which messages a list is about. */
export interface MessageFilter {
  readonly peer?: JurisdictionCode | undefined;
  readonly case_id?: Uuid | undefined;
  readonly status?: MessageRecord['status'] | undefined;
  readonly limit?: number | undefined;
  /** Whether those of a case are for whoever asks: what is not does not count towards the limit. */
  readonly isKnown?: ((caseId: Uuid | undefined) => Promise<boolean>) | undefined;
}

/** A message with its content and the peer's proof. */
export interface MessageDetail {
  readonly record: MessageRecord;
  /** The decoded message, where this node could read it. */
  readonly content: Record<string, unknown> | undefined;
  /** The peer's entry about the message: the receipt of one sent, the SENT entry of one received. */
  readonly proof: PeerProof | undefined;
}

/** A peer's entry with its proof, verified again. */
export interface PeerProof {
  readonly origin: string;
  readonly kind: string;
  readonly index: number;
  readonly tree_size: number;
  readonly verified: boolean;
  /** The entry's exact bytes in base64: with the proof, all that anyone needs to verify it. */
  readonly entry: string;
  readonly proof: string;
}

/** One thing that happened to a message. */
export interface TimelineEntry {
  readonly time: string;
  /** Whose ledger says so. */
  readonly ledger: JurisdictionCode;
  readonly index: number;
  readonly kind: string;
  readonly text: string;
}

/** Messages, newest first. */
export async function listMessages(
  context: Pick<ExchangeContext, 'store'>,
  filter: MessageFilter,
): Promise<MessageRecord[]> {
  const found: MessageRecord[] = [];
  // Message ids are UUIDv7: their order is the order of their making.
  for await (const [, bytes] of context.store.scan('message/', { reverse: true })) {
    if (found.length >= (filter.limit ?? 1000)) break;
    const record = decodeRecord<MessageRecord>(bytes);
    const wanted =
      (filter.peer === undefined || record.peer === filter.peer) &&
      (filter.case_id === undefined || record.case_id === filter.case_id) &&
      (filter.status === undefined || record.status === filter.status);
    if (wanted && (await filter.isKnown?.(record.case_id)) !== false) found.push(record);
  }
  return found;
}

/** @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE */
export async function findMessage(context: Pick<ExchangeContext, 'store'>, id: Uuid): Promise<MessageRecord> {
  const bytes = await context.store.get(keys.message(id));
  if (bytes === undefined)
    throw new ExchangeError('EXCHANGE_UNKNOWN_MESSAGE', `There is no message ${id} at this node.`);
  return decodeRecord<MessageRecord>(bytes);
}

/** @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE */
export async function showMessage(context: ExchangeContext, id: Uuid): Promise<MessageDetail> {
  const record = await findMessage(context, id);
  const jws = await context.store.get(keys.signed(id));
  return {
    record,
    content: jws === undefined ? undefined : contentOf(parseUtf8(jws)),
    proof: await proofOf(context, record),
  };
}

/** Another case that one has to do with. */
export interface CaseLink {
  readonly case_id: Uuid;
  readonly peer: JurisdictionCode;
}

/** A case, with those opened under it and those of the same investigation. */
export interface CaseView extends Case {
  readonly children: readonly CaseLink[];
  readonly siblings: readonly CaseLink[];
}

/** Every case, or those of one id: one for each counterpart. */
export async function listCases(context: ExchangeContext, id?: Uuid): Promise<CaseView[]> {
  const cases: CaseView[] = [];
  for await (const [key, bytes] of context.store.scan(id === undefined ? 'case/' : keys.casesOf(id))) {
    const found = decodeRecord<Case>(bytes);
    const peer = key.slice(key.lastIndexOf('/') + 1) as JurisdictionCode;
    cases.push({
      ...found,
      children: await childrenOf(context, found, peer),
      siblings: id === undefined ? [] : await siblingsOf(context, found, peer),
    });
  }
  return cases;
}

async function childrenOf(context: ExchangeContext, { case_id }: Case, peer: JurisdictionCode): Promise<CaseLink[]> {
  const bytes = await context.store.get(keys.children(case_id, peer));
  if (bytes === undefined) return [];
  return decodeRecord<{ readonly children: readonly Uuid[] }>(bytes).children.map((id) => ({ case_id: id, peer }));
}

async function siblingsOf(context: ExchangeContext, found: Case, peer: JurisdictionCode): Promise<CaseLink[]> {
  if (found.investigation_id === undefined) return [];
  const siblings: CaseLink[] = [];
  for await (const [key] of context.store.scan(keys.investigationOf(found.investigation_id))) {
    const [, , case_id, code] = key.split('/') as [string, string, Uuid, JurisdictionCode];
    if (case_id !== found.case_id || code !== peer) siblings.push({ case_id, peer: code });
  }
  return siblings;
}

/** Everything that the two ledgers say about a message, in order. */
export function timelineOf(context: ExchangeContext, record: MessageRecord): TimelineEntry[] {
  const [sender, recipient] = record.direction === 'OUT' ? [context.code, record.peer] : [record.peer, context.code];
  const what = record.type?.replaceAll('_', ' ') ?? 'message';
  const line = (ref: EntryRef, ledger: JurisdictionCode, kind: string, text: string): TimelineEntry => ({
    time: isoTime(ref.time),
    ledger,
    index: ref.index,
    kind,
    text,
  });
  const voided = record.status === 'VOIDED';
  const lines = [
    line(
      record.sent,
      sender,
      voided ? 'VOIDED' : 'SENT',
      voided
        ? `${sender} gave up message ${record.seq} to ${recipient}`
        : `${sender} sent ${recipient} ${what} ${record.seq}`,
    ),
  ];
  if (record.answer !== undefined) {
    const refused = record.status === 'REFUSED' || record.status === 'QUARANTINED';
    const kept = record.status === 'QUARANTINED' ? ', and keeps it in quarantine' : '';
    const text = refused ? `${recipient} refused it: ${record.reason}${kept}` : `${recipient} received it`;
    lines.push(line(record.answer, recipient, refused ? 'REFUSED' : 'RECEIVED', text));
  }
  if (record.held !== undefined) {
    lines.push(line(record.held, sender, 'RECEIPT_HELD', `${sender} verified and holds the receipt of ${recipient}`));
  }
  return lines;
}

function contentOf(jws: string): Record<string, unknown> {
  const { header, body } = parseMessage(parseBase64url(jws.split('.')[1]!));
  const json = toJson('Message', { header, body });
  const { padding: _padding, ...readable } = json['header'] as Record<string, unknown>;
  return { ...(withoutFileKeys(json) as Record<string, unknown>), header: readable };
}

/** Whoever may read a message need not be able to read its files: their keys stay in the sealed store. */
function withoutFileKeys(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutFileKeys);
  if (typeof json !== 'object' || json === null) return json;
  const isFile = 'file_id' in json && 'chunk_bytes' in json;
  const members = Object.entries(json).filter(([name]) => !(isFile && name === 'key'));
  return Object.fromEntries(members.map(([name, value]) => [name, withoutFileKeys(value)]));
}

async function proofOf(context: ExchangeContext, record: MessageRecord): Promise<PeerProof | undefined> {
  const own = record.direction === 'OUT' ? record.held : record.answer;
  const keyOf = record.direction === 'IN' && record.recovered === true ? keys.counterpart : keys.peerProof;
  const bytes = own === undefined ? undefined : await context.store.get(keyOf(own.index));
  if (bytes === undefined || context.directory.member(record.peer) === undefined) return undefined;
  const receipt = parseReceipt(bytes);
  const { origin } = context.directory.member(record.peer)!.ledger;
  const text = { entry: bytesToBase64(receipt.entry), proof: receipt.proof };
  const proved = verifyPeerEntry(context, record.peer, receipt, { former: true, atMs: own!.time });
  if (!proved.ok) return { origin, kind: '', index: -1, tree_size: -1, verified: false, ...text };
  const { entry, ref, checkpoint } = proved.value;
  return { origin, kind: entry.kind, index: ref.index, tree_size: checkpoint.size, verified: true, ...text };
}
