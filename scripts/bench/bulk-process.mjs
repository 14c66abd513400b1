/** The far end of a bulk transfer over mutual TLS 1.3, in a process of its own: takes bytes, raw or in WebSocket messages, and counts them. */
import { createServer as createHttps } from 'node:https';
import { createServer as createTls } from 'node:tls';
import { WebSocketServer } from 'ws';
import { cpuUs } from './measure.mjs';

const [kind, key, cert] = process.argv.slice(2);
const options = { key, cert, ca: [cert], minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true };

let received = 0;
let cpu = 0;
let expected = Infinity;
let done = () => undefined;
function take(bytes) {
  received += bytes;
  if (received >= expected) done();
}

const server =
  kind === 'ws' ? createHttps(options) : createTls(options, (socket) => socket.on('data', (data) => take(data.length)));
if (kind === 'ws') {
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 1 << 20 });
  sockets.on('connection', (socket) => socket.on('message', (data) => take(data.length)));
}
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const ACTS = {
  port: async () => ({ port: server.address().port }),
  /** Resolves when so many bytes have come since. */
  take: async ({ bytes }) => {
    [received, expected, cpu] = [0, bytes, cpuUs()];
    await new Promise((resolve) => (done = resolve));
    return { cpuUs: cpuUs() - cpu };
  },
  stop: async () => process.exit(0),
};
process.on('message', (question) => {
  ACTS[question.act](question).then((answer) => process.send(answer));
});
process.on('disconnect', () => process.exit(0));
process.send({ started: true });
