/** What the local interface answers. One function a resource; each takes parsed input and returns JSON. */
import {
  bytesToBase64,
  isJurisdictionCode,
  isoTime,
  isUuid,
  parseJurisdictionCode,
  parseUuid,
  type JurisdictionCode,
} from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import type { Statistics } from '../casework/mod.ts';
import type {
  CarriedOut,
  CaseView,
  ClockView,
  MessageRecord,
  NotedClockEvent,
  PeerProof,
  QueryRate,
  RetentionRecord,
  RetentionView,
} from '../exchange/mod.ts';
import { encodeVerifierKey } from '../ledger/mod.ts';
import {
  bundleOf,
  dueEndings,
  endingText,
  fingerprintOf,
  healthOf,
  keyDesk,
  keysAt,
  rotateAt,
  witnessingOf,
  witnessKeyOf,
  type Health,
  type HeldKey,
  type Node,
  type Rotation,
  type RunningNode,
  type Witnessing,
} from '../node/mod.ts';
import { KEY_USES, verifyManifest } from '../trust/mod.ts';
import type { PeerConnection } from '../transport/mod.ts';
import { enumNames, type ErasedWhy } from '../wire/mod.ts';
import { nextAction } from './why.ts';

/** A node at a glance. */
export interface StatusAnswer {
  readonly code: string;
  readonly name: string;
  readonly dir: string;
  readonly pid: number;
  readonly started_at: string;
  readonly port: number;
  readonly endpoint: string;
  readonly ledger: { readonly origin: string; readonly vkey: string; readonly size: number; readonly root: string };
  readonly witness: { readonly name: string; readonly vkey: string };
  readonly manifest: { readonly version: number; readonly fingerprint: string; readonly expires_at: string };
  /** What the node tried of itself just now. */
  readonly health: Health;
  /** How far the witness policy is met. */
  readonly witnessing: Witnessing;
  readonly peers: readonly PeerAnswer[];
}

/** A peer at a glance. */
export type PeerAnswer = PeerConnection & {
  readonly waiting: number;
  readonly checkpoint_size?: number;
  /** Entries of this node's ledger that the peer has cosigned. */
  readonly cosigned_size?: number;
  /** What it has asked by hit/no-hit queries, and how often that was too much. */
  readonly hit_queries: QueryRate;
  /** What ends soon of the peer's, or has ended. */
  readonly expiring: readonly ExpiringAnswer[];
};

/** Something that ends soon, or has ended. */
export interface ExpiringAnswer {
  readonly what: string;
  readonly name: string;
  readonly ends_at: string;
  readonly days_left: number;
  /** The warning that is due: 60, 30, 7 or 1 days; 0 when it has ended. */
  readonly within_days: number;
  readonly text: string;
}

/** A message that was sent, as far as it got. */
export interface SentAnswer {
  readonly message: MessageRecord;
  readonly receipt?: PeerProof;
  readonly next: string;
}

/** A message that was given up, and what comes next. */
export interface WithdrawnAnswer {
  readonly message: MessageRecord;
  readonly next: string;
}

/** Clocks as of a moment, and what the node has noticed of them. */
export interface ClocksAnswer {
  /** Unix milliseconds. */
  readonly at: number;
  readonly clocks: readonly ClockView[];
  readonly noted: readonly NotedClockEvent[];
}

const MAX_WAIT_MS = 300_000;
const MAX_ROTATION_MS = 366 * 24 * 3_600_000;

export async function status(node: Node): Promise<StatusAnswer> {
  const { config, exchange, transport, storage } = node;
  const { checkpoint } = storage.ledger;
  return {
    code: config.code,
    name: config.name,
    dir: config.paths.dir,
    pid: process.pid,
    started_at: isoTime(node.startedAt),
    port: transport.port,
    endpoint: config.endpoint,
    ledger: {
      origin: storage.ledger.key.name,
      vkey: encodeVerifierKey(storage.ledger.key),
      size: checkpoint.size,
      root: bytesToBase64(checkpoint.root),
    },
    witness: { name: config.witnessName, vkey: encodeVerifierKey(witnessKeyOf(config, node.ownKeys.current.witness)) },
    manifest: {
      version: exchange.manifest.version,
      fingerprint: exchange.manifestFingerprint,
      expires_at: isoTime(exchange.manifest.expires_at),
    },
    health: await healthOf(node),
    witnessing: await witnessingOf(node),
    peers: await peers(node),
  };
}

