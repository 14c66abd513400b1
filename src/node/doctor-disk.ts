/** The part of the doctor that looks at files. */
import { open, readdir, stat, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeConfig } from '../config/mod.ts';
import type { Diagnosis } from './doctor.ts';

const MIB = 1024 * 1024;
const LOW_BYTES = 1024 * MIB;
const CRITICAL_BYTES = 100 * MIB;
const SLOW_SYNC_MS = 250;
const GROUP_AND_OTHERS = 0o077;
const GROUP_AND_OTHERS_WRITE = 0o022;

/** Private keys are for the node's own user alone, and nobody else may change what the node believes. */
export async function checkPermissions({ paths }: NodeConfig): Promise<Diagnosis[]> {
  const names = await readdir(paths.keys).catch(() => []);
  const secrets = names.filter((name) => /\.key$|^data-key\.json$/.test(name)).map((name) => join(paths.keys, name));
  const wide = [
    ...(await tooOpen([paths.keys, paths.store, paths.controlSocket, ...secrets], GROUP_AND_OTHERS, paths.store)),
    ...(await tooOpen([paths.dir, paths.config, paths.head, paths.manifest], GROUP_AND_OTHERS_WRITE)),
  ];
  if (wide.length === 0)
    return [{ check: 'permissions', level: 'ok', text: 'keys and configuration are the node’s own user’s' }];
  return wide.map(({ path, mode }) => ({
    check: 'permissions',
    level: 'fail',
    text: `${path} has mode ${mode.toString(8).padStart(4, '0')}: others can get at it`,
    advice: `chmod go-rwx ${path}`,
  }));
}

async function tooOpen(
  paths: readonly string[],
  forbidden: number,
  onlyWrite?: string,
): Promise<{ readonly path: string; readonly mode: number }[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const mode = await stat(path).then(
        (stats) => stats.mode & 0o777,
        () => undefined,
      );
      // The store's values are encrypted; who can write to it can only break it.
      const bad = path === onlyWrite ? GROUP_AND_OTHERS_WRITE : forbidden;
      return mode === undefined || (mode & bad) === 0 ? [] : [{ path, mode }];
    }),
  );
  return found.flat();
}

/** Room, and whether what is written reaches the disk. */
export async function checkDisk({ paths }: NodeConfig): Promise<Diagnosis[]> {
  const { bavail, bsize } = await statfs(paths.dir);
  const free = bavail * bsize;
  const room = `${Math.floor(free / MIB).toLocaleString('en')} MiB free`;
  const level = free < CRITICAL_BYTES ? 'fail' : free < LOW_BYTES ? 'warn' : 'ok';
  const advice =
    level === 'ok'
      ? {}
      : { advice: 'Make room, or move the node’s folder to a larger disk: without room it stops receiving.' };
  return [{ check: 'disk', level, text: room, ...advice }, await probeWrite(paths.dir)];
}

async function probeWrite(dir: string): Promise<Diagnosis> {
  const path = join(dir, `.doctor-${process.pid}`);
  const start = performance.now();
  // One that was killed in here may have had the same number: in a container it is always the same few.
  await unlink(path).catch(() => undefined);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile('probe');
      await file.sync();
    } finally {
      await file.close();
      await unlink(path);
    }
  } catch (error) {
    const { code = 'failed' } = error as { readonly code?: string };
    const advice =
      'The node’s user needs to write here: look at the owner, at “mount”, and at the system’s log for disk errors.';
    return { check: 'disk', level: 'fail', text: `nothing can be written and synced in ${dir} (${code})`, advice };
  }
  const ms = Math.round(performance.now() - start);
  if (ms < SLOW_SYNC_MS) return { check: 'disk', level: 'ok', text: `writes and syncs in ${ms} ms` };
  return {
    check: 'disk',
    level: 'note',
    text: `a write took ${ms} ms to be synced: this bounds the messages per second`,
  };
}
