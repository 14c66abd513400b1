/** What people do with evidence at a node: take files in, see what is there, get a file out, check it, delete it. */
import { bytesToHex, newUuid, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { EvidenceError, type OnBytes } from '../evidence/mod.ts';
import type { Draft, EvidenceDeletedWhy } from '../wire/mod.ts';
import type { EvidenceContext, ExchangeContext } from './context.ts';
import {
  answerOf,
  answerWithProgress,
  answersFor,
  offersByFile,
  unknownFile,
  type EvidenceAnswer,
} from './evidence-answer.ts';
import { releaseQuota } from './evidence-arrival.ts';
import { draftIn } from './evidence-draft.ts';
import { addCustody, addFilesToItem, listItems, putItem, type ItemAnswer } from './evidence-items.ts';
import {
  evidenceKeys,
  fileOf,
  fileToRecord,
  isHereOrAwaited,
  withoutKey,
  type EvidenceRecord,
} from './evidence-record.ts';
import type { Drafting, DraftingView } from './outbox.ts';
import { decodeRecord } from './record.ts';

/** The evidence of a node, for people. */
export class EvidenceDesk {
  readonly #context: ExchangeContext;

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  /** Takes a file in for a case. The same content again is the file that is here already. */
  async add(
    source: AsyncIterable<Uint8Array>,
    label: { readonly case_id: Uuid; readonly name: string; readonly media_type: string },
    onBytes?: OnBytes,
  ): Promise<EvidenceAnswer> {
    const { vault } = evidenceOf(this.#context);
    const { case_id, name, media_type } = label;
    const fileId = newUuid(this.#context.clock.nowMs(), this.#context.random(10));
    const file = await vault.add(
      source,
      { file_id: fileId, name, media_type },
      onBytes === undefined ? {} : { onBytes },
    );
    this.#context.failpoint('evidence.added');
    const kept = await this.#context.committer.commit(async (view) => {
      const same = await view.getRecord<{ readonly file_id: string }>(evidenceKeys.plain(file.sha256));
      const known = same && (await view.getRecord<EvidenceRecord>(evidenceKeys.file(same.file_id)));
      const isSame = known?.status === 'STORED' && known.case_id === case_id && fileOf(known).name === name;
      if (isSame) return known;
      const nowMs = this.#context.clock.nowMs();
      const record: EvidenceRecord = {
        file: fileToRecord(file),
        case_id,
        direction: 'OWN',
        status: 'STORED',
        since: nowMs,
        verified_at: nowMs,
      };
      view.putRecord(evidenceKeys.file(fileId), record);
      view.putRecord(evidenceKeys.plain(file.sha256), { file_id: fileId });
      view.putRecord(evidenceKeys.object(bytesToHex(file.root)), { file_id: fileId });
      return record;
    });
    if (fileOf(kept).file_id !== fileId) await vault.delete(file);
    return answerOf(kept, []);
  }

  /** Every file of a case, or of all. */
  async list(caseId?: Uuid): Promise<EvidenceAnswer[]> {
    const offers = await offersByFile(this.#context);
    const found: EvidenceAnswer[] = [];
    for await (const [, bytes] of this.#context.store.scan(evidenceKeys.files)) {
      const record = decodeRecord<EvidenceRecord>(bytes);
      if (caseId === undefined || record.case_id === caseId)
        found.push(await answerWithProgress(this.#context, record, offers.get(fileOf(record).file_id) ?? []));
    }
    return found;
  }

  /** Those of some files that are here, each with what became of it at one peer. */
  named(fileIds: Iterable<string>, peer: JurisdictionCode): Promise<EvidenceAnswer[]> {
    return answersFor(this.#context, fileIds, peer);
  }

  /**
   * The plaintext of a file, once it is known to be what was announced.
   * @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_INCOMPLETE, EVIDENCE_CORRUPT
   */
  async open(
    fileId: string,
  ): Promise<{ readonly answer: EvidenceAnswer; readonly content: AsyncIterable<Uint8Array> }> {
    const { vault, verifier } = evidenceOf(this.#context);
    let record = await recordOf(this.#context, fileId);
    if (record.status === 'STORED' && record.verified_at === undefined) {
      await verifier.add(fileId);
      record = await recordOf(this.#context, fileId);
    }
    const { name } = fileOf(record);
    if (record.status === 'AWAITED')
      throw new EvidenceError('EVIDENCE_INCOMPLETE', `${name} has not arrived whole yet.`);
    if (record.status === 'FAILED')
      throw new EvidenceError('EVIDENCE_CORRUPT', `${name} is not what its sender announced (${record.reason}).`);
    if (record.status !== 'STORED')
      throw new EvidenceError('EVIDENCE_UNKNOWN', `The content of ${name} is not here: ${record.status}.`);
    return { answer: answerOf(record, []), content: vault.plaintext(fileOf(record)) };
  }

  /** Reads a file back and compares every chunk, the root and the digest. @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT */
  async verify(fileId: string): Promise<EvidenceAnswer> {
    const record = await recordOf(this.#context, fileId);
    if (record.status !== 'STORED')
      throw new EvidenceError('EVIDENCE_INCOMPLETE', `The content of this file is not here: ${record.status}.`);
    await evidenceOf(this.#context).vault.verify(fileOf(record));
    return answerOf(record, []);
  }

  /**
   * Deletes the content of a file for good. Its record stays, without the key, and the ledger says what was deleted and why.
   * @throws {EvidenceError} EVIDENCE_UNKNOWN
   */
  async delete(fileId: string, why: EvidenceDeletedWhy): Promise<EvidenceAnswer> {
    const { vault } = evidenceOf(this.#context);
    const record = await recordOf(this.#context, fileId);
    const file = fileOf(record);
    const deleted = await this.#context.committer.commit(async (view) => {
      const current = (await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId)))!;
      if (current.status === 'DELETED') return current;
      const without = fileToRecord(withoutKey(file));
      const entry = view.append({
        kind: 'EVIDENCE_DELETED',
        seq: 0,
        detail: { type: 'evidence_deleted', value: { file_id: file.file_id, size: file.size, root: file.root, why } },
      });
      const next: EvidenceRecord = { ...current, file: without, status: 'DELETED', deleted: entry };
      view.putRecord(evidenceKeys.file(fileId), next);
      const same = await view.getRecord<{ readonly file_id: string }>(evidenceKeys.plain(file.sha256));
      if (same?.file_id === fileId) view.delete(evidenceKeys.plain(file.sha256));
      if (current.peer === undefined) return next;
      view.delete(evidenceKeys.awaited(current.peer, fileId));
      // What was refused, or failed, fills no quota any more.
      if (isHereOrAwaited(current)) await releaseQuota(view, current.peer, file.size);
      return next;
    });
    await vault.delete(file);
    return answerOf(deleted, []);
  }

  items(caseId?: Uuid): Promise<ItemAnswer[]> {
    return listItems(this.#context, caseId);
  }

  /** @throws {WireError} WIRE_FIELDS_INVALID */
  putItem(caseId: Uuid, json: unknown): Promise<ItemAnswer> {
    return putItem(this.#context, caseId, json);
  }

  /** @throws {EvidenceError} EVIDENCE_UNKNOWN */
  addToItem(caseId: Uuid, itemId: string, fileIds: readonly string[]): Promise<void> {
    return addFilesToItem(this.#context, caseId, itemId, fileIds);
  }

  /** @throws {EvidenceError} EVIDENCE_UNKNOWN {WireError} WIRE_FIELDS_INVALID */
  addCustody(caseId: Uuid, itemId: string, json: Record<string, unknown>): Promise<ItemAnswer> {
    return addCustody(this.#context, caseId, itemId, json);
  }

  /** A draft that names files and exhibits of this node by their ids. The handing-over of exhibits is signed in the step that sends it. */
  drafting(json: unknown, to: JurisdictionCode): Drafting {
    return (view) => draftIn(this.#context, view, json, to);
  }

  /**
   * The same draft, to be looked at before it is sent: nothing is signed into any chain.
   * @throws {EvidenceError} EVIDENCE_UNKNOWN {WireError} WIRE_FIELDS_INVALID
   */
  preview(json: unknown, to: JurisdictionCode): Promise<Draft> {
    const { store } = this.#context;
    const nothing = (): void => undefined;
    const view: DraftingView = {
      getRecord: async <T>(key: string) => {
        const bytes = await store.get(key);
        return bytes === undefined ? undefined : decodeRecord<T>(bytes);
      },
      putRecord: nothing,
    };
    return draftIn(this.#context, view, json, to);
  }

  /** Removes what a crash left behind, and goes on with comparing what has arrived. */
  async recover(): Promise<void> {
    const { vault, verifier } = evidenceOf(this.#context);
    const statusOf = async (fileId: string): Promise<EvidenceRecord['status'] | undefined> => {
      const bytes = await this.#context.store.get(evidenceKeys.file(fileId));
      return bytes === undefined ? undefined : decodeRecord<EvidenceRecord>(bytes).status;
    };
    await vault.sweep({
      isAwaited: async (fileId) => (await statusOf(fileId)) === 'AWAITED',
      isKept: async (root) => {
        const bytes = await this.#context.store.get(evidenceKeys.object(root));
        if (bytes === undefined) return false;
        const status = await statusOf(decodeRecord<{ readonly file_id: string }>(bytes).file_id);
        return status === 'STORED' || status === 'AWAITED';
      },
    });
    for await (const [, bytes] of this.#context.store.scan(evidenceKeys.files)) {
      const record = decodeRecord<EvidenceRecord>(bytes);
      if (record.status === 'STORED' && record.verified_at === undefined) void verifier.add(fileOf(record).file_id);
    }
  }
}

/** @throws {EvidenceError} EVIDENCE_UNKNOWN at a node that keeps no evidence */
function evidenceOf(context: ExchangeContext): EvidenceContext {
  if (context.evidence === undefined) throw new EvidenceError('EVIDENCE_UNKNOWN', 'This node keeps no evidence.');
  return context.evidence;
}

async function recordOf(context: ExchangeContext, fileId: string): Promise<EvidenceRecord> {
  const bytes = await context.store.get(evidenceKeys.file(fileId));
  if (bytes === undefined) throw unknownFile(fileId);
  return decodeRecord<EvidenceRecord>(bytes);
}
