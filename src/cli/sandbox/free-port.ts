import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { CliError } from '../error.ts';

const givenOut = new Set<number>();

/**
 * A port of 127.0.0.1 at which nobody listens, and that this process has not given out before. It is none of those that systems take for
 * outgoing connections and for port 0 (from 32768 on Linux, from 49152 elsewhere, RFC 6335 section 6): between the asking and the
 * listening, any program could be given one of these.
 * @throws CliError CLI_NODE_FAILED where all are taken
 */
export async function freePort(lowest = 10_000, highest = 19_999): Promise<number> {
  const count = highest - lowest + 1;
  const first = randomInt(count);
  for (let step = 0; step < count; step++) {
    const port = lowest + ((first + step) % count);
    if (givenOut.has(port) || !(await isFree(port))) continue;
    givenOut.add(port);
    return port;
  }
  throw new CliError('CLI_NODE_FAILED', `No port of 127.0.0.1 from ${lowest} to ${highest} is free.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
