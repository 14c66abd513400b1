import { parseUtf8, type Uuid } from '../base/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { findMessage } from './query.ts';
import { digestsOf, keys, type MessageRecord } from './record.ts';
import { limitOf, recordWithheld, withheldError, type Withheld } from './withholding.ts';

/** A message as it is handed to somebody who is not its party. */
export interface Disclosure {
  readonly message_id: Uuid;
  /** The signed message. */
  readonly jws: string;
}

/** What disclosing needs of the exchange. */
type Disclosing = Pick<ExchangeContext, 'store' | 'committer' | 'clock'>;

interface Found {
  readonly record: MessageRecord;
  readonly jws: string;
  /** What forbids handing it on. */
  readonly withheld: Withheld | undefined;
}

/**
 * Takes messages out for an auditor. That they were disclosed is in the ledger, and on disk, before anybody gets them; so is, where a
 * condition of the sender forbids it for one of them, that they were asked for and withheld.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE also for a message that this node could not open; EXCHANGE_ERASED, EXCHANGE_WITHHELD
 */
export async function discloseMessages(context: Disclosing, ids: readonly Uuid[]): Promise<Disclosure[]> {
  const unique = [...new Set(ids)].sort();
  const { found, withheld } = await context.committer.commit(async (view) => {
    const all = await Promise.all(unique.map((id) => find(context, view, id)));
    const kept = all.flatMap(({ withheld: each }) => each ?? []);
    recordWithheld(view, kept);
    for (const { record } of kept.length > 0 ? [] : all) {
      const about = { peer: record.peer, message_id: record.message_id, seq: record.seq, ...digestsOf(record) };
      view.append({ kind: 'DISCLOSED', ...about });
    }
    return { found: all, withheld: kept };
  });
  const [first] = withheld;
  if (first !== undefined) throw withheldError(first);
  return found.map(({ record, jws }) => ({ message_id: record.message_id, jws }));
}

async function find(context: Disclosing, view: StepView, id: Uuid): Promise<Found> {
  const record = await findMessage(context, id);
  if (record.erased !== undefined)
    throw new ExchangeError('EXCHANGE_ERASED', `What message ${id} says was erased (${record.erased.why}).`);
  const bytes = await view.get(keys.signed(id));
  if (bytes === undefined)
    throw new ExchangeError(
      'EXCHANGE_UNKNOWN_MESSAGE',
      `Message ${id} could not be opened here: there is nothing to disclose.`,
    );
  const withheld = await limitOf(context, view, record, { purpose: 'DISCLOSURE' });
  return { record, jws: parseUtf8(bytes), withheld };
}
