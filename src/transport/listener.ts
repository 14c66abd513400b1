import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import type { JurisdictionCode, Verdict } from '../base/mod.ts';
import { TransportError } from './error.ts';
import { FEDERATION_PATH, SUBPROTOCOL, WEBSOCKET_LIMITS } from './wire-options.ts';

/** Takes over a new WebSocket and the TLS connection under it. */
export type AcceptSocket = (socket: WebSocket, tls: TLSSocket) => void;

/** What the listener asks and tells. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
  /** Whose certificate the socket presents. */
  readonly verifyPeer: (socket: TLSSocket) => Verdict<JurisdictionCode>;
  /** Called before the upgrade is answered: what it returns is true of the time before the peer could speak. */
  readonly prepare: (peer: JurisdictionCode) => Promise<AcceptSocket>;
  /** Whether one more connection of the peer is to be taken. */
  readonly hasRoomFor: (peer: JurisdictionCode) => boolean;
  readonly onRefused: (reason: string) => void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
// Connections that never get as far as a session must not use up the file descriptors of those that do.
const MAX_CONNECTIONS = 1024;

/** Accepts sessions on one address. */
export class Listener {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #options: ListenerOptions;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      ...options.tls,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxHeaderSize: 8192,
      headersTimeout: HANDSHAKE_TIMEOUT_MS,
      requestTimeout: HANDSHAKE_TIMEOUT_MS,
      keepAlive: true,
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      ...WEBSOCKET_LIMITS,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#server.on('request', (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head).catch(() => {
        socket.destroy();
      });
    });
    this.#server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
      // For a certificate that OpenSSL refuses, Node only hangs up; why, the socket knows, in a code and whatever its type says.
      const refusal = socket.authorizationError as unknown as string | null | undefined;
      options.onRefused(refusal ?? error.code ?? 'TLS_HANDSHAKE_FAILED');
    });
  }

  /** @throws {TransportError} TRANSPORT_LISTEN_FAILED */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    await new Promise<void>((resolve, reject) => {
      const server = listener.#server;
      server.once('error', (cause: Error & { code?: string }) => {
        const detail = cause.code === 'EADDRINUSE' ? 'another process is using it' : (cause.code ?? 'it failed');
        const where = `${options.host}:${options.port}`;
        reject(new TransportError('TRANSPORT_LISTEN_FAILED', `Cannot listen on ${where}: ${detail}.`, { cause }));
      });
      server.listen(options.port, options.host, () => {
        server.removeAllListeners('error');
        server.on('error', () => undefined);
        resolve();
      });
    });
    return listener;
  }

  /** The port, for a listener that was opened on port 0. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Judges new connections by other certificates from now on. */
  setTls(tls: TlsOptions): void {
    this.#server.setSecureContext(tls);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    const tls = request.socket as TLSSocket;
    const peer = this.#options.verifyPeer(tls);
    if (!peer.ok) {
      this.#options.onRefused(peer.reason);
      // What is wrong with a certificate is not told to whoever presents it.
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((item) => item.trim());
    if (request.url !== FEDERATION_PATH || !protocols.includes(SUBPROTOCOL)) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const accept = await this.#options.prepare(peer.value);
    // From here on nothing is awaited: of many that ask at once, each sees those that were taken before it.
    if (!this.#options.hasRoomFor(peer.value)) {
      this.#options.onRefused('TOO_MANY_SESSIONS');
      socket.end('HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      accept(webSocket, tls);
    });
  }
}
