import { MAX_CUSTODY, custodyFaults, itemFaults, verifyGeometry, type CustodyKeys } from '../evidence/mod.ts';
import type { JurisdictionCode } from '../base/mod.ts';
import type { Body, CustodyRecord, EvidenceFile, EvidenceItem, Fault, ReturnOfOriginals } from '../wire/mod.ts';
import type { Directory } from './directory.ts';

/** What a body carries of evidence. */
export interface Carried {
  readonly files: readonly EvidenceFile[];
  readonly items: readonly EvidenceItem[];
}

/** The files that a body announces, and the exhibits that it describes. */
export function carriedBy({ type, value }: Body): Carried {
  if (type === 'evidence_transfer' || type === 'jit_contribution') return value;
  if (type === 'clarification_reply' || type === 'spontaneous_information') return { files: value.files, items: [] };
  const hasOrder = type === 'restraint_request' || type === 'confiscation_request';
  const copy = hasOrder ? value.order?.copy : undefined;
  return { files: copy === undefined ? [] : [copy], items: [] };
}

/** Everything that is wrong with the evidence that a body speaks of: particulars, custody, and which file belongs to what. */
export function evidenceFaults(body: Body, directory: Directory): Fault[] {
  const carried = carriedBy(body);
  if (carried.files.length === 0 && carried.items.length === 0) return [];
  const keys = custodyKeysOf(directory);
  return [...fileFaults(body, carried), ...exhibitFaults(body.type, carried, keys)];
}

/** What is wrong with a draft that this node would have to complete itself. */
export function draftedCustodyFaults({ type, value }: Body): Fault[] {
  if (type !== 'return_of_originals' || value.custody.length === 0) return [];
  return [{ path: 'return_of_originals.custody', code: 'CONFLICT', message: 'is added by the node, not described' }];
}

/** Everything that is wrong with what a peer says of exhibits that it returns. */
export function returnFaults({ type, value }: Body, from: string, directory: Directory): Fault[] {
  return type === 'return_of_originals' ? returnedFaults(value, from, custodyKeysOf(directory)) : [];
}

/** The signing keys of members, whatever their validity: a chain of custody outlives keys. */
export function custodyKeysOf(directory: Directory): CustodyKeys {
  return (jurisdiction, kid) => {
    const member = directory.member(jurisdiction as JurisdictionCode);
    return member && directory.signKey(member, kid);
  };
}

function fileFaults(body: Body, { files }: Carried): Fault[] {
  const faults: Fault[] = [];
  const ids = new Set<string>();
  for (const [index, file] of files.entries()) {
    const path = pathOf(body, index);
    if (ids.has(file.file_id)) faults.push({ path: `${path}.file_id`, code: 'CONFLICT', message: 'is there twice' });
    ids.add(file.file_id);
    const geometry = verifyGeometry(file);
    if (!geometry.ok) faults.push({ path, code: 'BAD_VALUE', message: geometry.detail });
  }
  return faults;
}

function pathOf({ type }: Body, index: number): string {
  const isOrder = type === 'restraint_request' || type === 'confiscation_request';
  return isOrder ? `${type}.order.copy` : `${type}.files[${index}]`;
}

function exhibitFaults(type: Body['type'], { items, files }: Carried, keys: CustodyKeys): Fault[] {
  const faults: Fault[] = [];
  const conflict = (at: string, message: string): void => {
    faults.push({ path: `${type}.${at}`, code: 'CONFLICT', message });
  };
  const fileIds = new Set(files.map(({ file_id: id }) => id));
  const itemIds = new Set<string>();
  const claimed = new Set<string>();
  for (const [index, item] of items.entries()) {
    const at = `${type}.items[${index}]`;
    if (itemIds.has(item.item_id)) conflict(`items[${index}].item_id`, `“${item.item_id}” is there twice`);
    itemIds.add(item.item_id);
    for (const [i, id] of item.files.entries()) {
      if (!fileIds.has(id)) conflict(`items[${index}].files[${i}]`, 'is not one of the files of this message');
      claimed.add(id);
    }
    faults.push(...itemFaults(item, at), ...chainFaults(item.item_id, item.custody, keys, `${at}.custody`));
  }
  // Elsewhere a file can speak for itself; what is sent as evidence is an exhibit.
  for (const [index, { file_id: id }] of type === 'evidence_transfer' ? files.entries() : [])
    if (!claimed.has(id)) conflict(`files[${index}]`, 'belongs to no item of this message');
  return faults;
}

function chainFaults(itemId: string, chain: readonly CustodyRecord[], keys: CustodyKeys, path: string): Fault[] {
  if (chain.length <= MAX_CUSTODY.sent) return custodyFaults(itemId, chain, keys, path);
  return [{ path, code: 'TOO_MANY', message: `has more than the ${MAX_CUSTODY.sent} events that a message may carry` }];
}

function returnedFaults({ item_ids: ids, custody }: ReturnOfOriginals, from: string, keys: CustodyKeys): Fault[] {
  const path = 'return_of_originals';
  const faults: Fault[] = [];
  for (const [index, { item_id: itemId, records }] of custody.entries()) {
    const at = `${path}.custody[${index}]`;
    const isOther = !ids.includes(itemId) || custody.findIndex((each) => each.item_id === itemId) !== index;
    if (isOther)
      faults.push({ path: `${at}.item_id`, code: 'CONFLICT', message: 'is not returned, or is there twice' });
    faults.push(...chainFaults(itemId, records, keys, `${at}.records`));
  }
  for (const [index, id] of ids.entries()) {
    const last = custody.find(({ item_id: itemId }) => itemId === id)?.records.at(-1);
    if (last?.event.kind === 'RETURN' && last.jurisdiction === from) continue;
    const message = 'has no chain of custody that ends with its return by the sender';
    faults.push({ path: `${path}.item_ids[${index}]`, code: 'REQUIRED', message });
  }
  return faults;
}
