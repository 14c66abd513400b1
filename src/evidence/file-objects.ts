import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EvidenceError } from './error.ts';
import type { ObjectStore } from './object-store.ts';
import { spaceError } from './spool.ts';

const NAME = /^[0-9a-f]{64}$/;
// Whoever reads a file chunk by chunk must not open it as often.
const MAX_OPEN = 16;

/** Objects as files of one folder: `ab/cdef…`. The spool has to be on the same file system, so that taking over is a rename. */
export class FileObjects implements ObjectStore {
  readonly #folder: string;
  readonly #open = new Map<string, Promise<FileHandle>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(name: string, file: string): Promise<void> {
    const path = this.#pathOf(name);
    try {
      if ((await this.sizeOf(name)) !== undefined) {
        await rm(file, { force: true });
        return;
      }
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(file, path);
      for (const folder of [dirname(path), this.#folder]) await syncFolder(folder);
    } catch (error) {
      throw spaceError(error);
    }
  }

  async read(name: string, offset: number, into: readonly Uint8Array[]): Promise<void> {
    const file = await this.#handle(name);
    const { bytesRead } = await file.readv(into, offset);
    if (bytesRead !== into.reduce((sum, { length }) => sum + length, 0))
      throw new EvidenceError('EVIDENCE_CORRUPT', 'A stored file is shorter than it was.');
  }

  async sizeOf(name: string): Promise<number | undefined> {
    return stat(this.#pathOf(name)).then(
      ({ size }) => size,
      () => undefined,
    );
  }

  async delete(name: string): Promise<void> {
    const handle = this.#open.get(name);
    this.#open.delete(name);
    await (await handle?.catch(() => undefined))?.close();
    await rm(this.#pathOf(name), { force: true });
  }

  async *list(): AsyncIterable<string> {
    for (const prefix of await readdir(this.#folder).catch(() => [])) {
      for (const rest of await readdir(join(this.#folder, prefix)).catch(() => [])) {
        if (NAME.test(prefix + rest)) yield prefix + rest;
      }
    }
  }

  /** A rename leaves nothing half done. */
  discardUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }

  async close(): Promise<void> {
    const handles = [...this.#open.values()];
    this.#open.clear();
    for (const handle of handles) await (await handle.catch(() => undefined))?.close();
  }

  async #handle(name: string): Promise<FileHandle> {
    let handle = this.#open.get(name);
    if (handle === undefined) {
      handle = open(this.#pathOf(name), 'r').catch((cause: unknown) => {
        this.#open.delete(name);
        throw new EvidenceError('EVIDENCE_UNKNOWN', 'The content of this file is not here.', { cause });
      });
      const [oldest] = this.#open.keys();
      if (oldest !== undefined && this.#open.size >= MAX_OPEN) {
        const old = this.#open.get(oldest);
        this.#open.delete(oldest);
        void old?.then((file) => file.close()).catch(() => undefined);
      }
    }
    this.#open.delete(name);
    this.#open.set(name, handle);
    return handle;
  }

  #pathOf(name: string): string {
    if (!NAME.test(name)) throw new TypeError('not the name of an object');
    return join(this.#folder, name.slice(0, 2), name.slice(2));
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
