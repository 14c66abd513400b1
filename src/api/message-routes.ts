/** Messages: the list, one of them, sending and giving up. */
import { isJurisdictionCode, parseJurisdictionCode, parseUuid, type JurisdictionCode } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import {
  MESSAGE_STATUSES,
  type IdempotencyKey,
  type MessageFilter,
  type MessageRecord,
  type PeerProof,
} from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';
import { parseCount } from './count.ts';
import { nextAction } from './why.ts';

/** A message that was sent, as far as it got. */
export interface SentAnswer {
  readonly message: MessageRecord;
  readonly receipt?: PeerProof;
  readonly next: string;
  /** Its idempotency key had sent it before. */
  readonly repeated?: true;
}

/** A message that was given up, and what comes next. */
export interface WithdrawnAnswer {
  readonly message: MessageRecord;
  readonly next: string;
}

const MAX_WAIT_MS = 300_000;

/**
 * Messages, newest first.
 * @param isKnown of which cases the caller sees them; of all where it is left out
 */
export async function messages(
  { exchange }: Node,
  query: URLSearchParams,
  isKnown: MessageFilter['isKnown'],
): Promise<MessageRecord[]> {
  const [peer, caseId, status] = [query.get('peer'), query.get('case'), query.get('status')];
  return exchange.messages({
    peer: peer === null ? undefined : parseJurisdictionCode(peer),
    case_id: caseId === null ? undefined : parseUuid(caseId),
    status: status === null ? undefined : parseStatus(status),
    limit: parseCount(query.get('limit') ?? '1000', 'A limit'),
    isKnown,
  });
}

function parseStatus(text: string): MessageRecord['status'] {
  const status = MESSAGE_STATUSES.find((name) => name === text);
  if (status === undefined) throw new ApiError('API_BAD_REQUEST', `A status is one of ${MESSAGE_STATUSES.join(', ')}.`);
  return status;
}

export async function message(node: Node, id: string): Promise<Awaited<ReturnType<Node['exchange']['message']>>> {
  return node.exchange.message(parseUuid(id));
}

/** Sends a message and waits for the peer's answer as long as the caller wants. */
export async function sendMessage(node: Node, body: unknown, key: IdempotencyKey | undefined): Promise<SentAnswer> {
  const {
    to,
    draft,
    wait_ms: waitMs,
  } = body as { readonly to?: unknown; readonly draft?: unknown; readonly wait_ms?: unknown };
  if (typeof to !== 'string' || !isJurisdictionCode(to))
    throw new ApiError('API_BAD_REQUEST', '“to” must be a jurisdiction code.');
  return answerTo(node, { draft, to, key }, waitMs);
}

/** Sends a draft and waits for the peer's answer as long as the caller wants. */
export async function answerTo(
  node: Node,
  sending: { readonly draft: unknown; readonly to: JurisdictionCode; readonly key: IdempotencyKey | undefined },
  waitMs: unknown,
): Promise<SentAnswer> {
  const { draft, to, key } = sending;
  const { exchange } = node;
  const { record, isNew } = await exchange.sendOnce(exchange.evidence.drafting(draft, to), to, key);
  return { ...(await answerFor(node, record, waitMs)), ...(isNew ? {} : { repeated: true }) };
}

/** Waits for the peer's answer to a message that was queued. */
export async function answerFor(node: Node, queued: MessageRecord, waitMs: unknown): Promise<SentAnswer> {
  const wait = typeof waitMs === 'number' && waitMs >= 0 ? Math.min(waitMs, MAX_WAIT_MS) : 0;
  const { exchange } = node;
  const to = queued.peer;
  const connected = node.transport.connections().some(({ code, connected: isConnected }) => code === to && isConnected);
  // A peer that is not there may be away for days: a moment for it to come back, and no more.
  const record = await exchange.answerOf(queued.message_id, connected ? wait : Math.min(wait, 3_000));
  const { proof } = await exchange.message(record.message_id);
  return {
    message: record,
    ...(proof === undefined ? {} : { receipt: proof }),
    next: (await nextAction(node, record)).next,
  };
}

/** Gives up a message that has not left this node. */
export async function withdrawMessage(node: Node, id: string): Promise<WithdrawnAnswer> {
  const record = await node.exchange.withdraw(parseUuid(id));
  return { message: record, next: (await nextAction(node, record)).next };
}
