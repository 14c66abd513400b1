/** One node in a process of its own, driven over the channel to its parent: it sends when told, and says what that cost. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { flushes } from './flushes.mjs';
import { cpuUs } from './measure.mjs';
import { room } from './rooms.mjs';

const [{ Node }, { loadNodeConfig }, { parseDraft }] = await Promise.all([room('node'), room('config'), room('wire')]);

const sample = new URL('../../node-config/messages/request.json', import.meta.url);
const { assistance_request: request } = JSON.parse(readFileSync(sample, 'utf8'));
const node = await Node.start({
  config: loadNodeConfig(process.argv[2], {}),
  passphrase: undefined,
  log: () => undefined,
  onFatal: (error) => {
    process.stderr.write(`a node failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
});

const waiting = new Map();
const settled = new Set();
node.exchange.subscribe((event) => {
  if (event.kind === 'REFUSAL_HELD') throw new Error(`refused: ${event.reason}`);
  if (event.kind !== 'RECEIPT_HELD') return;
  const resolve = waiting.get(event.message_id);
  if (resolve === undefined) settled.add(event.message_id);
  else resolve();
  waiting.delete(event.message_id);
});

/** A request of about `bytes` of protobuf; the text is random, so that nothing is spared by being the same. */
function draft(bytes) {
  const { facts } = request;
  const text = randomBytes(Math.max(8, Math.ceil((bytes - 900) / 2))).toString('hex');
  return parseDraft({ assistance_request: { ...request, facts: { ...facts, text } } });
}

async function sendOne(to, bytes) {
  const start = performance.now();
  const { message_id: id } = await node.exchange.send(draft(bytes), to);
  if (!settled.delete(id)) await new Promise((resolve) => waiting.set(id, resolve));
  return performance.now() - start;
}

/** Keeps so many messages in flight for so long; each is in flight until its receipt is durable here. */
async function send({ to, inFlight, forMs, count = Infinity, bytes }) {
  const latencies = [];
  let begun = 0;
  const before = usage();
  const start = performance.now();
  const one = async () => {
    while (performance.now() - start < forMs && begun < count) {
      begun++;
      latencies.push(await sendOne(to, bytes));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const elapsedMs = performance.now() - start;
  const after = usage();
  return { count: latencies.length, elapsedMs, latencies, ...spent(before, after) };
}

function usage() {
  return { cpuUs: cpuUs(), flushes: flushes() };
}

function spent(before, after) {
  return {
    cpuUs: after.cpuUs - before.cpuUs,
    flushes: after.flushes - before.flushes,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}

let marked = usage();
const ACTS = {
  send,
  /** From here on usage counts. */
  mark: async () => {
    marked = usage();
    return {};
  },
  usage: async () => spent(marked, usage()),
  connected: async () => ({ count: node.transport.connections().filter(({ connected }) => connected).length }),
  stop: async () => {
    await node.stop();
    process.exit(0);
  },
};

process.on('message', (question) => {
  ACTS[question.act](question).then(
    (answer) => process.send(answer),
    (error) => process.send({ error: error.stack }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send({ started: true });
