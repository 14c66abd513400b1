/** A WebSocket echo over mutual TLS 1.3 in one process: what the wire costs, half of it for each side. */
import { createServer } from 'node:https';
import { randomBytes } from 'node:crypto';
import { WebSocket, WebSocketServer } from 'ws';
import { makeCertificate } from './certificate.mjs';

const ECHO_BYTES = 4096;

/** Opens both ends; `exchange(n)` sends n messages and waits for all of them to come back. */
export async function openEcho() {
  const { key, cert } = makeCertificate('127.0.0.1');
  const tls = { key, cert, ca: [cert], minVersion: 'TLSv1.3' };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(data, { binary: true }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new WebSocket(`wss://127.0.0.1:${server.address().port}`, { ...tls, perMessageDeflate: false });
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
  const message = randomBytes(ECHO_BYTES);
  let waiting = 0;
  let done = () => undefined;
  client.on('message', () => {
    if (--waiting === 0) done();
  });
  return {
    exchange: (count) =>
      new Promise((resolve) => {
        waiting = count;
        done = resolve;
        for (let i = 0; i < count; i++) client.send(message, { binary: true });
      }),
    close: async () => {
      client.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
