import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import { NodeError } from './error.ts';

/** Answers `GET /metrics` in the format of Prometheus, and nothing else. No authentication: it belongs on a local address. */
export class MetricsServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws {NodeError} NODE_METRICS_LISTEN_FAILED */
  static async open(
    listen: { readonly host: string; readonly port: number },
    registry: Registry,
  ): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        // The store closes before this server does when a node stops.
        () => response.writeHead(503).end(),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: Error & { code?: string }) => {
        const detail = `Cannot serve metrics on ${listen.host}:${listen.port}: ${cause.code ?? 'it failed'}.`;
        reject(new NodeError('NODE_METRICS_LISTEN_FAILED', detail, { cause }));
      });
      server.listen(listen.port, listen.host, resolve);
    });
    return new MetricsServer(server);
  }

  /** The port, for a server that was opened on port 0. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
