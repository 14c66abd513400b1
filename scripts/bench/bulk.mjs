/** Bulk over mutual TLS between two processes: what the wire costs without any of our own work. */
import { connect } from 'node:tls';
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { makeCertificate } from './certificate.mjs';
import { startProcess } from './federation.mjs';
import { cpuUs } from './measure.mjs';

const PIECE_BYTES = 256 * 1024;
const BUFFERED_BYTES = 4 * 1024 * 1024;

/**
 * Opens both ends; `send(bytes)` gives the rate and the CPU time of both ends.
 * @param {'tls' | 'ws'} kind
 */
export async function openBulk(kind) {
  const { key, cert } = makeCertificate('127.0.0.1');
  const far = await startProcess('bulk-process.mjs', [kind, key, cert]);
  const { port } = await far.ask({ act: 'port' });
  const tls = { key, cert, ca: [cert], minVersion: 'TLSv1.3' };
  const write = kind === 'ws' ? await openWebSocket(port, tls) : await openSocket(port, tls);
  const piece = randomBytes(PIECE_BYTES);
  return {
    send: async (bytes) => {
      const pieces = Math.ceil(bytes / PIECE_BYTES);
      const taken = far.ask({ act: 'take', bytes: pieces * PIECE_BYTES });
      // The far end has to have begun to count.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const [start, cpu] = [performance.now(), cpuUs()];
      for (let i = 0; i < pieces; i++) await write.piece(piece);
      const { cpuUs: farCpu } = await taken;
      const seconds = (performance.now() - start) / 1000;
      const megabytes = (pieces * PIECE_BYTES) / 1e6;
      return { megabytesPerSecond: megabytes / seconds, cpuUsPerMegabyte: (cpuUs() - cpu + farCpu) / megabytes };
    },
    close: async () => {
      write.end();
      await far.stop();
    },
  };
}

async function openWebSocket(port, tls) {
  const socket = new WebSocket(`wss://127.0.0.1:${port}`, { ...tls, perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    piece: (bytes) =>
      new Promise((resolve) => {
        const isFull = socket.bufferedAmount > BUFFERED_BYTES;
        socket.send(bytes, { binary: true }, isFull ? resolve : undefined);
        if (!isFull) resolve();
      }),
    end: () => socket.terminate(),
  };
}

async function openSocket(port, tls) {
  const socket = connect({ host: '127.0.0.1', port, ...tls });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return {
    piece: async (bytes) => {
      if (!socket.write(bytes)) await new Promise((resolve) => socket.once('drain', resolve));
    },
    end: () => socket.destroy(),
  };
}
