/** Exhibits between two sides: handed over, received, returned. Both sides' part of a chain of custody comes together here. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import { MAX_CUSTODY, mergeCustody } from '../evidence/mod.ts';
import { faultsError, type EvidenceItem, type Fault, type ItemCustody, type ReturnOfOriginals } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import {
  chainFaults,
  continued,
  differingOf,
  itemOf,
  ownItem,
  putItemRecord,
  type ItemRecord,
} from './evidence-item-record.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';
import { planIncident, type NotedIncident } from './incident.ts';
import type { DraftingView } from './outbox.ts';

/** Signs the handing-over of an exhibit into its chain, in the step that sends it. @throws {EvidenceError} EVIDENCE_UNKNOWN */
export async function planHandOver(
  context: ExchangeContext,
  view: DraftingView,
  { peer, case_id }: { readonly peer: JurisdictionCode; readonly case_id: Uuid },
  itemId: string,
): Promise<EvidenceItem> {
  const recipient = context.directory.member(peer)?.authority ?? peer;
  const record = await ownItem(context, view, case_id, itemId);
  const item = itemOf(record);
  const isAgain = item.custody.some(({ event }) => event.kind === 'TRANSFER' && event.to === recipient);
  const note = isAgain ? { note: { lang: 'en', text: 'Transmitted again.', translations: [] } } : {};
  const next = continued(context, item, { kind: 'TRANSFER', to: recipient, ...note });
  putItemRecord(view, record, next);
  return next;
}

/** What a peer's exhibits contradict: this node's own part of the chain, or what the peer said before. */
export type Contradiction = string;

/**
 * Keeps the exhibits that a peer has sent. Of one that was here before, neither what happened here nor what the peer said then is lost.
 * @returns what contradicts what was here
 */
export async function planItems(
  context: ExchangeContext,
  view: StepView,
  { peer, case_id }: { readonly peer: JurisdictionCode; readonly case_id: Uuid },
  items: readonly EvidenceItem[],
): Promise<Contradiction[]> {
  const contradictions: Contradiction[] = [];
  for (const item of items) {
    const known = await view.getRecord<ItemRecord>(evidenceKeys.item(case_id, peer, item.item_id));
    const custody = known === undefined ? item.custody : mergeCustody(itemOf(known).custody, item.custody);
    if (custody.length > MAX_CUSTODY.kept) {
      contradictions.push(`${item.item_id}.custody would have ${custody.length} events: nothing of it was taken over`);
      continue;
    }
    contradictions.push(...saidOf(chainFaults(context, item.item_id, custody, `${item.item_id}.custody`)));
    putItemRecord(view, { case_id, origin: peer }, { ...item, custody });
  }
  return contradictions;
}

/** Exhibits came again with files that are here already, and compared: their receipt is signed into their chains at once. */
export async function planReceivedAgain(
  context: ExchangeContext,
  view: StepView,
  { peer, case_id }: { readonly peer: JurisdictionCode; readonly case_id: Uuid },
  items: readonly EvidenceItem[],
): Promise<NotedIncident[]> {
  const incidents: NotedIncident[] = [];
  for (const { item_id: itemId } of items) {
    const known = (await view.getRecord<ItemRecord>(evidenceKeys.item(case_id, peer, itemId)))!;
    if (itemOf(known).files.length > 0) incidents.push(...(await receive(context, view, known)));
  }
  return incidents;
}

/** All files of an exhibit that came in have been compared: its receipt is signed into its chain. */
export async function planReceive(
  context: ExchangeContext,
  view: StepView,
  record: EvidenceRecord,
): Promise<NotedIncident[]> {
  const incidents: NotedIncident[] = [];
  if (record.peer === undefined) return incidents;
  const fileId = fileOf(record).file_id;
  // Not as they rest: a step before this one in the batch may have brought one, sent it back, or taken it over anew.
  for (const key of await view.keysUnder(evidenceKeys.itemsOf(record.case_id, record.peer))) {
    const known = (await view.getRecord<ItemRecord>(key))!;
    if (itemOf(known).files.includes(fileId)) incidents.push(...(await receive(context, view, known)));
  }
  return incidents;
}

