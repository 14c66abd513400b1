/** The exhibits of a case: what people say of them, which files belong to them, and their chains of custody. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import { EvidenceError, MAX_CUSTODY, appendCustody, itemFaults } from '../evidence/mod.ts';
import { faultsError, parseJson, type Hash } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import {
  chainFaults,
  continued,
  differingOf,
  itemOf,
  ownItem,
  putItemRecord,
  signerOf,
  type ItemRecord,
} from './evidence-item-record.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';
import { decodeRecord } from './record.ts';

/** An exhibit as people see it. */
export interface ItemAnswer {
  readonly case_id: Uuid;
  readonly origin: JurisdictionCode;
  readonly item: Record<string, unknown>;
  /** What is wrong with its chain of custody, as it is here; nothing, most likely. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
  /** SHA-256 digests, hexadecimal, that the exhibit states and none of its files has, once they are all here. */
  readonly differing: readonly string[];
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
    return putItemRecord(view, { case_id: caseId, origin: context.code }, { ...described, custody, files });
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
    putItemRecord(view, record, item);
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
    joins: _joins,
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
    if (item.custody.length >= MAX_CUSTODY.kept)
      throw faultsError([{ path: 'custody', code: 'TOO_MANY', message: `already has ${MAX_CUSTODY.kept} events` }]);
    const next = { ...item, custody: [...item.custody, appendCustody(itemId, item.custody, draft, signerOf(context))] };
    const faults = chainFaults(context, itemId, next.custody, 'custody');
    if (draft.at > nowMs) faults.push({ path: 'at', code: 'OUT_OF_RANGE', message: 'lies in the future' });
    if (faults.length > 0) throw faultsError(faults);
    return putItemRecord(view, known, next);
  });
  return answerOf(context, record);
}

/** Every exhibit of a case, or of all cases. */
export async function listItems(context: ExchangeContext, caseId?: Uuid): Promise<ItemAnswer[]> {
  const found: ItemAnswer[] = [];
  for await (const [, bytes] of context.store.scan(evidenceKeys.itemsOf(caseId)))
    found.push(await answerOf(context, decodeRecord<ItemRecord>(bytes)));
  return found;
}

async function answerOf(context: ExchangeContext, record: ItemRecord): Promise<ItemAnswer> {
  const item = itemOf(record);
  const faults = chainFaults(context, item.item_id, item.custody, 'custody');
  return {
    ...record,
    faults: faults.map(({ path, message }) => ({ path, message })),
    differing: await differingOf(reading(context), item),
  };
}

function reading({ store }: ExchangeContext): <T>(key: string) => Promise<T | undefined> {
  return async <T>(key: string) => {
    const bytes = await store.get(key);
    return bytes === undefined ? undefined : decodeRecord<T>(bytes);
  };
}
