/**
 * A disk in memory whose every operation can be the last one, and which forgets in a power cut what was not flushed: of a file that was
 * not synced any beginning may be left, of pages written in place any, of a folder that was not synced any of its new names may be missing.
 */
import { basename, dirname } from 'node:path';
import { equalBytes, type Files, type OpenFile } from '../../src/base/mod.ts';
import type { Batch, Put, ScanOptions, Store } from '../../src/store/mod.ts';
import { MemoryStore } from '../../src/store/mod.ts';
import type { FaultMoment } from './faulty-store.ts';
import type { Random } from './random.ts';

/** Lets a number of operations pass, fails the next, and every one after it, as a process that is about to die would see it. */
export class Fuse {
  #left: number;
  readonly #moment: FaultMoment;
  /** Names of the operations, the failing one last. */
  readonly log: string[] = [];

  constructor(left: number, moment: FaultMoment) {
    this.#left = left;
    this.#moment = moment;
  }

  get hasBlown(): boolean {
    return this.#left < 0;
  }

  async step<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    if (this.hasBlown) throw new Error('injected: the process is dead');
    this.log.push(name);
    if (this.#left-- > 0) return act();
    if (this.#moment === 'after') await act();
    throw new Error(`injected: ${name} failed`);
  }
}

interface Inode {
  bytes: Uint8Array;
  /** What is left after a power cut, at least. */
  synced: Uint8Array | undefined;
}

const FOLDER = 'folder';
const PAGE_BYTES = 4096;
type Names = Map<string, Inode | typeof FOLDER>;

/** Files and a store that survive the processes that use them. */
export class MemoryDisk {
  #names: Names = new Map([['/', FOLDER]]);
  #syncedNames: Names = new Map([['/', FOLDER]]);
  #batches: Batch[] = [];
  #syncedBatches = 0;
  #store = new MemoryStore();

