/** What the files of evidence ask of the disk, and what they leave open. */
import { mkdirSync, writeFileSync } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileObjects } from '../../src/evidence/file-objects.ts';
import { Spool, spoolPaths } from '../../src/evidence/spool.ts';
import { temporaryFolder } from '../kit/folder.ts';

/** Every file and folder that is opened from now on, and whether it was synced. */
function watchOpened(): { path: string; handle: FileHandle; isSynced: boolean }[] {
  const { open } = fs;
  const opened: ReturnType<typeof watchOpened> = [];
  fs.open = async (...args: Parameters<typeof open>) => {
    const handle = await open(...args);
    const one = { path: String(args[0]), handle, isSynced: false };
    opened.push(one);
    const sync = handle.sync.bind(handle);
    handle.sync = async () => {
      await sync();
      one.isSynced = true;
    };
    return handle;
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs.open = open;
    syncBuiltinESMExports();
  });
  return opened;
}

test('a spool of which only one file can be opened leaves none open', async () => {
  const folder = join(temporaryFolder(), 'spool');
  const opened = watchOpened();
  mkdirSync(spoolPaths(folder).leaves, { recursive: true });
  await expect(Spool.open(folder, 4096)).rejects.toMatchObject({ code: 'EVIDENCE_STORE_FAILED' });
  expect(opened.map(({ path, handle }) => [path, handle.fd])).toEqual([[spoolPaths(folder).data, -1]]);
});

test('an object that is there already is on disk under its name before the second copy goes', async () => {
  const folder = join(temporaryFolder(), 'objects');
  const name = 'ab'.repeat(32);
  // As a process leaves it that was killed between the rename and what makes it last.
  const path = join(folder, name.slice(0, 2), name.slice(2));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'sealed');
  const file = join(dirname(folder), 'data');
  writeFileSync(file, 'sealed');
  const opened = watchOpened();
  const objects = new FileObjects(folder);
  await objects.put(name, file);
  // So are the folders that the first object of all brings with it.
  const above = dirname(folder);
  const synced = (): string[] => opened.filter(({ isSynced }) => isSynced).map((one) => one.path);
  expect(synced()).toEqual([dirname(path), folder, above, dirname(above)]);
  opened.length = 0;
  writeFileSync(file, 'sealed');
  await objects.put(name, file);
  expect(synced()).toEqual([dirname(path), folder]);
});
