/** The node's local interface: HTTP on a Unix socket that only the node's own user can open. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { rm } from 'node:fs/promises';
import { RogatoryError, codeOf } from '../base/mod.ts';
import type { Node } from '../node/mod.ts';
import { WireError } from '../wire/mod.ts';
import { ApiError } from './error.ts';
import * as routes from './routes.ts';
import { socketPath } from './socket-path.ts';

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

async function answer(node: Node, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://node');
  const [, version, resource, id, sub] = url.pathname.split('/').map(decodeURIComponent);
  const route =
    version === 'v1'
      ? `${request.method} ${[resource, id === undefined ? undefined : '*', sub].filter(Boolean).join('/')}`
      : '';
  switch (route) {
    case 'GET status': {
      sendJson(response, await routes.status(node));
      return;
    }
    case 'GET peers': {
      sendJson(response, await routes.peers(node));
      return;
    }
    case 'GET messages': {
      sendJson(response, await routes.messages(node, url.searchParams));
      return;
    }
    case 'POST messages': {
      sendJson(response, await routes.sendMessage(node, await readJson(request)));
      return;
    }
    case 'GET messages/*': {
      sendJson(response, await routes.message(node, id!));
      return;
    }
    case 'GET messages/*/why': {
      sendJson(response, await routes.why(node, id!));
      return;
    }
    case 'GET cases': {
      sendJson(response, await routes.cases(node));
      return;
    }
    case 'GET cases/*': {
      sendJson(response, await routes.cases(node, id));
      return;
    }
    case 'GET checkpoint': {
      sendJson(response, { checkpoint: node.storage.ledger.checkpoint.note });
      return;
    }
    case 'GET proofs/*': {
      sendJson(response, await routes.ledgerProof(node, Number(id)));
      return;
    }
    case 'GET consistency/*': {
      sendJson(response, await routes.ledgerConsistency(node, Number(id)));
      return;
    }
    case 'POST manifest': {
      sendJson(response, await routes.takeManifest(node, await readJson(request)));
      return;
    }
    case 'GET bundle':
      response.writeHead(200, { 'content-type': 'application/zip' }).end(await routes.auditBundle(node));
      return;
    case 'GET events':
      streamEvents(node, response);
      return;
    default:
      throw new ApiError('API_BAD_REQUEST', `There is no ${request.method} ${url.pathname}.`);
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