/**
 * Signs the receipt of an exhibit whose files have all been compared, once for each time that it came.
 * @returns the incident of an exhibit that is not what it says of itself
 */
async function receive(context: ExchangeContext, view: StepView, known: ItemRecord): Promise<NotedIncident[]> {
  const item = itemOf(known);
  const last = item.custody.at(-1);
  const isReceived = last?.event.kind === 'RECEIVE' && last.jurisdiction === context.code;
  if (isReceived || item.custody.length >= MAX_CUSTODY.kept || !(await areVerified(view, item.files))) return [];
  const [only, ...others] = item.files;
  const file = others.length === 0 ? await view.getRecord<EvidenceRecord>(evidenceKeys.file(only!)) : undefined;
  const content = file && { hash_after: { algorithm: 'SHA256' as const, value: fileOf(file).sha256 } };
  putItemRecord(view, known, continued(context, item, { kind: 'RECEIVE', ...content }));
  const differing = await differingOf((key) => view.getRecord(key), item);
  if (differing.length === 0) return [];
  const detail = `exhibit ${item.item_id} of case ${known.case_id}: none of its files has the SHA-256 ${differing.join(', ')} that it states`;
  return [planIncident(context, view, known.origin, { kind: 'EVIDENCE_MISMATCH', detail, exhibits: item.files })];
}

/**
 * Signs the return of exhibits to the peer whose they are: chains as they go back with them.
 * @throws {WireError} WIRE_FIELDS_INVALID for an exhibit that this node does not have of the peer
 */
export async function planReturn(
  context: ExchangeContext,
  view: StepView,
  { peer, case_id }: { readonly peer: JurisdictionCode; readonly case_id: Uuid },
  { item_ids: ids, manner }: ReturnOfOriginals,
): Promise<ItemCustody[]> {
  const chains: ItemCustody[] = [];
  const faults: Fault[] = [];
  const { code, directory } = context;
  const [from, to] = [code, peer].map((each) => directory.member(each)?.authority ?? each);
  for (const [index, itemId] of ids.entries()) {
    const record = await view.getRecord<ItemRecord>(evidenceKeys.item(case_id, peer, itemId));
    if (record === undefined) {
      const message = `“${itemId}” is no exhibit that ${peer} has sent in this case`;
      faults.push({ path: `return_of_originals.item_ids[${index}]`, code: 'BAD_VALUE', message });
      continue;
    }
    const item = continued(context, itemOf(record), { kind: 'RETURN', from, to: to!, note: manner });
    putItemRecord(view, record, item);
    chains.push({ item_id: itemId, records: item.custody });
  }
  if (faults.length > 0) throw faultsError(faults);
  return chains;
}

/** Own exhibits come back: what happened to them at the peer is a part of their chains from now on. */
export async function planReturned(
  context: ExchangeContext,
  view: StepView,
  caseId: Uuid,
  chains: readonly ItemCustody[],
): Promise<Contradiction[]> {
  const contradictions: Contradiction[] = [];
  for (const { item_id: itemId, records } of chains) {
    const known = await view.getRecord<ItemRecord>(evidenceKeys.item(caseId, context.code, itemId));
    if (known === undefined) continue;
    const item = itemOf(known);
    const custody = mergeCustody(item.custody, records);
    if (custody.length > MAX_CUSTODY.kept) {
      contradictions.push(`${itemId}.custody would have ${custody.length} events: nothing of it was taken over`);
      continue;
    }
    contradictions.push(...saidOf(chainFaults(context, itemId, custody, `${itemId}.custody`)));
    putItemRecord(view, known, { ...item, custody });
  }
  return contradictions;
}

async function areVerified(view: StepView, fileIds: readonly string[]): Promise<boolean> {
  for (const id of fileIds) {
    const record = await view.getRecord<EvidenceRecord>(evidenceKeys.file(id));
    if (record?.verified_at === undefined) return false;
  }
  return true;
}

function saidOf(faults: readonly Fault[]): string[] {
  return faults.map(({ path, message }) => `${path} ${message}`);
}