export async function peers({ exchange, transport, endings }: Node): Promise<PeerAnswer[]> {
  const due = dueEndings(endings());
  const cosigned = new Map((await exchange.cosignatures()).map(({ peer, size }) => [peer, size]));
  return Promise.all(
    transport.connections().map(async (connection) => {
      const seen = await exchange.seenCheckpoint(connection.code);
      const { count } = await exchange.backlog(connection.code);
      const size = cosigned.get(connection.code);
      return {
        ...connection,
        waiting: count,
        hit_queries: await exchange.queryRate(connection.code),
        ...(seen === undefined ? {} : { checkpoint_size: seen.size }),
        ...(size === undefined ? {} : { cosigned_size: size }),
        expiring: due.filter(({ owner }) => owner === connection.code).map(expiringAnswer),
      };
    }),
  );
}

function expiringAnswer(ending: ReturnType<typeof dueEndings>[number]): ExpiringAnswer {
  const { what, name, endsAt, daysLeft, warning } = ending;
  return {
    what,
    name,
    ends_at: isoTime(endsAt),
    days_left: daysLeft,
    within_days: warning,
    text: endingText(ending),
  };
}

/** Messages, newest first, of those that the caller may see. */
export async function messages(
  { exchange }: Node,
  query: URLSearchParams,
  seenOf: (found: MessageRecord[]) => MessageRecord[] | Promise<MessageRecord[]>,
): Promise<MessageRecord[]> {
  const [peer, caseId, status] = [query.get('peer'), query.get('case'), query.get('status')];
  return seenOf(
    await exchange.messages({
      peer: peer === null ? undefined : parseJurisdictionCode(peer),
      case_id: caseId === null ? undefined : parseUuid(caseId),
      status: status === null ? undefined : (status as MessageRecord['status']),
      limit: Number(query.get('limit') ?? 1000),
    }),
  );
}

export async function message(node: Node, id: string): Promise<Awaited<ReturnType<Node['exchange']['message']>>> {
  return node.exchange.message(parseUuid(id));
}

/** Sends a message and waits for the peer's answer as long as the caller wants. */
export async function sendMessage(node: Node, body: unknown): Promise<SentAnswer> {
  const {
    to,
    draft,
    wait_ms: waitMs,
  } = body as { readonly to?: unknown; readonly draft?: unknown; readonly wait_ms?: unknown };
  if (typeof to !== 'string' || !isJurisdictionCode(to))
    throw new ApiError('API_BAD_REQUEST', '“to” must be a jurisdiction code.');
  return answerTo(node, draft, to, waitMs);
}

/** Sends a draft and waits for the peer's answer as long as the caller wants. */
export async function answerTo(node: Node, draft: unknown, to: JurisdictionCode, waitMs: unknown): Promise<SentAnswer> {
  const { exchange } = node;
  return answerFor(node, await exchange.send(exchange.evidence.drafting(draft, to), to), waitMs);
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
  if (typeof next !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(next) || Number.isNaN(Date.parse(next)))
    throw new ApiError('API_BAD_REQUEST', '“next” must be a day such as 2026-03-31.');
  return exchange.protection.review(parseUuid(id), next);
}

