/**
 * One command at a time on a folder that several people may work on. Where two read and write the same file side by side, one change is lost
 * and both were told that theirs is done.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeFolder } from '../base/mod.ts';
import { NodeError } from './error.ts';

const LOCK = '.lock';
const WAIT_MS = 30_000;
const LOOK_MS = 25;

/** Who holds a lock: a process of a machine, at one occasion. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly turn: string;
}

// Two turns of one process wait for each other as two processes do.
const held = new Set<string>();

/**
 * Runs something while nobody else does in the same folder, which is made if it is not there. What a killed process left is taken away.
 * @throws {NodeError} NODE_FOLDER_BUSY when another does not come to its end
 */
export async function aloneIn<T>(folder: string, run: () => Promise<T>, waitMs = WAIT_MS): Promise<T> {
  makeFolder(folder, 0o700);
  const path = join(folder, LOCK);
  const own: Holder = { host: hostname(), pid: process.pid, turn: randomUUID() };
  held.add(own.turn);
  try {
    await take(path, own, waitMs);
    try {
      return await run();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    held.delete(own.turn);
  }
}

async function take(path: string, own: Holder, waitMs: number): Promise<void> {
  const until = Date.now() + waitMs;
  while (!(await wasFree(path, own))) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined && isLeft(text)) await takeAway(path, text, own);
    else if (Date.now() > until)
      throw new NodeError(
        'NODE_FOLDER_BUSY',
        `Another command is at work in this folder, or ended in the middle on another machine. If none is, remove ${path}.`,
      );
    else await pause(LOOK_MS);
  }
}

async function wasFree(path: string, own: Holder): Promise<boolean> {
  try {
    // A council's folder may be on a stick: without links, and without locks that the system would let go of.
    await writeFile(path, JSON.stringify(own), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether its holder is a process of this machine that is no more. */
function isLeft(text: string): boolean {
  let holder: Partial<Holder>;
  try {
    holder = JSON.parse(text) as Partial<Holder>;
  } catch {
    return false;
  }
  const { host, pid, turn } = holder;
  if (host !== hostname() || typeof pid !== 'number' || typeof turn !== 'string') return false;
  if (pid === process.pid) return !held.has(turn);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Another may have taken it away and be at work already: what is moved aside is looked at, and put back if it is not what was left. */
async function takeAway(path: string, left: string, { turn }: Holder): Promise<void> {
  const aside = `${path}.${turn}.left`;
  try {
    await rename(path, aside);
    const moved = await readFile(aside, 'utf8');
    if (moved !== left) await writeFile(path, moved, { flag: 'wx', mode: 0o600 }).catch(() => undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
