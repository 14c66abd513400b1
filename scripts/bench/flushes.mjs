/** Counts what this process makes the disk flush: synced batches of LevelDB, and every fsync and fdatasync of files and folders. */
import { open } from 'node:fs/promises';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';

let count = 0;

/** Flushes so far. */
export function flushes() {
  return count;
}

function counted(owner, name) {
  const original = owner[name];
  owner[name] = function (...args) {
    count++;
    return original.apply(this, args);
  };
}

const handle = await open(fileURLToPath(import.meta.url), 'r');
counted(Object.getPrototypeOf(handle), 'sync');
counted(Object.getPrototypeOf(handle), 'datasync');
await handle.close();
for (const name of ['fsync', 'fsyncSync', 'fdatasync', 'fdatasyncSync']) counted(fs, name);
// Named imports of node:fs see the change only after this.
(await import('node:module')).syncBuiltinESMExports();

const { batch } = Level.prototype;
Level.prototype.batch = function (...args) {
  const chained = batch.apply(this, args);
  const { write } = chained;
  if (write === undefined) return chained;
  chained.write = function (options) {
    if (options?.sync === true) count++;
    return write.call(this, options);
  };
  return chained;
};
