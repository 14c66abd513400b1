/** What a node keeps of an exhibit, and how a chain of custody goes on at it. */
import { bytesToHex, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import {
  EvidenceError,
  MAX_CUSTODY,
  appendCustody,
  custodyFaults,
  type CustodyDraft,
  type CustodySigner,
} from '../evidence/mod.ts';
import { faultsError, parseJson, toJson, type EvidenceItem, type Fault } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { custodyKeysOf } from './evidence-content.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';

/** An exhibit at this node. */
export interface ItemRecord {
  readonly case_id: Uuid;
  /** Whose exhibit it is: this node's own code, or that of the peer that sent it. */
  readonly origin: JurisdictionCode;
  /** As JSON; `itemOf` reads it. */
  readonly item: Record<string, unknown>;
}

/** The exhibit that a record is about. */
export function itemOf(record: ItemRecord): EvidenceItem {
  return parseJson('EvidenceItem', record.item);
}

/** Writes an exhibit down. */
export function putItemRecord(
  view: Pick<StepView, 'putRecord'>,
  { case_id, origin }: Omit<ItemRecord, 'item'>,
  item: EvidenceItem,
): ItemRecord {
  const record: ItemRecord = { case_id, origin, item: toJson('EvidenceItem', item) };
  view.putRecord(evidenceKeys.item(case_id, origin, item.item_id), record);
  return record;
}

/** An exhibit of this node's own. @throws {EvidenceError} EVIDENCE_UNKNOWN */
export async function ownItem(
  context: ExchangeContext,
  view: Pick<StepView, 'getRecord'>,
  caseId: Uuid,
  itemId: string,
): Promise<ItemRecord> {
  const record = await view.getRecord<ItemRecord>(evidenceKeys.item(caseId, context.code, itemId));
  if (record === undefined)
    throw new EvidenceError(
      'EVIDENCE_UNKNOWN',
      `Case ${caseId} has no item ${itemId} of this node: describe it first.`,
    );
  return record;
}

/**
 * An exhibit with one more event that happens here and now.
 * @throws {WireError} WIRE_FIELDS_INVALID when its chain is as long as one may be
 */
export function continued(
  context: ExchangeContext,
  item: EvidenceItem,
  draft: Pick<CustodyDraft, 'kind'> & Partial<CustodyDraft>,
): EvidenceItem {
  if (item.custody.length >= MAX_CUSTODY.kept) {
    const message = `already has ${MAX_CUSTODY.kept} events`;
    throw faultsError([{ path: `${item.item_id}.custody`, code: 'TOO_MANY', message }]);
  }
  const authority = context.directory.member(context.code)?.authority ?? context.code;
  const at = Math.max(context.clock.nowMs(), ...item.custody.map(({ event }) => event.at));
  const event = appendCustody(
    item.item_id,
    item.custody,
    { to: authority, place: authority, at, ...draft },
    signerOf(context),
  );
  return { ...item, custody: [...item.custody, event] };
}

/** Everything that is wrong with a chain, judged by the keys of this node's directory. */
export function chainFaults(
  context: Pick<ExchangeContext, 'directory' | 'verifiedCustody'>,
  itemId: string,
  custody: EvidenceItem['custody'],
  path: string,
): Fault[] {
  return custodyFaults(itemId, custody, custodyKeysOf(context.directory), path, context.verifiedCustody);
}

/**
 * SHA-256 digests, hexadecimal, that an exhibit states and none of its files has, once they are all here. What was announced arrived as it
 * was announced; that does not say that it is what the exhibit says of itself.
 */
export async function differingOf(
  getRecord: <T>(key: string) => Promise<T | undefined>,
  { hashes, files }: EvidenceItem,
): Promise<string[]> {
  const stated = hashes.filter(({ algorithm }) => algorithm === 'SHA256').map(({ value }) => bytesToHex(value));
  if (stated.length === 0 || files.length === 0) return [];
  const found = new Set<string>();
  for (const id of files) {
    const file = await getRecord<EvidenceRecord>(evidenceKeys.file(id));
    if (file?.status !== 'STORED') return [];
    found.add(bytesToHex(fileOf(file).sha256));
  }
  return stated.filter((digest) => !found.has(digest));
}

/** This jurisdiction, as it signs into chains. */
export function signerOf({ code, signKey }: ExchangeContext): CustodySigner {
  const key = signKey();
  return { jurisdiction: code, kid: key.kid, sign: (message) => key.sign(message) };
}
