/** What a node with a hundred connected peers costs while nothing happens. */
import { setTimeout as wait } from 'node:timers/promises';
import { makeFederation, startNode, startProcess } from '../federation.mjs';
import { round } from '../measure.mjs';
import { inFolder } from '../rooms.mjs';

// Cosignatures of the entries that joining made have to be over: they are work, not idleness.
const SETTLE_MS = 25_000;

/** @param {{quick: boolean, say: (what: string) => void}} options */
export function run({ quick, say }) {
  return inFolder(async (folder) => {
    const [count, settleMs, watchMs] = quick ? [3, 500, 1000] : [100, SETTLE_MS, 30_000];
    const peers = Array.from({ length: count }, (_, i) => `XB-${i}`);
    say(`making ${count} peers, each with keys of its own`);
    const configs = await makeFederation(folder, ['XA', ...peers]);
    const node = await startNode(configs.XA);
    const crowd = await startProcess(
      'crowd.mjs',
      peers.map((code) => configs[code]),
    );
    try {
      say('waiting until all are connected');
      while ((await node.ask({ act: 'connected' })).count < count) await wait(200);
      await wait(settleMs);
      say(`watching for ${watchMs / 1000} s`);
      await node.ask({ act: 'mark' });
      await wait(watchMs);
      const { cpuUs, rssMiB } = await node.ask({ act: 'usage' });
      const result = { peers: count, cpuPercent: round(cpuUs / 10 / watchMs), rssMiB: round(rssMiB) };
      return { result, lines: [`${count} peers   ${result.cpuPercent} % of a core, ${result.rssMiB} MiB resident`] };
    } finally {
      await Promise.all([node.stop(), crowd.stop()]);
    }
  });
}
