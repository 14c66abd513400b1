import { constants, open, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TransportError } from './error.ts';

/** What the ledger is served with. */
export interface LedgerServerOptions {
  readonly host: string;
  readonly port: number;
  /** Certificate and key in PEM; no certificate is asked of the reader. */
  readonly cert: string;
  readonly key: string;
  /** Folder of the tlog-tiles files. */
  readonly folder: string;
}

// The whole of what can be asked for: a name that is not in this grammar never reaches the file system.
const PATH =
  /^\/ledger\/(checkpoint|tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x[0-9]{3}\/)*[0-9]{3}(?:\.p\/[0-9]{1,3})?)$/;
const TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 256;

/**
 * Serves the published ledger, read-only, to anyone: a ledger is there to be followed.
 * @see C2SP tlog-tiles v0.1.0
 */
export class LedgerServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws {TransportError} TRANSPORT_LISTEN_FAILED */
  static async open({ host, port, cert, key, folder }: LedgerServerOptions): Promise<LedgerServer> {
    const server = createServer({
      cert,
      key,
      minVersion: 'TLSv1.3',
      requestTimeout: TIMEOUT_MS,
      headersTimeout: TIMEOUT_MS,
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('request', (request, response) => {
      answer(folder, request, response).catch(() => {
        response.destroy();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new TransportError('TRANSPORT_LISTEN_FAILED', `Cannot serve the ledger on ${host}:${port}.`, { cause }));
      });
      server.listen(port, host, resolve);
    });
    return new LedgerServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Presents another certificate from now on. */
  setTls(tls: { readonly cert: string; readonly key: string }): void {
    this.#server.setSecureContext({ ...tls, minVersion: 'TLSv1.3' });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = PATH.exec(request.url ?? '')?.[1];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const file = name === undefined || !isRead ? undefined : await openFile(join(folder, name));
  try {
    const found = await file?.stat();
    if (file === undefined || found?.isFile() !== true) {
      response.writeHead(isRead ? 404 : 405, { 'content-length': 0 }).end();
      return;
    }
    response.writeHead(200, {
      'content-type': name === 'checkpoint' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      // A tile never changes; the checkpoint may in a moment.
      'cache-control': name === 'checkpoint' ? 'no-store' : 'public, max-age=31536000, immutable',
      'content-length': found.size,
      'x-content-type-options': 'nosniff',
    });
    if (request.method === 'HEAD') response.end();
    else await pipeline(file.createReadStream({ autoClose: false }), response);
  } finally {
    await file?.close();
  }
}

/** What is measured and sent is one file, whatever stands under its name by then. */
function openFile(path: string): Promise<FileHandle | undefined> {
  // A pipe that somebody has put there must not make anyone wait for its other end.
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
}
