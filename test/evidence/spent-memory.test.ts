import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** A thread that has more to do than it can has its first turn for as long as that lasts. */
const FIRST_TURN = `
  const { discard } = await import(process.argv[1]);
  const before = process.memoryUsage.rss();
  let left = 0;
  for (let i = 0; i < 512; i++) {
    const piece = new Uint8Array(2 ** 20).fill(1);
    discard(piece);
    left += piece.length;
  }
  process.stdout.write(JSON.stringify({ left, grown: process.memoryUsage.rss() - before }));
`;

it('gives memory back within the turn in which it is spent', async () => {
  const built = pathToFileURL('.build/evidence/spent-memory.js').href;
  const args = ['--input-type=module', '-e', FIRST_TURN, built];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { left, grown } = JSON.parse(stdout) as { left: number; grown: number };
  expect(left).toBe(0);
  expect(grown).toBeLessThan(64 * 1024 * 1024);
}, 120_000);
