/** What people do, at a node, with what may not be kept for ever, or not be handed on: disclose, use, review, erase. */
import { codeOf, type Uuid } from '../base/mod.ts';
import { isForNamedReaders, protectionOf, type IntendedUse } from '../casework/mod.ts';
import type { ErasedWhy } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { discloseMessages, type Disclosure } from './disclosure.ts';
import { carryOutErasure, eraseAtItsEnd, eraseMessage, type CarriedOut } from './erasure.ts';
import type { MessageRecord } from './record.ts';
import { releaseFor, type Release } from './release.ts';
import {
  endedRetention,
  listRetention,
  reviewRetention,
  type RetentionRecord,
  type RetentionView,
} from './retention.ts';
import { readMessage } from './withholding.ts';

/** The protection of data at a node, for people. */
export class ProtectionDesk {
  readonly #context: ExchangeContext;

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  /** Takes messages out for an auditor, and records it first. @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_STOPPED */
  disclose(ids: readonly Uuid[]): Promise<Disclosure[]> {
    return discloseMessages(this.#context, ids);
  }

  /** Lets files or a case be used, unless a condition of their sender forbids it. @throws {ExchangeError} EXCHANGE_WITHHELD, EXCHANGE_STOPPED */
  release(release: Release, use: IntendedUse): Promise<void> {
    return releaseFor(this.#context, release, use);
  }

  /** Erases what a message says. @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_NOT_ERASABLE, EXCHANGE_STOPPED */
  erase(id: Uuid, why: ErasedWhy): Promise<MessageRecord> {
    return eraseMessage(this.#context, id, why);
  }

  /** Whether the recipient of an own message was told to follow when it is erased here. */
  async propagatesErasure(id: Uuid): Promise<boolean> {
    const message = await readMessage(this.#context.store, id);
    return message?.header.from === this.#context.code && protectionOf(message.body)?.erasure_propagates === true;
  }

  /** Whether a message says that only people who are named for its case may read it; not of one whose content is not here. */
  async isForNamedReaders(id: Uuid): Promise<boolean> {
    const message = await readMessage(this.#context.store, id);
    return message !== undefined && isForNamedReaders(message.body);
  }

  /** Does what a peer asks to be erased. @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_STOPPED */
  carryOutErasure(requestId: Uuid): Promise<CarriedOut> {
    return carryOutErasure(this.#context, requestId);
  }

  /** Everything that may be kept for a time only, as it stands at a moment in Unix milliseconds. */
  retention(atMs: number): Promise<RetentionView[]> {
    return listRetention(this.#context, atMs);
  }

  /** Records a review. @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_ERASED, EXCHANGE_BAD_REVIEW, EXCHANGE_STOPPED */
  review(id: Uuid, next: string): Promise<RetentionRecord> {
    return reviewRetention(this.#context, id, next);
  }

  /** Erases what was to be kept until now and no longer. @param isStopping asked before each: a node that stops does not wait for the rest */
  async eraseEnded(isStopping: () => boolean): Promise<void> {
    for (const id of await endedRetention(this.#context)) {
      if (isStopping()) return;
      await eraseAtItsEnd(this.#context, id).catch((error: unknown) => {
        // Its files go before it does: with the store of objects away it stays until the next look.
        if (codeOf(error) !== 'EVIDENCE_STORE_FAILED') throw error;
      });
    }
  }
}
