/** How long what messages say is kept: review, erasure here, and erasure that a peer asks for. */
import { parseUuid } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import type { CarriedOut, MessageRecord, RetentionRecord, RetentionView } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';
import { enumNames, type ErasedWhy } from '../wire/mod.ts';
import { isDay, momentIn } from './case-routes.ts';

/** A message whose content is gone. */
export interface ErasedAnswer {
  readonly message: MessageRecord;
  /** Its recipient has a copy, and was told that erasure at the sender is to be followed. */
  readonly propagates: boolean;
}

/** Erases what a message says. */
export async function eraseMessage(node: Node, id: string, body: unknown): Promise<ErasedAnswer> {
  const { why } = body as { readonly why?: unknown };
  const known = enumNames<ErasedWhy>('ErasedWhy');
  const stated = known.find((name) => name === why);
  if (stated === undefined) throw new ApiError('API_BAD_REQUEST', `“why” must be one of ${known.join(', ')}.`);
  const propagates = await node.exchange.protection.propagatesErasure(parseUuid(id));
  return { message: await node.exchange.protection.erase(parseUuid(id), stated), propagates };
}

/** Erases what a peer asks to be erased, and gives back the answer to be sent. */
export function carryOutErasure({ exchange }: Node, id: string): Promise<CarriedOut> {
  return exchange.protection.carryOutErasure(parseUuid(id));
}

export function retention({ exchange, clock }: Node, query: URLSearchParams): Promise<RetentionView[]> {
  return exchange.protection.retention(momentIn(query, clock.nowMs()));
}

/** Records that keeping a message was reviewed, and until when. */
export function reviewRetention({ exchange }: Node, id: string, body: unknown): Promise<RetentionRecord> {
  const { next } = body as { readonly next?: unknown };
  if (typeof next !== 'string' || !isDay(next))
    throw new ApiError('API_BAD_REQUEST', '“next” must be a day such as 2026-03-31.');
  return exchange.protection.review(parseUuid(id), next);
}
