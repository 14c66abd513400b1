/** A disk that fails to keep what it was given, as the system tells of it: once to each who has opened the file, and never again. */
import { expect, test } from 'vitest';
import { quickFolder } from '../kit/folder.ts';
import { runCommand } from '../kit/process.ts';

// In a process of its own, because what asks the disk is taken from the system once and for all when the store is loaded.
const SCRIPT = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const told = new Set();
  let [hasFailed, flushes] = [false, 0];
  const flush = (descriptor) => {
    flushes++;
    if (!hasFailed || told.has(descriptor)) return;
    told.add(descriptor);
    throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  };
  fs.fdatasyncSync = flush;
  fs.fdatasync = (descriptor, done) => setImmediate(() => {
    try {
      flush(descriptor);
      done(null);
    } catch (error) {
      done(error);
    }
  });
  syncBuiltinESMExports();
  const [, folder, top] = process.argv;
  const { Segment } = await import(new URL('.build/store/segment.js', top));
  const { Flush } = await import(new URL('.build/store/flush.js', top));
  const segment = await Segment.create(folder, 1, new Uint8Array(32).fill(9), 1);
  const bytes = 300_000;
  const before = flushes;
  segment.append({ parts: [Buffer.alloc(bytes, 1)], bytes, smallBytes: bytes, operations: [] });
  hasFailed = true;
  // The zeros are flushed, and told.
  await segment.room(2 ** 30);
  const ofZeros = flushes - before;
  const answer = await segment.sync(new Flush()).then(() => 'kept', (error) => error.code);
  segment.close();
  console.log(JSON.stringify({ ofZeros, answer }));
`;

test('a record that the disk did not keep is not acknowledged, also where zeros ahead of it were flushed meanwhile', async () => {
  const top = new URL('../../', import.meta.url).href;
  const script = ['--input-type=module', '--eval', SCRIPT, quickFolder(), top];
  const { stdout, stderr } = await runCommand([process.execPath, ...script]).outcome;
  expect([stderr, JSON.parse(stdout)]).toEqual(['', { ofZeros: 1, answer: 'EIO' }]);
});
