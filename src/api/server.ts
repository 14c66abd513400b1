/** The node's local interface: HTTP on a Unix socket that only the node's own user can open. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rm } from 'node:fs/promises';
import { RogatoryError, codeOf } from '../base/mod.ts';
import { ApiError, socketPath } from '../client/mod.ts';
import { backupOf, type Node } from '../node/mod.ts';
import type { IdempotencyKey } from '../exchange/mod.ts';
import { WireError } from '../wire/mod.ts';
import { OPERATOR, type Actor } from '../staff/mod.ts';
import * as casework from './case-routes.ts';
import * as evidence from './evidence-routes.ts';
import { parseCount } from './count.ts';
import { admit, isRoute, type RouteName } from './gate.ts';
import { idempotencyKey } from './idempotency.ts';
import * as key from './key-routes.ts';
import * as ledger from './ledger-routes.ts';
import * as message from './message-routes.ts';
import * as running from './node-routes.ts';
import * as retention from './retention-routes.ts';
import * as staff from './staff-routes.ts';
import { why } from './why.ts';

// A message of 512 KiB in JSON, with room for escapes.
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Serves the local interface of a running node. */
export class ApiServer {
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** @throws {ApiError} API_SOCKET_PATH_TOO_LONG, API_SOCKET_IN_USE */
  static async open(node: Node): Promise<ApiServer> {
    const path = socketPath(node.config.paths.controlSocket);
    if (await isAnswering(path))
      throw new ApiError('API_SOCKET_IN_USE', `Another node is serving ${node.config.paths.dir}.`);
    // Left behind by a process that was killed: nobody answers there.
    await rm(path, { force: true });
    // A file of evidence may take hours to be handed in, where Node gives up after five minutes; nobody else can open this socket.
    const server = createServer({ requestTimeout: 0 }, (request, response) => {
      answer(node, request, response).catch((error: unknown) => {
        sendError(request, response, error);
      });
    });
    server.on('clientError', refuseUnread);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // The socket must never exist with wider permissions, not even for a moment.
      const mask = process.umask(0o177);
      try {
        server.listen(path, resolve);
      } finally {
        process.umask(mask);
      }
    });
    return new ApiServer(server, path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#path, { force: true });
  }
}

/** A request taken apart: who asks where that is known, the id in its path, its query, and its body for whoever wants it. */
interface Call {
  readonly node: Node;
  readonly caller: Actor | undefined;
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: () => unknown;
  /** By which it can be asked for again; undefined when the request names none. */
  readonly key: () => IdempotencyKey | undefined;
}

/** A person's call; where no staff is registered, the operator's. */
type StaffCall = Call & { readonly actor: Actor };

const asStaff =
  (route: (call: StaffCall) => unknown): ((call: Call) => unknown) =>
  (call) =>
    route({ ...call, actor: call.caller ?? OPERATOR });

// Those that answer with a stream, or are asked with one.
type Streamed = 'GET events' | 'GET evidence/*/content' | 'POST evidence' | 'GET backup' | 'GET bundle' | 'POST bundle';

