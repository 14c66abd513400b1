/** What a new message costs at a node with a long past, beside one without any, and how long the long past takes to start with. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeFederation, startNode } from '../federation.mjs';
import { MESSAGE_BYTES } from '../floors.mjs';
import { interleave, median, percentile, round } from '../measure.mjs';
import { inFolder } from '../rooms.mjs';

const IN_FLIGHT = 64;
const fill = fileURLToPath(new URL('../fill.mjs', import.meta.url));

/** @param {{quick: boolean, say: (what: string) => void}} options */
export function run({ quick, say }) {
  return inFolder(async (folder) => {
    const [rounds, turnMs] = quick ? [1, 300] : [3, 1500];
    const sizes = quick ? [1000, 4000] : [100_000, 1_000_000];
    const cases = quick ? 400 : 100_000;
    const young = await makeFederation(join(folder, 'young'), ['XA', 'XB']);
    const old = await makeFederation(join(folder, 'old'), ['XA', 'XB']);
    const measured = { 1: await startUp(young, say) };
    for (const [i, size] of sizes.entries()) {
      say(`filling a ledger up to ${size} entries`);
      // All cases are there from the first size on: each size then differs from the one before in its ledger alone.
      await promisify(execFile)(process.execPath, [fill, old.XA, String(size), String(i === 0 ? cases : 0)]);
      measured[size] = await compare({ young, old }, rounds, turnMs, say);
    }
    return report(measured, cases);
  });
}

async function startUp({ XA }, say) {
  say('starting');
  const start = performance.now();
  const node = await startNode(XA);
  const startMs = performance.now() - start;
  const { rssMiB } = await node.ask({ act: 'usage' });
  await node.stop();
  return { startMs, rssMiB };
}

async function compare({ young, old }, rounds, turnMs, say) {
  const start = performance.now();
  const sender = await startNode(old.XA);
  const startMs = performance.now() - start;
  const { rssMiB } = await sender.ask({ act: 'usage' });
  const nodes = {
    old: [sender, await startNode(old.XB)],
    young: [await startNode(young.XA), await startNode(young.XB)],
  };
  try {
    say(`${rounds} rounds beside a node without a past`);
    const turns = {};
    for (const [name, [from]] of Object.entries(nodes)) {
      turns[name] = () => turn(from, IN_FLIGHT, turnMs);
      turns[`${name}Alone`] = () => turn(from, 1, turnMs);
    }
    const results = await interleave(turns, rounds);
    const ratio = (name, of) =>
      median(results[name].map((one, i) => one[of] / results[name.replace('old', 'young')][i][of]));
    const { rssMiB: rssAfterMiB } = await sender.ask({ act: 'usage' });
    return { startMs, rssMiB, rssAfterMiB, cpuRatio: ratio('old', 'cpuUs'), p50Ratio: ratio('oldAlone', 'p50Ms') };
  } finally {
    await Promise.all(
      Object.values(nodes)
        .flat()
        .map((node) => node.stop()),
    );
  }
}

async function turn(sender, inFlight, forMs) {
  const { count, cpuUs, latencies } = await sender.ask({
    act: 'send',
    to: 'XB',
    inFlight,
    forMs,
    bytes: MESSAGE_BYTES,
  });
  return { cpuUs: cpuUs / count, p50Ms: percentile(latencies, 0.5) };
}

function report(measured, cases) {
  const result = { cases };
  for (const [size, one] of Object.entries(measured)) {
    result[size] = Object.fromEntries(Object.entries(one).map(([name, value]) => [name, round(value)]));
  }
  const lines = Object.entries(result)
    .filter(([name]) => name !== 'cases')
    .map(([size, { startMs, rssMiB, rssAfterMiB, cpuRatio, p50Ratio }]) => {
      const cost =
        cpuRatio === undefined
          ? ''
          : `; a message costs ${cpuRatio} × the CPU and ${p50Ratio} × the p50 of a young node; ${rssAfterMiB} MiB after`;
      return `${size.padStart(8)} entries   starts in ${startMs} ms, ${rssMiB} MiB${cost}`;
    });
  return { result, lines: [`${cases} cases beside the larger two`, ...lines] };
}
