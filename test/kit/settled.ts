/** Sending by a node that may have lost entries of its ledger. */
import { codeOf, type Uuid } from '../../src/base/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { requestDraft } from './drafts.ts';
import { until } from './federation.ts';

/** Sends a request as soon as nothing is open with its recipient from before a loss; its record once it is answered. */
export async function requestWhenSettled(from: Node, to: Node, waitMs: number): Promise<MessageRecord> {
  let id: Uuid | undefined;
  await until(async () => {
    try {
      id = (await from.exchange.send(requestDraft(), to.config.code)).message_id;
    } catch (error) {
      if (codeOf(error) !== 'EXCHANGE_RESUME_PENDING') throw error;
    }
    return id !== undefined;
  }, waitMs);
  return from.exchange.answerOf(id!, waitMs);
}
