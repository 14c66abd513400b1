/** The exhibits of a case: what people say of them, which files belong to them, and their chains of custody. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import {
  EvidenceError,
  appendCustody,
  custodyFaults,
  itemFaults,
  type CustodyDraft,
  type CustodySigner,
} from '../evidence/mod.ts';
import { faultsError, parseJson, toJson, type EvidenceItem, type Hash } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { custodyKeysOf } from './evidence-content.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';
import { decodeRecord } from './record.ts';

/** An exhibit at this node. */
export interface ItemRecord {
  readonly case_id: Uuid;
  /** Whose exhibit it is: this node's own code, or that of the peer that sent it. */
  readonly origin: JurisdictionCode;
  /** As JSON; `itemOf` reads it. */
  readonly item: Record<string, unknown>;
}

/** An exhibit as people see it. */
export interface ItemAnswer {
  readonly case_id: Uuid;
  readonly origin: JurisdictionCode;
  readonly item: Record<string, unknown>;
  /** What is wrong with its chain of custody, as it is here; nothing, most likely. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
}

/** The exhibit that a record is about. */
export function itemOf(record: ItemRecord): EvidenceItem {
  return parseJson('EvidenceItem', record.item);
}

/**
 * Describes an exhibit of this node's own, or describes it anew; its files and its chain stay.
 * @throws {WireError} WIRE_FIELDS_INVALID
 */
export async function putItem(context: ExchangeContext, caseId: Uuid, json: unknown): Promise<ItemAnswer> {
  const described = parseJson('EvidenceItem', json);
  const faults = itemFaults(described, 'item');
  const isMade = described.custody.length > 0 || described.files.length > 0;
  if (isMade)
    faults.push({ path: 'item.custody', code: 'CONFLICT', message: 'and files are added by the node, not described' });
  if (faults.length > 0) throw faultsError(faults);
  const record = await context.committer.commit(async (view) => {
    const key = evidenceKeys.item(caseId, context.code, described.item_id);
    const known = await view.getRecord<ItemRecord>(key);
    const { custody, files } = known === undefined ? described : itemOf(known);
    return putRecord(view, { case_id: caseId, origin: context.code }, { ...described, custody, files });
  });
  return answerOf(context, record);
}

/** Gives files to an exhibit, with a STORE event for each. @throws {EvidenceError} EVIDENCE_UNKNOWN */
export function addFilesToItem(
  context: ExchangeContext,
  caseId: Uuid,
  itemId: string,
  fileIds: readonly string[],
): Promise<void> {
  return context.committer.commit(async (view) => {
    const record = await ownItem(context, view, caseId, itemId);
    let item = itemOf(record);
    for (const id of fileIds.filter((fileId) => !item.files.includes(fileId))) {
      const file = await view.getRecord<EvidenceRecord>(evidenceKeys.file(id));
      if (file === undefined) throw new EvidenceError('EVIDENCE_UNKNOWN', `There is no file ${id} at this node.`);
      const hash: Hash = { algorithm: 'SHA256', value: fileOf(file).sha256 };
      // Several files have several digests: an event can speak of the content only when there is one.
      const content = item.files.length === 0 ? { hash_after: hash } : {};
      item = continued(context, { ...item, files: [...item.files, id] }, { kind: 'STORE', ...content });
    }
    putRecord(view, record, item);
  });
}

/**
 * Signs one more event into an exhibit's chain.
 * @param json kind, to, place, and what else the event says; `at` is now where it is left out
 * @throws {EvidenceError} EVIDENCE_UNKNOWN {WireError} WIRE_FIELDS_INVALID
 */
export async function addCustody(
  context: ExchangeContext,
  caseId: Uuid,
  itemId: string,
  json: Record<string, unknown>,
): Promise<ItemAnswer> {
  const nowMs = context.clock.nowMs();
  const {
    item_id: _id,
    number: _number,
    previous: _previous,
    ...draft
  } = parseJson('CustodyEvent', {
    at: nowMs,
    ...json,
    item_id: itemId,
    number: 1,
  });
  const record = await context.committer.commit(async (view) => {
    const known = await ownItem(context, view, caseId, itemId);
    const item = itemOf(known);
    const next = { ...item, custody: [...item.custody, appendCustody(itemId, item.custody, draft, signerOf(context))] };
    const faults = custodyFaults(itemId, next.custody, custodyKeysOf(context.directory), 'custody');
    if (draft.at > nowMs) faults.push({ path: 'at', code: 'OUT_OF_RANGE', message: 'lies in the future' });
    if (faults.length > 0) throw faultsError(faults);
    return putRecord(view, known, next);
  });
  return answerOf(context, record);
}

/** Every exhibit of a case, or of all cases. */
export async function listItems(context: ExchangeContext, caseId?: Uuid): Promise<ItemAnswer[]> {
  const found: ItemAnswer[] = [];
  for await (const [, bytes] of context.store.scan(evidenceKeys.itemsOf(caseId)))
    found.push(answerOf(context, decodeRecord<ItemRecord>(bytes)));
  return found;
}

/** Signs the handing-over of exhibits into their chains: what a transfer is about to carry. @throws {EvidenceError} EVIDENCE_UNKNOWN */
export function handOver(
  context: ExchangeContext,
  caseId: Uuid,
  to: JurisdictionCode,
  itemIds: readonly string[],
): Promise<EvidenceItem[]> {
  const recipient = context.directory.member(to)?.authority ?? to;
  return context.committer.commit(async (view) => {
    const items: EvidenceItem[] = [];
    for (const itemId of itemIds) {
      const record = await ownItem(context, view, caseId, itemId);
      const item = itemOf(record);
      const isAgain = item.custody.some(({ event }) => event.kind === 'TRANSFER' && event.to === recipient);
      const note = isAgain ? { note: { lang: 'en', text: 'Transmitted again.', translations: [] } } : {};
      const next = continued(context, item, { kind: 'TRANSFER', to: recipient, ...note });
      items.push(next);
      putRecord(view, record, next);
    }
    return items;
  });
}

/** Keeps the exhibits that a peer has sent. One that was here before is only continued. */
export async function planItems(
  view: StepView,
  origin: JurisdictionCode,
  caseId: Uuid,
  items: readonly EvidenceItem[],
): Promise<void> {
  for (const item of items) {
    const known = await view.getRecord<ItemRecord>(evidenceKeys.item(caseId, origin, item.item_id));
    // The peer's chain does not have what happened here since; what is here of it must not be lost.
    const own = known === undefined ? [] : itemOf(known).custody.slice(item.custody.length);
    putRecord(view, { case_id: caseId, origin }, own.length > 0 ? itemOf(known!) : item);
  }
}

/** All files of an exhibit that came in have been compared: its receipt is signed into its chain. */
export async function planReceive(context: ExchangeContext, view: StepView, record: EvidenceRecord): Promise<void> {
  if (record.peer === undefined) return;
  const fileId = fileOf(record).file_id;
  for await (const [, bytes] of context.store.scan(evidenceKeys.itemsOf(record.case_id, record.peer))) {
    const known = decodeRecord<ItemRecord>(bytes);
    const item = itemOf(known);
    const isReceived = item.custody.at(-1)?.event.kind === 'RECEIVE';
    if (!item.files.includes(fileId) || isReceived || !(await areVerified(view, item.files))) continue;
    const only =
      item.files.length === 1 ? { hash_after: { algorithm: 'SHA256' as const, value: fileOf(record).sha256 } } : {};
    putRecord(view, known, continued(context, item, { kind: 'RECEIVE', ...only }));
  }
}

async function areVerified(view: StepView, fileIds: readonly string[]): Promise<boolean> {
  for (const id of fileIds) {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(id));
    if (record?.verified_at === undefined) return false;
  }
  return true;
}

