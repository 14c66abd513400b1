/** Evidence over the node's local interface: files stream in and out, and nothing is held in memory. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { isJurisdictionCode, isUuid, type Uuid } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import { EvidenceError } from '../evidence/mod.ts';
import type { EvidenceAnswer, IdempotencyKey, ItemAnswer } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';
import { parseJson } from '../wire/mod.ts';
import { answerTo, type SentAnswer } from './message-routes.ts';

/** Files and exhibits of a case. */
export interface EvidenceList {
  readonly files: readonly EvidenceAnswer[];
  readonly items: readonly ItemAnswer[];
}

/** What evidence is taken out for: the proceeding that it was given for, where nothing else is said. */
const PURPOSES = ['EXPORT', 'COURT', 'AGENCY', 'DISCLOSURE', 'OTHER_PROCEEDING'] as const;
const WHY = ['RETENTION_ENDED', 'ERASURE', 'RETURNED', 'MISTAKE'] as const;

/** Files and exhibits; with `for`, only if the senders' conditions allow to use them so. */
export async function listEvidence({ exchange }: Node, query: URLSearchParams): Promise<EvidenceList> {
  const caseId = query.get('case');
  const id = caseId === null ? undefined : parseCaseId(caseId);
  if (query.get('for') !== null) {
    if (id === undefined) throw new ApiError('API_BAD_REQUEST', '“for” goes with a case.');
    await exchange.protection.release({ case_id: id }, { purpose: purposeIn(query) });
  }
  return { files: await exchange.evidence.list(id), items: await exchange.evidence.items(id) };
}

/** Takes in what the request's body holds. */
export async function addEvidence(
  { config, exchange }: Node,
  query: URLSearchParams,
  request: IncomingMessage,
): Promise<EvidenceAnswer> {
  const { name, media_type } = parseJson('EvidenceLabel', {
    name: query.get('name') ?? '',
    media_type: query.get('type') ?? 'application/octet-stream',
  });
  const case_id = parseCaseId(query.get('case') ?? '');
  const item = query.get('item');
  // Before a byte of what may be a disk is taken in.
  if (item !== null) await requireItem({ config, exchange }, case_id, item);
  const added = await exchange.evidence.add(request as AsyncIterable<Buffer>, { case_id, name, media_type });
  if (item !== null) await exchange.evidence.addToItem(case_id, item, [added.file_id]);
  return added;
}

/** @throws {EvidenceError} EVIDENCE_UNKNOWN unless the exhibit is one of this node's own */
async function requireItem(
  { config, exchange }: Pick<Node, 'config' | 'exchange'>,
  caseId: Uuid,
  itemId: string,
): Promise<void> {
  const items = await exchange.evidence.items(caseId);
  if (!items.some(({ origin, item }) => origin === config.code && item['item_id'] === itemId))
    throw new EvidenceError(
      'EVIDENCE_UNKNOWN',
      `Case ${caseId} has no exhibit ${itemId} of this node: describe it first, in a JSON file that is given as the item.`,
    );
}

/** The plaintext of a file; an error after it began ends the connection, so that nobody takes a part for the whole. */
export async function sendContent(
  { exchange }: Node,
  id: string,
  purpose: (typeof PURPOSES)[number],
  response: ServerResponse,
): Promise<void> {
  await exchange.protection.release({ files: [id] }, { purpose });
  const { answer, content } = await exchange.evidence.open(id);
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': answer.size,
    'x-sha256': answer.sha256,
  });
  await pipeline(Readable.from(content, { objectMode: false }), response);
}

export function verifyEvidence({ exchange }: Node, id: string): Promise<EvidenceAnswer> {
  return exchange.evidence.verify(id);
}

export function deleteEvidence({ exchange }: Node, id: string, body: unknown): Promise<EvidenceAnswer> {
  const { why } = body as { readonly why?: unknown };
  const known = WHY.find((value) => value === why);
  if (known === undefined) throw new ApiError('API_BAD_REQUEST', `“why” must be one of ${WHY.join(', ')}.`);
  return exchange.evidence.delete(id, known);
}

export function putItem({ exchange }: Node, body: unknown): Promise<ItemAnswer> {
  const { case_id: caseId, item } = body as { readonly case_id?: unknown; readonly item?: unknown };
  return exchange.evidence.putItem(parseCaseId(caseId), item);
}

export function addCustody({ exchange }: Node, body: unknown): Promise<ItemAnswer> {
  const { case_id: caseId, item_id: itemId, event } = body as Record<string, unknown>;
  if (typeof itemId !== 'string' || typeof event !== 'object' || event === null)
    throw new ApiError('API_BAD_REQUEST', '“item_id” must name an item, and “event” must be an object.');
  return exchange.evidence.addCustody(parseCaseId(caseId), itemId, event as Record<string, unknown>);
}

/** Announces exhibits and their files to a peer, which then fetches them. */
export async function sendEvidence(node: Node, body: unknown, key: IdempotencyKey | undefined): Promise<SentAnswer> {
  const { to, case_id: caseId, items, in_reply_to, transfer, wait_ms } = body as Record<string, unknown>;
  if (typeof to !== 'string' || !isJurisdictionCode(to))
    throw new ApiError('API_BAD_REQUEST', '“to” must be a jurisdiction code.');
  if (!Array.isArray(items) || items.length === 0 || !items.every((item) => typeof item === 'string'))
    throw new ApiError('API_BAD_REQUEST', '“items” must name at least one item of the case.');
  const draft = {
    case_id: parseCaseId(caseId),
    ...(in_reply_to === undefined ? {} : { in_reply_to }),
    evidence_transfer: { ...(transfer as object), items: items.map((id) => ({ item_id: id })) },
  };
  return answerTo(node, { draft, to, key }, wait_ms);
}

/** What the evidence is wanted for. */
export function purposeIn(query: URLSearchParams): (typeof PURPOSES)[number] {
  const asked = query.get('for') ?? 'EXPORT';
  const known = PURPOSES.find((purpose) => purpose === asked.toUpperCase());
  if (known === undefined) throw new ApiError('API_BAD_REQUEST', `“for” must be one of ${PURPOSES.join(', ')}.`);
  return known;
}

function parseCaseId(text: unknown): Uuid {
  if (typeof text !== 'string' || !isUuid(text)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return text;
}
