/** One node in a process of its own that takes files in, announces and fetches them, and says what that cost. */
import { createReadStream, readFileSync } from 'node:fs';
import { cpuUs } from './measure.mjs';
import { room } from './rooms.mjs';

const [{ Node }, { loadNodeConfig }] = await Promise.all([room('node'), room('config')]);

const sample = new URL('../../node-config/messages/request.json', import.meta.url);
const { assistance_request: request } = JSON.parse(readFileSync(sample, 'utf8'));
const AUTHORITY = { name: 'Section II', country: 'XB' };
const COLLECTED = {
  by: 'Ida Example',
  role: 'inspector',
  authority: 'Police of Brethen',
  place: 'Brethen',
  at: 1_700_000_000_000,
  law: 'Code of Procedure, art. 10',
};

const node = await Node.start({
  config: loadNodeConfig(process.argv[2], {}),
  passphrase: undefined,
  log: () => undefined,
  onFatal: (error) => {
    process.stderr.write(`a node failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
});
const { evidence } = node.exchange;

/** When each file came to each stage, in milliseconds of the machine's clock, which both processes share. */
const stages = new Map();
const waiting = new Map();
node.exchange.subscribe((event) => {
  if (event.file_id === undefined) return;
  const key = `${event.kind} ${event.file_id}`;
  stages.set(key, Date.now());
  waiting.get(key)?.();
});

async function stage(kind, fileId) {
  const key = `${kind} ${fileId}`;
  if (!stages.has(key)) await new Promise((resolve) => waiting.set(key, resolve));
  return stages.get(key);
}

// RSS between two looks is not seen: looks are many.
const peak = { rss: 0 };
setInterval(() => {
  peak.rss = Math.max(peak.rss, process.memoryUsage.rss());
}, 50).unref();

async function send(draft, to) {
  const { message_id: id } = await node.exchange.send(evidence.drafting(draft, to), to);
  const { status } = await node.exchange.answerOf(id, 60_000);
  if (status !== 'RECEIVED') throw new Error(`a message is ${status}`);
  return id;
}

let before = { cpuUs: 0, rss: 0 };
let items = 0;
const ACTS = {
  request: async ({ to }) => {
    const id = await send({ assistance_request: request }, to);
    return { id, caseId: (await node.exchange.message(id)).record.case_id };
  },
  begin: async ({ to, id }) => {
    const answers = [
      { acknowledge_receipt: { received_at: 1, handler: AUTHORITY, local_ref: 'EX 1' } },
      {
        review_decision: {
          outcome: 'ACCEPT',
          measures: [{ measure_id: 'm1', outcome: 'ACCEPT' }],
          authority: AUTHORITY,
        },
      },
      { execution_started: { measure_ids: ['m1'], started_on: '2026-11-02', executing: AUTHORITY } },
    ];
    for (const answer of answers) await send({ in_reply_to: id, ...answer }, to);
    return {};
  },
  add: async ({ caseId, path }) => {
    const item = `e${++items}`;
    await evidence.putItem(caseId, {
      item_id: item,
      kind: 'RECORD',
      description: { lang: 'en', text: 'An invented disk.' },
      collected: COLLECTED,
    });
    const label = { case_id: caseId, name: `${item}.bin`, media_type: 'application/octet-stream' };
    const { file_id: fileId } = await evidence.add(createReadStream(path, { highWaterMark: 1 << 20 }), label);
    await evidence.addToItem(caseId, item, [fileId]);
    return { item, fileId };
  },
  announce: async ({ caseId, to, item }) => {
    const transfer = { items: [{ item_id: item }], measure_ids: ['m1'], more_to_follow: true };
    const startedAt = Date.now();
    await send({ case_id: caseId, evidence_transfer: transfer }, to);
    return { startedAt };
  },
  until: async ({ kind, fileId }) => ({ at: await stage(kind, fileId) }),
  delete: async ({ fileId }) => {
    await evidence.delete(fileId, 'MISTAKE');
    return {};
  },
  /** From here on CPU and memory count. */
  mark: async () => {
    before = { cpuUs: cpuUs(), rss: process.memoryUsage.rss() };
    peak.rss = before.rss;
    return {};
  },
  usage: async () => ({
    cpuUs: cpuUs() - before.cpuUs,
    rssGrowthMiB: (peak.rss - before.rss) / 2 ** 20,
    rssMiB: peak.rss / 2 ** 20,
  }),
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
