import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { firstSeed, randomOf } from './random.ts';

/** What a proxy does with the bytes of the connections through it. */
export interface ProxyWeather {
  /** Milliseconds by which each piece is late, at random up to this. */
  readonly delayMs?: number;
  /** Of so many pieces one cuts its connection. */
  readonly cutsOneIn?: number;
}

/** A TCP proxy on loopback that a test can make slow, unreliable, or deaf without closing anything. */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connections = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(
    port: number,
    target: number,
    { delayMs = 0, cutsOneIn = Infinity }: ProxyWeather = {},
  ): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server);
    const random = randomOf(firstSeed);
    server.on('connection', (near) => {
      proxy.connections++;
      const far = connect(target, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.#sockets.add(from);
        let turn: Promise<void> = Promise.resolve();
        from.on('data', (piece: Buffer) => {
          // Late pieces keep their order, as TCP does.
          turn = turn.then(async () => {
            if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, random.below(delayMs)));
            if (Number.isFinite(cutsOneIn) && random.below(cutsOneIn) === 0) near.destroy();
            else if (!proxy.#deaf.has(from)) to.write(piece);
          });
        });
        from.on('error', () => undefined);
        from.on('close', () => {
          proxy.#sockets.delete(from);
          if (!proxy.#deaf.has(from)) to.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => proxy.close());
    return proxy;
  }

  readonly #deaf = new Set<Socket>();

  /** The connections there are now stay open and carry nothing any more; new ones are carried. */
  goDeaf(): void {
    for (const socket of this.#sockets) this.#deaf.add(socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
