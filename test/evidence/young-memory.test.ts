import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

// As small as V8 makes a process that has had nothing to do for a while, without the wait.
const SMALL = ['--max-semi-space-size=1', '--heap-growing-percent=1', '--expose-gc'];

/** A heap like a node's, and a gigabyte in pieces of a TLS record through it, of which some are always waiting; how often all was collected. */
const PASSING = `
  import { PerformanceObserver, constants } from 'node:perf_hooks';
  const { passed } = await import(process.argv[1]);
  const tell = process.argv[2] === 'told' ? passed : () => undefined;
  globalThis.heap = Array.from({ length: 150_000 }, (_, i) => ({ i, text: 'x' + i }));
  gc();
  let whole = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole++;
  });
  observer.observe({ entryTypes: ['gc'] });
  const waiting = [];
  for (let i = 0; i < 65_536; i++) {
    waiting[i % 400] = new Uint8Array(16_384);
    tell(16_384);
    if (i % 16 === 0) await new Promise(setImmediate);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.stdout.write(String(whole));
  process.exit();
`;

async function collections(told: 'told' | 'untold'): Promise<number> {
  const built = pathToFileURL('.build/evidence/young-memory.js').href;
  const args = [...SMALL, '--input-type=module', '-e', PASSING, built, told];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
}

it('lets a gigabyte pass through a node that was idle without going through all of its heap again and again', async () => {
  expect(await collections('untold')).toBeGreaterThan(10);
  // The first comes by the limit of before.
  expect(await collections('told')).toBeLessThanOrEqual(3);
}, 120_000);
