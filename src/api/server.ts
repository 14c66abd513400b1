/** The node's local interface: HTTP on a Unix socket that only the node's own user can open. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rm } from 'node:fs/promises';
import { RogatoryError, codeOf } from '../base/mod.ts';
import { ApiError, socketPath } from '../client/mod.ts';
import { backupOf, type Node } from '../node/mod.ts';
import { WireError } from '../wire/mod.ts';
import * as evidence from './evidence-routes.ts';
import * as routes from './routes.ts';
import { why } from './why.ts';

// A message of 512 KiB in JSON, with room for escapes.
const MAX_BODY_BYTES = 4 * 1024 * 1024;

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
    const server = createServer((request, response) => {
      answer(node, request, response).catch((error: unknown) => {
        sendError(response, error);
      });
    });
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

/** A request taken apart: the id in its path, its query, and its body for whoever asks. */
interface Call {
  readonly node: Node;
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: () => Promise<unknown>;
}

const RESOURCES: Readonly<Record<string, (call: Call) => Promise<unknown>>> = {
  'GET status': ({ node }) => routes.status(node),
  'GET peers': ({ node }) => routes.peers(node),
  'GET messages': ({ node, query }) => routes.messages(node, query),
  'POST messages': async ({ node, body }) => routes.sendMessage(node, await body()),
  'GET messages/*': ({ node, id }) => routes.message(node, id),
  'GET messages/*/why': ({ node, id }) => why(node, id),
  'POST messages/*/withdraw': ({ node, id }) => routes.withdrawMessage(node, id),
  'GET cases': ({ node }) => routes.cases(node),
  'GET cases/*': ({ node, id }) => routes.cases(node, id),
  'GET checkpoint': async ({ node }) => ({ checkpoint: node.storage.ledger.checkpoint.note }),
  'GET seen/*': ({ node, id }) => routes.seenHead(node, id),
  'GET proofs/*': ({ node, id }) => routes.ledgerProof(node, Number(id)),
  'GET consistency/*': ({ node, id }) => routes.ledgerConsistency(node, Number(id)),
  'POST publish': async ({ node }) => {
    await node.storage.ledger.publish();
    return { size: node.storage.ledger.size };
  },
  'GET evidence': ({ node, query }) => evidence.listEvidence(node, query),
  'POST evidence/*/verify': ({ node, id }) => evidence.verifyEvidence(node, id),
  'POST evidence/*/delete': async ({ node, id, body }) => evidence.deleteEvidence(node, id, await body()),
  'POST items': async ({ node, body }) => evidence.putItem(node, await body()),
  'POST custody': async ({ node, body }) => evidence.addCustody(node, await body()),
  'POST transfers': async ({ node, body }) => evidence.sendEvidence(node, await body()),
  'GET incidents': ({ node }) => node.exchange.incidents(),
  'GET doctor': ({ node }) => Promise.resolve(routes.runningState(node)),
  'POST manifest': async ({ node, body }) => routes.takeManifest(node, await body()),
};

async function answer(node: Node, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://node');
  const [, version, resource, id = '', sub] = url.pathname.split('/').map(decodeURIComponent);
  const path = [resource, id === '' ? undefined : '*', sub].filter((part) => part !== undefined).join('/');
  const name = version === 'v1' ? `${request.method} ${path}` : '';
  if (name === 'GET events') {
    streamEvents(node, response);
  } else if (name === 'GET evidence/*/content') {
    await evidence.sendContent(node, id, response);
  } else if (name === 'POST evidence') {
    sendJson(response, await evidence.addEvidence(node, url.searchParams, request));
  } else if (name === 'GET backup') {
    response.writeHead(200, { 'content-type': 'application/zip' });
    await pipeline(Readable.from(backupOf(node.config, node.storage.records())), response);
  } else if (name === 'GET bundle' || name === 'POST bundle') {
    const bundle = await routes.auditBundle(node, request.method === 'GET' ? {} : await readJson(request));
    response.writeHead(200, { 'content-type': 'application/zip' });
    await pipeline(Readable.from(bundle), response);
  } else {
    const route = Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
    if (route === undefined) throw new ApiError('API_BAD_REQUEST', `There is no ${request.method} ${url.pathname}.`);
    sendJson(response, await route({ node, id, query: url.searchParams, body: () => readJson(request) }));
  }
}

/** One line of JSON an event, as long as the caller listens. */
function streamEvents(node: Node, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const unsubscribe = node.exchange.subscribe((event) => response.write(`${JSON.stringify(event)}\n`));
  response.on('close', unsubscribe);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES)
      throw new ApiError('API_BAD_REQUEST', `The request is longer than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ApiError('API_BAD_REQUEST', 'The request is not JSON.', { cause });
  }
  if (typeof json !== 'object' || json === null)
    throw new ApiError('API_BAD_REQUEST', 'The request is not a JSON object.');
  return json;
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown): void {
  const message = error instanceof RogatoryError ? error.message : 'The node failed to answer.';
  const faults = error instanceof WireError ? error.faults : [];
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ error: { code: codeOf(error), message, faults } });
  response.writeHead(error instanceof RogatoryError ? 422 : 500, { 'content-type': 'application/json' }).end(body);
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
