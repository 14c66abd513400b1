/** The space for what is young, in a process of its own: what grew once cannot be made small. */
import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Much of what is made stays for a while; prints how large the space was at most, in MiB. */
const MAKING = `
  import { getHeapSpaceStatistics } from 'node:v8';
  const { boundYoungSpace } = await import(process.argv[1]);
  if (process.argv[2] === 'bounded') boundYoungSpace();
  const kept = [];
  let most = 0;
  for (let round = 0; round < 150; round++) {
    for (let i = 0; i < 20_000; i++) kept[(i * 7919 + round) % 60_000] = { i, list: [i, round], text: 'x' + i };
    await new Promise((resolve) => setTimeout(resolve, 1));
    most = Math.max(most, getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size);
  }
  process.stdout.write(String(most / 2 ** 20));
`;

async function mostMiB(how: 'bounded' | 'free', ...options: readonly string[]): Promise<number> {
  const built = pathToFileURL('.build/node/young-space.js').href;
  const args = [...options, '--input-type=module', '-e', MAKING, built, how];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
}

test('grows to twice eight mebibytes, and would grow to more', async () => {
  // A page more or less is the version's.
  const bounded = await mostMiB('bounded');
  expect(bounded).toBeGreaterThanOrEqual(16);
  expect(bounded).toBeLessThan(24);
  expect(await mostMiB('free')).toBeGreaterThanOrEqual(32);
});

test('is as large as whoever started the process has said', async () => {
  expect(await mostMiB('bounded', '--max-semi-space-size=16')).toBeGreaterThanOrEqual(32);
});
