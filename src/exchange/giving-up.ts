/** Giving up messages that never left this node: because they expired, or because a person withdraws them. */
import { parseUtf8, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import type { Attempts } from './attempts.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { voidMessage } from './outbox.ts';
import { findMessage } from './query.ts';
import { decodeRecord, keys, parseExpiry, type MessageRecord } from './record.ts';

type AttemptsOf = (peer: JurisdictionCode) => Attempts;

/**
 * Withdraws a message.
 * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_NOT_WITHDRAWABLE
 */
export async function withdrawMessage(
  context: ExchangeContext,
  id: Uuid,
  attemptsOf: AttemptsOf,
): Promise<MessageRecord> {
  const record = await findMessage(context, id);
  const refuse = (why: string): never => {
    throw new ExchangeError('EXCHANGE_NOT_WITHDRAWABLE', `Message ${id} cannot be withdrawn: ${why}.`);
  };
  if (record.direction === 'IN') return refuse(`it is ${record.peer}’s`);
  if (record.status !== 'QUEUED') return refuse(`it is ${record.status} already`);
  const attempts = attemptsOf(record.peer);
  await attempts.load();
  const giving = attempts.giveUp(record.seq, () => voidMessage(context, id, 'VOIDED_WITHDRAWN'));
  return giving ?? refuse(`it may have reached ${record.peer}, whose receipt will tell`);
}

/**
 * Gives up everything that has expired and surely never left, whether or not its recipient is there.
 * @param isOver asked before each: the store is about to be closed
 * @returns whose messages they were
 */
export async function giveUpExpired(
  context: ExchangeContext,
  attemptsOf: AttemptsOf,
  isOver: () => boolean,
): Promise<ReadonlySet<JurisdictionCode>> {
  const nowMs = context.clock.nowMs();
  const peers = new Set<JurisdictionCode>();
  for await (const [key, bytes] of context.store.scan(keys.expiries)) {
    if (isOver() || parseExpiry(key) > nowMs) break;
    const id = parseUtf8(bytes) as Uuid;
    const record = decodeRecord<MessageRecord>((await context.store.get(keys.message(id)))!);
    const attempts = attemptsOf(record.peer);
    await attempts.load();
    // What may have left is for the recipient to refuse.
    const giving = attempts.giveUp(record.seq, () => voidMessage(context, id, 'VOIDED_EXPIRED'));
    if (giving === undefined) continue;
    await giving;
    peers.add(record.peer);
  }
  return peers;
}
