import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** What a figure has to be read with. */
export function machine() {
  return {
    node: process.versions.node,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Math.round(loadavg()[0] * 100) / 100,
  };
}
