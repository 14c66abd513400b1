import { parseBase64url, parseUtf8, type Uuid } from '../base/mod.ts';
import { onwardLimit, type Case } from '../casework/mod.ts';
import { parseMessage, type WithheldRule } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { digestsOf } from './outbox.ts';
import { findMessage } from './query.ts';
import { keys, type MessageRecord } from './record.ts';

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
  readonly rule: WithheldRule | undefined;
}

/**
 * Takes messages out for an auditor. That they were disclosed is in the ledger, and on disk, before anybody gets them; so is, where a
 * condition of the sender forbids it for one of them, that they were asked for and withheld.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE also for a message that this node could not open; EXCHANGE_ERASED, EXCHANGE_WITHHELD
 */
export async function discloseMessages(context: Disclosing, ids: readonly Uuid[]): Promise<Disclosure[]> {
  const unique = [...new Set(ids)].sort();
  const found = await context.committer.commit(async (view) => {
    const all = await Promise.all(unique.map((id) => find(context, view, id)));
    const withheld = all.filter(({ rule }) => rule !== undefined);
    for (const { record, rule } of withheld.length > 0 ? withheld : all) {
      const about = { peer: record.peer, message_id: record.message_id, seq: record.seq, ...digestsOf(record) };
      if (rule === undefined) view.append({ kind: 'DISCLOSED', ...about });
      else view.append({ kind: 'WITHHELD', ...about, detail: { type: 'withheld', value: { rule } } });
    }
    return all;
  });
  const [withheld] = found.filter(({ rule }) => rule !== undefined);
  if (withheld !== undefined)
    throw new ExchangeError(
      'EXCHANGE_WITHHELD',
      `Message ${withheld.record.message_id} must not be handed on (${withheld.rule}): ask ${withheld.record.peer} for its consent. Nothing was disclosed, and the ledger has the attempt.`,
    );
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
  const jws = parseUtf8(bytes);
  // Conditions bind whoever got the message; its sender's own words are its own.
  if (record.direction === 'OUT' || record.case_id === undefined) return { record, jws, rule: undefined };
  const current = await view.getRecord<Case>(keys.case(record.case_id, record.peer));
  const message = parseMessage(parseBase64url(jws.split('.')[1]!));
  return { record, jws, rule: onwardLimit(message, current, context.clock.nowMs()) };
}