const RESOURCES: Readonly<Record<Exclude<RouteName, Streamed>, (call: Call) => unknown>> = {
  'POST challenge': ({ node }) => ({ challenge: node.challenges.issue() }),
  'GET status': ({ node }) => running.status(node),
  'GET peers': ({ node }) => running.peers(node),
  'GET messages': ({ node, caller, query }) =>
    message.messages(node, query, staff.knownCasesFor({ node }, caller, 'LIST_MESSAGES')),
  'POST messages': ({ node, body, key }) => message.sendMessage(node, body(), key()),
  'GET messages/*': ({ node, id }) => message.message(node, id),
  'GET messages/*/why': ({ node, id }) => why(node, id),
  'POST messages/*/withdraw': ({ node, id }) => message.withdrawMessage(node, id),
  'POST messages/*/erase': ({ node, id, body }) => retention.eraseMessage(node, id, body()),
  'POST messages/*/carry-out': ({ node, id }) => retention.carryOutErasure(node, id),
  'POST messages/*/review': ({ node, id, body }) => retention.reviewRetention(node, id, body()),
  'GET retention': async ({ node, caller, query }) =>
    staff.knownRetention({ node }, caller, await retention.retention(node, query)),
  'GET cases': async ({ node, caller }) => staff.knownCases({ node }, caller, await casework.cases(node)),
  'GET cases/*': ({ node, id }) => casework.cases(node, id),
  'POST cases/*/assign': asStaff((call) => staff.assign(call, call.id, call.body())),
  'GET clocks': async ({ node, caller, query }) =>
    staff.knownClocks({ node }, caller, await casework.clocks(node, query)),
  'GET statistics': ({ node, caller, query }) =>
    casework.statistics(node, query, staff.knownCasesFor({ node }, caller, 'LIST_CASES')),
  'GET checkpoint': async ({ node }) => ({ checkpoint: node.storage.ledger.checkpoint.note }),
  'GET seen/*': ({ node, id }) => ledger.seenHead(node, id),
  'GET proofs/*': ({ node, id }) => ledger.ledgerProof(node, parseCount(id, 'An index')),
  'GET consistency/*': ({ node, id }) => ledger.ledgerConsistency(node, parseCount(id, 'A size')),
  'POST publish': async ({ node }) => {
    await node.storage.ledger.publish();
    return { size: node.storage.ledger.size };
  },
  'GET evidence': async ({ node, caller, query }) =>
    staff.knownEvidence({ node }, caller, await evidence.listEvidence(node, query)),
  'POST evidence/*/verify': ({ node, id }) => evidence.verifyEvidence(node, id),
  'POST evidence/*/delete': ({ node, id, body }) => evidence.deleteEvidence(node, id, body()),
  'POST items': ({ node, body }) => evidence.putItem(node, body()),
  'POST custody': ({ node, body }) => evidence.addCustody(node, body()),
  'POST transfers': ({ node, body, key }) => evidence.sendEvidence(node, body(), key()),
  'GET keys': ({ node }) => key.keys(node),
  'POST keys': ({ node, body }) => key.rotateKey(node, body()),
  'GET incidents': ({ node }) => node.exchange.incidents(),
  'GET doctor': ({ node }) => running.runningState(node),
  'POST manifest': ({ node, body }) => key.takeManifest(node, body()),
  'GET staff': asStaff(staff.staff),
  'POST staff': asStaff((call) => staff.register(call, call.body())),
  'POST revocations': asStaff((call) => staff.revoke(call, call.body())),
  'GET drafts': asStaff(staff.drafts),
  'POST drafts': asStaff((call) => staff.draft(call, call.body(), call.key())),
  'GET drafts/*': asStaff((call) => staff.oneDraft(call, call.id)),
  'POST drafts/*/approve': asStaff((call) => staff.approve(call, call.id, call.body())),
  'POST drafts/*/reject': asStaff((call) => staff.reject(call, call.id, call.body())),
  'GET tasks': asStaff((call) => staff.tasks(call, call.query)),
  'POST tasks': asStaff((call) => staff.order(call, call.body())),
  'GET tasks/*': asStaff((call) => staff.oneTask(call, call.id)),
  'POST tasks/*/answer': asStaff((call) => staff.answer(call, call.id, call.body())),
  'GET access-log': asStaff((call) => staff.accessLog(call, call.query)),
};

