import type { Uuid } from '../base/mod.ts';
import type { ErasedWhy } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { digestsOf } from './outbox.ts';
import { findMessage } from './query.ts';
import { keys, type MessageRecord } from './record.ts';

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
