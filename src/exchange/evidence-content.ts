import { custodyFaults, itemFaults, verifyGeometry, type CustodyKeys } from '../evidence/mod.ts';
import type { JurisdictionCode } from '../base/mod.ts';
import type { Body, EvidenceTransfer, Fault } from '../wire/mod.ts';
import type { Directory } from './directory.ts';

/** Everything that is wrong with the evidence that a message speaks of: particulars, custody, and which file belongs to what. */
export function evidenceFaults(body: Body, directory: Directory): Fault[] {
  return body.type === 'evidence_transfer' ? transferFaults(body.value, custodyKeysOf(directory)) : [];
}

/** The signing keys of members, whatever their validity: a chain of custody outlives keys. */
export function custodyKeysOf(directory: Directory): CustodyKeys {
  return (jurisdiction, kid) => {
    const member = directory.member(jurisdiction as JurisdictionCode);
    return member && directory.signKey(member, kid);
  };
}

function transferFaults({ items, files }: EvidenceTransfer, keys: CustodyKeys): Fault[] {
  const path = 'evidence_transfer';
  const faults: Fault[] = [];
  const conflict = (at: string, message: string): void => {
    faults.push({ path: `${path}.${at}`, code: 'CONFLICT', message });
  };
  const fileIds = new Set<string>();
  for (const [index, file] of files.entries()) {
    if (fileIds.has(file.file_id)) conflict(`files[${index}].file_id`, 'is there twice');
    fileIds.add(file.file_id);
    const geometry = verifyGeometry(file);
    if (!geometry.ok) faults.push({ path: `${path}.files[${index}]`, code: 'BAD_VALUE', message: geometry.detail });
  }
  const itemIds = new Set<string>();
  const claimed = new Set<string>();
  for (const [index, item] of items.entries()) {
    const at = `${path}.items[${index}]`;
    if (itemIds.has(item.item_id)) conflict(`items[${index}].item_id`, `“${item.item_id}” is there twice`);
    itemIds.add(item.item_id);
    for (const [i, id] of item.files.entries()) {
      if (!fileIds.has(id)) conflict(`items[${index}].files[${i}]`, 'is not one of the files of this message');
      claimed.add(id);
    }
    faults.push(...itemFaults(item, at), ...custodyFaults(item.item_id, item.custody, keys, `${at}.custody`));
  }
  for (const [index, { file_id: id }] of files.entries())
    if (!claimed.has(id)) conflict(`files[${index}]`, 'belongs to no item of this message');
  return faults;
}
