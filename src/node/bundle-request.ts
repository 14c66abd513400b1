/** Which part of a node's ledger an auditor is to get, as a person asks for it. */
import { isJurisdictionCode, isUuid, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { admits, type Selection, type WantedPart } from '../audit/mod.ts';
import { findMessage, listMessages } from '../exchange/mod.ts';
import { parseLedgerEntry, type LedgerEntry } from '../wire/mod.ts';
import { NodeError } from './error.ts';
import type { NodeStorage } from './node-storage.ts';

/** The words of the request; what is absent limits nothing. */
export interface BundleRequest {
  /** An index, or a day or time in ISO 8601; inclusive at both ends. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly peer?: string | undefined;
  readonly case?: string | undefined;
  /** Ids of messages to disclose. */
  readonly disclose?: readonly string[] | undefined;
}

type Parts = Pick<NodeStorage, 'store' | 'ledger'>;

const DAY_MS = 24 * 3_600_000;

/**
 * The part of the ledger that is asked for; undefined for all of it.
 * @param size of the tree that the bundle will be about
 * @throws {NodeError} NODE_SELECTION_INVALID
 */
export async function wantedPart(parts: Parts, size: number, request: BundleRequest): Promise<WantedPart | undefined> {
  const { from, to, peer, case: caseId } = request;
  if (from === undefined && to === undefined && peer === undefined && caseId === undefined) return undefined;
  if (peer !== undefined && !isJurisdictionCode(peer)) throw invalidSelection(`“${peer}” is not a jurisdiction code`);
  if (caseId !== undefined && !isUuid(caseId)) throw invalidSelection(`“${caseId}” is not a case id`);
  const first = from === undefined ? undefined : await firstIndex(parts, size, from);
  const last = to === undefined ? undefined : await lastIndex(parts, size, to);
  if ((first ?? 0) > Math.min(last ?? Infinity, size - 1)) throw invalidSelection('the range holds no entry');
  const selection: Selection = {
    ...(first === undefined ? {} : { from: first }),
    ...(last === undefined ? {} : { to: last }),
    ...(peer === undefined ? {} : { peer }),
    ...(caseId === undefined ? {} : { case: true }),
  };
  const ofCase = caseId === undefined ? undefined : await messagesOf(parts, caseId);
  const isChosen = async (entry: LedgerEntry): Promise<boolean> =>
    (ofCase === undefined || (entry.message_id !== undefined && ofCase.has(entry.message_id))) &&
    (peer === undefined || (await isOfPeer(parts, entry, peer)));
  return { selection, isChosen };
}

async function messagesOf({ store }: Parts, caseId: Uuid): Promise<ReadonlySet<string>> {
  const found = await listMessages({ store }, { case_id: caseId, limit: Infinity });
  if (found.length === 0) throw invalidSelection(`there is no case ${caseId} here`);
  return new Set(found.map(({ message_id: id }) => id));
}

/** An entry that names no peer belongs to the peer of its message. */
async function isOfPeer({ store }: Parts, entry: LedgerEntry, peer: JurisdictionCode): Promise<boolean> {
  if (entry.peer !== undefined) return entry.peer === peer;
  if (entry.message_id === undefined) return false;
  return (await findMessage({ store }, entry.message_id as Uuid)).peer === peer;
}

/**
 * The messages that are to be disclosed, each of which lies in the part that is asked for.
 * @throws {NodeError} NODE_SELECTION_INVALID @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE
 */
export async function wantedMessages(
  { store, ledger }: Parts,
  part: WantedPart | undefined,
  ids: readonly string[],
): Promise<Uuid[]> {
  const messages: Uuid[] = [];
  for (const id of ids) {
    if (!isUuid(id)) throw invalidSelection(`“${id}” is not a message id`);
    const record = await findMessage({ store }, id);
    // The entry that commits to the message; a voided one has lost its place to a later entry, and its content was never sent.
    const index = record.direction === 'OUT' ? record.sent.index : record.answer!.index;
    const entry = parseLedgerEntry(await ledger.entry(index));
    const isShown = part === undefined || (admits(part.selection, entry, index) && (await part.isChosen(entry)));
    if (!isShown || entry.kind === 'VOIDED') throw invalidSelection(`message ${id} is not in it`);
    messages.push(id);
  }
  return messages;
}

/** A range of days begins one entry early and ends one late, so that its reader sees that nothing of those days is left out. */
async function firstIndex(parts: Parts, size: number, text: string): Promise<number> {
  if (isIndex(text)) return Number(text);
  return Math.max(0, (await countBefore(parts, size, timeOf(text))) - 1);
}

async function lastIndex(parts: Parts, size: number, text: string): Promise<number> {
  if (isIndex(text)) return Math.min(Number(text), size - 1);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const end = timeOf(text) + (isDay ? DAY_MS : 1);
  return Math.min(size - 1, await countBefore(parts, size, end));
}

/** How many entries are from before a time: times never decrease, so halving finds it. */
async function countBefore({ ledger }: Parts, size: number, timeMs: number): Promise<number> {
  let [low, high] = [0, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (parseLedgerEntry(await ledger.entry(middle)).time < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isIndex(text: string): boolean {
  return /^(0|[1-9][0-9]{0,14})$/.test(text);
}

function timeOf(text: string): number {
  const timeMs = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(timeMs))
    throw invalidSelection(
      `“${text}” is neither an index nor a day or time such as 2026-03-31 or 2026-03-31T12:00:00Z`,
    );
  return timeMs;
}

/** The error of a part that cannot be exported. */
export function invalidSelection(detail: string): NodeError {
  return new NodeError('NODE_SELECTION_INVALID', `That part of the ledger cannot be exported: ${detail}.`);
}