/** An exhibit with one more event that happens here and now. */
function continued(
  context: ExchangeContext,
  item: EvidenceItem,
  draft: Pick<CustodyDraft, 'kind'> & Partial<CustodyDraft>,
): EvidenceItem {
  const authority = context.directory.member(context.code)?.authority ?? context.code;
  const last = item.custody.at(-1)?.event.at ?? 0;
  const at = Math.max(last, context.clock.nowMs());
  const event = appendCustody(
    item.item_id,
    item.custody,
    { to: authority, place: authority, at, ...draft },
    signerOf(context),
  );
  return { ...item, custody: [...item.custody, event] };
}

function signerOf({ code, signKey }: ExchangeContext): CustodySigner {
  const key = signKey();
  return { jurisdiction: code, kid: key.kid, sign: (message) => key.sign(message) };
}

function putRecord(view: StepView, { case_id, origin }: Omit<ItemRecord, 'item'>, item: EvidenceItem): ItemRecord {
  const record: ItemRecord = { case_id, origin, item: toJson('EvidenceItem', item) };
  view.putRecord(evidenceKeys.item(case_id, origin, item.item_id), record);
  return record;
}

/** @throws {EvidenceError} EVIDENCE_UNKNOWN */
async function ownItem(context: ExchangeContext, view: StepView, caseId: Uuid, itemId: string): Promise<ItemRecord> {
  const record = await view.getRecord<ItemRecord>(evidenceKeys.item(caseId, context.code, itemId));
  if (record === undefined)
    throw new EvidenceError(
      'EVIDENCE_UNKNOWN',
      `Case ${caseId} has no item ${itemId} of this node: describe it first.`,
    );
  return record;
}

function answerOf(context: ExchangeContext, record: ItemRecord): ItemAnswer {
  const { item_id: itemId, custody } = itemOf(record);
  const faults = custodyFaults(itemId, custody, custodyKeysOf(context.directory), 'custody');
  return { ...record, faults: faults.map(({ path, message }) => ({ path, message })) };
}
