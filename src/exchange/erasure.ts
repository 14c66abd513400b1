/** Content that goes for good, and what stays to prove that it was there. */
import { bytesToBase64url, type Uuid } from '../base/mod.ts';
import type { ErasedWhy } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { EvidenceDesk } from './evidence-desk.ts';
import { evidenceKeys, fileOf, isHereOrAwaited, type EvidenceRecord } from './evidence-record.ts';
import { findMessage } from './query.ts';
import { decodeRecord, digestsOf, keys, type EntryRef, type MessageRecord } from './record.ts';
import { readMessage } from './withholding.ts';

/**
 * Erases what a message says, for good. Its digests, its entries and the peer's proofs stay, so that audits verify as before, and the
 * ledger says that and why the content is gone. What the case has of it (kinds, codes, dates, amounts) stays too.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE; EXCHANGE_NOT_ERASABLE while it waits for its receipt, for it may have to be sent again
 */
export function eraseMessage(
  context: Pick<ExchangeContext, 'store' | 'committer'>,
  id: Uuid,
  why: ErasedWhy,
): Promise<MessageRecord> {
  return context.committer.commit(async (view) => {
    await findMessage(context, id);
    const record = (await view.getRecord<MessageRecord>(keys.message(id)))!;
    if (record.erased !== undefined) return record;
    if (record.status === 'QUEUED')
      throw new ExchangeError(
        'EXCHANGE_NOT_ERASABLE',
        `Message ${id} waits for its receipt: it may have to be sent again.`,
      );
    view.delete(keys.sealed(id));
    view.delete(keys.signed(id));
    const about = { peer: record.peer, message_id: id, seq: record.seq, ...digestsOf(record) };
    const entry = view.append({ kind: 'ERASED', ...about, detail: { type: 'erased', value: { why } } });
    const erased: MessageRecord = { ...record, erased: { ...entry, why } };
    view.putRecord(keys.message(id), erased);
    return erased;
  });
}

/** An erasure as it was carried out, and the answer to it, which a person sends. */
export interface CarriedOut {
  readonly erased: readonly MessageRecord[];
  /** Files that went with the messages that brought them. */
  readonly files: readonly string[];
  /** As `parseDraft` takes it. */
  readonly draft: Record<string, unknown>;
}

/**
 * Does what a peer's erasure_request asks for: the content of its messages goes, with the files that came with them, and the answer
 * proves it by this ledger. Doing it again gives the same entries.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE where there is no such request
 */
export async function carryOutErasure(context: ExchangeContext, requestId: Uuid): Promise<CarriedOut> {
  const record = await findMessage(context, requestId);
  const request = await readMessage(context.store, requestId);
  if (record.direction !== 'IN' || record.status !== 'RECEIVED' || request?.body.type !== 'erasure_request')
    throw new ExchangeError(
      'EXCHANGE_UNKNOWN_MESSAGE',
      `Message ${requestId} is no request to erase that was received here.`,
    );
  const erased: MessageRecord[] = [];
  const files: string[] = [];
  const proofs: { readonly entry: string; readonly proof: string }[] = [];
  const prove = async ({ index }: EntryRef): Promise<void> => {
    const { entry, proof } = await context.ledger.receipt(index);
    proofs.push({ entry: bytesToBase64url(entry), proof });
  };
  for (const id of request.body.value.message_ids as Uuid[]) {
    const gone = await eraseMessage(context, id, 'SENDER_ASKED');
    erased.push(gone);
    await prove(gone.erased!);
    for (const file of await eraseFilesOf(context, id)) {
      files.push(file.file_id);
      await prove(file.deleted);
    }
  }
  const draft = {
    case_id: record.case_id,
    in_reply_to: requestId,
    erasure_answer: { outcome: 'ERASED', proofs },
  };
  return { erased, files, draft };
}

/** Erases a message because it may not be kept any longer, with the files that it brought. */
export async function eraseAtItsEnd(context: ExchangeContext, id: Uuid): Promise<void> {
  const record = await findMessage(context, id);
  if (record.erased !== undefined || record.status === 'QUEUED') return;
  await eraseFilesOf(context, id);
  await eraseMessage(context, id, 'RETENTION_ENDED');
}

async function eraseFilesOf(
  context: ExchangeContext,
  id: Uuid,
): Promise<{ readonly file_id: string; readonly deleted: EntryRef }[]> {
  if (context.evidence === undefined) return [];
  const brought: EvidenceRecord[] = [];
  for await (const [, bytes] of context.store.scan(evidenceKeys.files)) {
    const file = decodeRecord<EvidenceRecord>(bytes);
    // What has not come yet would come after its message is gone, and stay.
    if (file.message_id === id && (isHereOrAwaited(file) || file.deleted !== undefined)) brought.push(file);
  }
  const desk = new EvidenceDesk(context);
  const found: { readonly file_id: string; readonly deleted: EntryRef }[] = [];
  for (const file of brought) {
    const { file_id: fileId } = fileOf(file);
    await desk.delete(fileId, 'ERASURE');
    const { deleted } = decodeRecord<EvidenceRecord>((await context.store.get(evidenceKeys.file(fileId)))!);
    if (deleted !== undefined) found.push({ file_id: fileId, deleted });
  }
  return found;
}
