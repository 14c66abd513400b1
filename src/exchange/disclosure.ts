import { parseUtf8, type Uuid } from '../base/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { digestsOf } from './outbox.ts';
import { findMessage } from './query.ts';
import { keys } from './record.ts';

/** A message as it is handed to somebody who is not its party. */
export interface Disclosure {
  readonly message_id: Uuid;
  /** The signed message. */
  readonly jws: string;
}

/**
 * Takes messages out for an auditor. That they were disclosed is in the ledger, and on disk, before anybody gets them.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE also for a message that this node could not open
 */
export async function discloseMessages(
  context: Pick<ExchangeContext, 'store' | 'committer'>,
  ids: readonly Uuid[],
): Promise<Disclosure[]> {
  const unique = [...new Set(ids)].sort();
  return context.committer.commit((view) => Promise.all(unique.map((id) => planDisclosure(context, view, id))));
}

async function planDisclosure(context: Pick<ExchangeContext, 'store'>, view: StepView, id: Uuid): Promise<Disclosure> {
  const record = await findMessage(context, id);
  const jws = await view.get(keys.signed(id));
  if (jws === undefined)
    throw new ExchangeError(
      'EXCHANGE_UNKNOWN_MESSAGE',
      `Message ${id} could not be opened here: there is nothing to disclose.`,
    );
  view.append({ kind: 'DISCLOSED', peer: record.peer, message_id: id, seq: record.seq, ...digestsOf(record) });
  return { message_id: id, jws: parseUtf8(jws) };
}