  /** The disk as one process sees it. */
  mount(fuse: Fuse): { readonly files: Files; readonly store: Store } {
    return { files: this.#files(fuse), store: this.#mountStore(fuse) };
  }

  /** Every path that is there. */
  get paths(): string[] {
    return [...this.#names.keys()];
  }

  /** Forgets what was not flushed, or as much of it as chance has it. */
  async cutPower(random: Random): Promise<void> {
    const left: Names = new Map();
    for (const path of new Set([...this.#syncedNames.keys(), ...this.#names.keys()])) {
      const [before, after] = [this.#syncedNames.get(path), this.#names.get(path)];
      const found = before === after || random.below(2) === 0 ? after : before;
      if (found !== undefined) left.set(path, found);
    }
    // A name whose folder is gone is gone with it.
    for (const path of [...left.keys()].sort()) {
      const isReachable = path === '/' || left.get(dirname(path)) === FOLDER;
      if (!isReachable) left.delete(path);
    }
    for (const inode of left.values()) if (inode !== FOLDER) loseUnsynced(inode, random);
    this.#names = left;
    this.#syncedNames = new Map(left);
    this.#batches = this.#batches.slice(
      0,
      this.#syncedBatches + random.below(this.#batches.length - this.#syncedBatches + 1),
    );
    this.#syncedBatches = this.#batches.length;
    this.#store = new MemoryStore();
    for (const { puts, deletes } of this.#batches) await this.#store.commit({ puts, deletes });
  }

  #mountStore(fuse: Fuse): Store {
    return {
      get: (key) => this.#store.get(key),
      getMany: (keys) => this.#store.getMany(keys),
      scan: (prefix: string, options?: ScanOptions): AsyncIterable<Put> => this.#store.scan(prefix, options),
      commit: (batch) =>
        fuse.step(batch.durable === false ? 'store write' : 'store write, synced', async () => {
          await this.#store.commit(batch);
          this.#batches.push(batch);
          // One log: what is synced is on disk with all that was written before it.
          if (batch.durable !== false) this.#syncedBatches = this.#batches.length;
        }),
      close: () => Promise.resolve(),
    };
  }

  #files(fuse: Fuse): Files {
    const nameOf = (path: string): string => path.replace(/\.[0-9]+\.[0-9]+\.tmp$/, '.tmp');
    return {
      mkdir: async (path) => {
        let made: string | undefined;
        for (let folder = path; !this.#names.has(folder); folder = dirname(folder)) made = folder;
        if (made === undefined) return undefined;
        await fuse.step(`mkdir ${made}`, () => {
          for (let folder = path; !this.#names.has(folder); folder = dirname(folder)) this.#names.set(folder, FOLDER);
        });
        return made;
      },
      open: async (path, flags) => {
        if (flags !== 'wx') return this.#openFile(fuse, path, this.#found(path));
        return fuse.step(`create ${nameOf(path)}`, () => {
          const inode: Inode = { bytes: new Uint8Array(), synced: undefined };
          if (this.#names.has(path)) throw new Error(`EEXIST ${path}`);
          this.#names.set(path, inode);
          return this.#openFile(fuse, path, inode);
        });
      },
      readFile: (path) => {
        const inode = this.#names.get(path);
        if (inode === undefined || inode === FOLDER) return Promise.reject(new Error(`ENOENT ${path}`));
        return Promise.resolve(inode.bytes.slice());
      },
      holds: (path, bytes) => {
        const inode = this.#names.get(path);
        return Promise.resolve(inode === undefined || inode === FOLDER ? undefined : equalBytes(inode.bytes, bytes));
      },
      readdir: (path) => {
        const names = this.paths.filter((name) => name !== '/' && dirname(name) === path).map((name) => basename(name));
        return Promise.resolve(names);
      },
      rename: (from, to) =>
        fuse.step(`rename to ${to}`, () => {
          this.#names.set(to, this.#found(from));
          this.#names.delete(from);
        }),
      unlink: (path) =>
        fuse.step(`unlink ${nameOf(path)}`, () => {
          this.#names.delete(path);
        }),
      rm: (path) => {
        const doomed = this.paths.filter((name) => name === path || name.startsWith(`${path}/`));
        if (doomed.length === 0) return Promise.resolve();
        return fuse.step(`remove ${path}`, () => {
          for (const name of doomed) this.#names.delete(name);
        });
      },
    };
  }

  #found(path: string): Inode | typeof FOLDER {
    const found = this.#names.get(path);
    if (found === undefined) throw new Error(`ENOENT ${path}`);
    return found;
  }

  #openFile(fuse: Fuse, path: string, inode: Inode | typeof FOLDER): OpenFile {
    return {
      writeFile: (bytes) =>
        fuse.step('write', () => {
          if (inode !== FOLDER) inode.bytes = new Uint8Array(Buffer.from(bytes));
        }),
      writeAt: (bytes, position) =>
        fuse.step(`write in ${path}`, () => {
          if (inode !== FOLDER) inode.bytes = overwritten(inode.bytes, bytes, position);
        }),
      sync: () =>
        fuse.step(inode === FOLDER ? `sync ${path}` : 'sync file', () => {
          if (inode === FOLDER) this.#syncFolder(path);
          else inode.synced = inode.bytes.slice();
        }),
      close: () => Promise.resolve(),
    };
  }

  #syncFolder(folder: string): void {
    const isIn = (path: string): boolean => path !== '/' && dirname(path) === folder;
    for (const path of [...this.#syncedNames.keys()]) if (isIn(path)) this.#syncedNames.delete(path);
    for (const [path, inode] of this.#names) if (isIn(path)) this.#syncedNames.set(path, inode);
  }
}

function loseUnsynced(inode: Inode, random: Random): void {
  if (inode.synced === undefined) inode.bytes = inode.bytes.slice(0, random.below(inode.bytes.length + 1));
  else inode.bytes = tornBetween(inode.synced, inode.bytes, random);
  inode.synced = inode.bytes;
}

// Of pages written in place each may be on disk or not, and of one of them only a beginning may.
function tornBetween(before: Uint8Array, after: Uint8Array, random: Random): Uint8Array {
  if (before.length !== after.length) return random.below(2) === 0 ? before : after;
  const left = before.slice();
  for (let at = 0; at < after.length; at += PAGE_BYTES) {
    const length = random.pick([0, PAGE_BYTES, random.below(PAGE_BYTES)]);
    left.set(after.subarray(at, at + length), at);
  }
  return left;
}

function overwritten(before: Uint8Array, bytes: Uint8Array, position: number): Uint8Array {
  const after = new Uint8Array(Math.max(before.length, position + bytes.length));
  after.set(before);
  after.set(bytes, position);
  return after;
}