export async function cases({ exchange }: Node, id?: string): Promise<CaseView[]> {
  if (id !== undefined && !isUuid(id)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return exchange.cases(id);
}

export async function clocks({ exchange, clock }: Node, query: URLSearchParams): Promise<ClocksAnswer> {
  const [id, at] = [query.get('case') ?? undefined, momentIn(query, clock.nowMs())];
  if (id !== undefined && !isUuid(id)) throw new ApiError('API_BAD_REQUEST', 'A case is named by its UUID.');
  return { at, clocks: await exchange.clocks(at, id), noted: await exchange.clockEvents(id) };
}

function momentIn(query: URLSearchParams, nowMs: number): number {
  const at = Number(query.get('at') ?? nowMs);
  if (!Number.isSafeInteger(at) || at < 0 || at > 8.64e15)
    throw new ApiError('API_BAD_REQUEST', '“at” is in Unix milliseconds.');
  return at;
}

export function statistics({ exchange, clock }: Node, query: URLSearchParams): Promise<Statistics> {
  const day = (name: string): string | undefined => {
    const text = query.get(name) ?? undefined;
    if (text !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(text))
      throw new ApiError('API_BAD_REQUEST', `“${name}” must be a day such as 2026-03-31.`);
    return text;
  };
  const peer = query.get('peer');
  const partner = peer === null ? undefined : parseJurisdictionCode(peer);
  return exchange.statistics({ from: day('from'), to: day('to'), partner, at: clock.nowMs() });
}

/** The largest head of a peer's ledger that this node has seen: what the peer needs after it lost its own record. */
export async function seenHead({ exchange }: Node, code: string): Promise<{ readonly checkpoint: string }> {
  const seen = await exchange.seenCheckpoint(parseJurisdictionCode(code));
  if (seen === undefined) throw new ApiError('API_BAD_REQUEST', `No head of ${code} was ever seen here.`);
  return { checkpoint: seen.note };
}

export async function ledgerProof(
  { storage }: Node,
  index: number,
): Promise<{ readonly entry: string; readonly proof: string }> {
  const { entry, proof } = await storage.ledger.receipt(index);
  return { entry: bytesToBase64(entry), proof };
}

export async function ledgerConsistency({ storage }: Node, oldSize: number): Promise<{ readonly proof: string }> {
  return { proof: await storage.ledger.consistencyProof(oldSize) };
}

/** A newer manifest, from the council by way of the operator. */
export async function takeManifest(
  node: Node,
  body: unknown,
): Promise<{ readonly version: number; readonly fingerprint: string }> {
  const { manifest } = body as { readonly manifest?: unknown };
  if (typeof manifest !== 'string') throw new ApiError('API_BAD_REQUEST', '“manifest” must be the text of a manifest.');
  const { exchange } = node;
  const taken = await exchange.takeManifest(manifest);
  // A peer may have been faster than the operator.
  const isInForce = !taken.ok && taken.reason === 'MANIFEST_NOT_NEWER' && isOf(manifest, exchange.manifestFingerprint);
  if (!taken.ok && !isInForce)
    throw new ApiError('API_BAD_REQUEST', `The manifest is refused (${taken.reason}): ${taken.detail}.`);
  if (taken.ok) node.transport.manifestChanged();
  return { version: exchange.manifest.version, fingerprint: exchange.manifestFingerprint };
}

function isOf(manifest: string, fingerprint: string): boolean {
  const verified = verifyManifest(manifest, { selfSigned: true });
  return verified.ok && fingerprintOf(verified.value) === fingerprint;
}

/** What the doctor asks of a node that is running. */
export function runningState({ exchange, transport, storage }: Node): RunningNode {
  return {
    manifest: exchange.manifestText,
    checkpoint: storage.ledger.checkpoint.note,
    port: transport.port,
    peers: transport.connections(),
  };
}

/** The node's private keys: which of them it uses, which are to come, which have ended. */
export function keys(node: Node): HeldKey[] {
  return keysAt(keyDesk(node));
}

/** Makes the next key of a use. */
export async function rotateKey(node: Node, body: unknown): Promise<Rotation> {
  const { use, startsInMs, overlapMs } = body as Readonly<Record<string, unknown>>;
  const known = KEY_USES.find((name) => name === use);
  const times = [startsInMs, overlapMs].every(
    (time) => typeof time === 'number' && time >= 0 && time <= MAX_ROTATION_MS,
  );
  if (known === undefined || !times)
    throw new ApiError('API_BAD_REQUEST', '“use”, “startsInMs” and “overlapMs” are needed.');
  return rotateAt(keyDesk(node), known, { startsInMs: startsInMs as number, overlapMs: overlapMs as number });
}

/** A bundle, or the part of one that is asked for, with the messages that are to be disclosed. */
export async function auditBundle(node: Node, body: unknown): Promise<AsyncIterable<Uint8Array>> {
  const { from, to, peer, case: caseId, disclose = [] } = body as Readonly<Record<string, unknown>>;
  const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';
  if (!isText(from) || !isText(to) || !isText(peer) || !isText(caseId))
    throw new ApiError('API_BAD_REQUEST', 'from, to, peer and case are text.');
  if (!Array.isArray(disclose) || !disclose.every((id): id is string => typeof id === 'string'))
    throw new ApiError('API_BAD_REQUEST', '“disclose” is a list of message ids.');
  const request = { from, to, peer, case: caseId, disclose };
  return bundleOf(node.config.code, node.storage, request, {
    disclose: (ids) => node.exchange.protection.disclose(ids),
  });
}