async function answer(node: Node, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [method, target] = [request.method ?? '', request.url ?? '/'];
  if (!URL.canParse(target, 'http://node')) throw new ApiError('API_BAD_REQUEST', `There is no ${method} ${target}.`);
  const url = new URL(target, 'http://node');
  const [, version, resource, id = '', sub, ...more] = partsOf(url.pathname);
  const path = [resource, id === '' ? undefined : '*', sub].filter((part) => part !== undefined).join('/');
  const name = version === 'v1' && more.length === 0 ? `${method} ${path}` : '';
  if (!isRoute(name)) throw new ApiError('API_BAD_REQUEST', `There is no ${method} ${url.pathname}.`);
  // A file of evidence is as long as it is: it streams, and is not signed by whoever brings it.
  const bytes = method === 'POST' && name !== 'POST evidence' ? await readBody(request) : undefined;
  const call = { node, id, query: url.searchParams, body: () => parseBody(bytes) };
  const caller = await admit(name, call, request.headers.authorization, { method, path: target, body: bytes });
  if (name === 'GET events') {
    streamEvents(node, response);
  } else if (name === 'GET evidence/*/content') {
    // What an agency's people fetch is for the agency, whatever they say.
    const purpose = caller?.agency === undefined ? evidence.purposeIn(url.searchParams) : 'AGENCY';
    await evidence.sendContent(node, id, purpose, response);
  } else if (name === 'POST evidence') {
    sendJson(response, await evidence.addEvidence(node, url.searchParams, request));
  } else if (name === 'GET backup') {
    response.writeHead(200, { 'content-type': 'application/zip' });
    await pipeline(Readable.from(backupOf(node.config, node.storage.records())), response);
  } else if (name === 'GET bundle' || name === 'POST bundle') {
    const bundle = await ledger.auditBundle(node, name === 'GET bundle' ? {} : call.body());
    response.writeHead(200, { 'content-type': 'application/zip' });
    await pipeline(Readable.from(bundle), response);
  } else {
    const asked = { route: name, person: caller?.person, body: call.body };
    const key = (): IdempotencyKey | undefined => idempotencyKey(request.headersDistinct['idempotency-key'], asked);
    sendJson(response, await RESOURCES[name]({ ...call, caller, key }));
  }
}

function partsOf(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch (cause) {
    throw new ApiError('API_BAD_REQUEST', `The path ${path} is not percent-encoded as it should be.`, { cause });
  }
}

/** One line of JSON an event, as long as the caller listens. */
function streamEvents(node: Node, response: ServerResponse): void {
  // Gone while it was asked who they are: nothing would end what is begun now.
  if (response.destroyed) return;
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const unsubscribe = node.exchange.subscribe((event) => {
    // What a caller leaves unread is in this node's memory, for as long as the caller is there.
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
    else response.write(`${JSON.stringify(event)}\n`);
  });
  response.on('close', unsubscribe);
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES)
      throw new ApiError('API_BAD_REQUEST', `The request is longer than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseBody(bytes: Uint8Array | undefined): unknown {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
  } catch (cause) {
    throw new ApiError('API_BAD_REQUEST', 'The request is not JSON.', { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ApiError('API_BAD_REQUEST', 'The request is not a JSON object.');
  return json;
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const message = error instanceof RogatoryError ? error.message : 'The node failed to answer.';
  const faults = error instanceof WireError ? error.faults : [];
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ error: { code: codeOf(error), message, faults } });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(error instanceof RogatoryError ? 422 : 500, headers);
  if (request.readableEnded || request.destroyed) {
    response.end(body);
    return;
  }
  // Whoever is still sending would lose the answer together with the connection: it stays until they have read it, or have sent all.
  response.write(body);
  const end = (): void => {
    response.end();
  };
  request.once('end', end).once('close', end).resume();
}

/** Answers what Node could not read as a request, in the same form as all else: it knows no request to answer to. */
function refuseUnread(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const isLong = error.code === 'HPE_HEADER_OVERFLOW';
  const message = isLong ? 'The headers of the request are too long.' : 'This is no request of HTTP/1.1.';
  const body = JSON.stringify({ error: { code: 'API_BAD_REQUEST', message, faults: [] } });
  const head = ['HTTP/1.1 422 Unprocessable Entity', 'content-type: application/json', 'connection: close'];
  socket.end([...head, `content-length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
