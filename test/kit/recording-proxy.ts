import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What somebody on the line between two nodes sees. */
export interface RecordingProxy {
  /** Every byte so far, in both directions. */
  readonly recorded: () => Buffer;
}

/** Passes connections on from one port of this machine to another, and keeps every byte. */
export async function recordingProxy(from: number, to: number): Promise<RecordingProxy> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [source, target] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(source);
      source.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        target.write(chunk);
      });
      source.on('error', () => target.destroy());
      source.on('close', () => {
        sockets.delete(source);
        target.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(from, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { recorded: () => Buffer.concat(chunks) };
}
