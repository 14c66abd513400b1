import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openDirect, readDirect } from './direct-file.ts';
import { EvidenceError } from './error.ts';
import type { ObjectStore } from './object-store.ts';
import { spaceError } from './spool.ts';

const NAME = /^[0-9a-f]{64}$/;
// Whoever reads a file chunk by chunk must not open it as often.
const MAX_OPEN = 16;

/** A file that is open for reading, and again for reading past the page cache once that is asked for. */
interface OpenFile {
  readonly file: Promise<FileHandle>;
  direct: Promise<FileHandle | undefined> | undefined;
  /** Who reads it now: it is closed when it is let go of and nobody does any more. */
  readers: number;
  isLetGo: boolean;
}

/** Objects as files of one folder: `ab/cdef…`. The spool has to be on the same file system, so that taking over is a rename. */
export class FileObjects implements ObjectStore {
  readonly #folder: string;
  readonly #open = new Map<string, OpenFile>();
  #isClosed = false;
  #isKept = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(name: string, file: string): Promise<void> {
    const path = this.#pathOf(name);
    try {
      const isThere = (await this.sizeOf(name)) !== undefined;
      if (!isThere) {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(file, path);
      }
      // One that is there may be so since a process that was killed before it came as far as this.
      for (const folder of [dirname(path), this.#folder]) await syncFolder(folder);
      await this.#keepFolder();
      if (isThere) await rm(file, { force: true });
    } catch (error) {
      throw spaceError(error);
    }
  }

  async read(name: string, offset: number, into: readonly Uint8Array[], use?: 'ONCE'): Promise<void> {
    const open = this.#take(name);
    open.readers++;
    try {
      const file = await open.file;
      if (use === 'ONCE') {
        const direct = await (open.direct ??= openDirect(this.#pathOf(name), 'r'));
        if (direct !== undefined && (await readDirect(direct, offset, into))) return;
      }
      const { bytesRead } = await file.readv(into, offset).catch((cause: unknown) => {
        // Whatever stands there when it is asked for again is opened again.
        if (this.#open.get(name) === open) this.#open.delete(name);
        open.isLetGo = true;
        throw unreadable(cause);
      });
      if (bytesRead !== into.reduce((sum, { length }) => sum + length, 0))
        throw new EvidenceError('EVIDENCE_CORRUPT', 'A stored file is shorter than it was.');
    } finally {
      open.readers--;
      if (open.isLetGo && open.readers === 0) await closeFile(open);
    }
  }

  async sizeOf(name: string): Promise<number | undefined> {
    return stat(this.#pathOf(name)).then(
      ({ size }) => size,
      () => undefined,
    );
  }

  async delete(name: string): Promise<void> {
    const opened = this.#open.get(name);
    this.#open.delete(name);
    if (opened !== undefined) await letGo(opened);
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
    this.#isClosed = true;
    const files = [...this.#open.values()];
    this.#open.clear();
    for (const opened of files) await letGo(opened);
  }

  /** The folder itself is new where this is the first file ever, and so may be the one above it; once is enough. */
  async #keepFolder(): Promise<void> {
    if (this.#isKept) return;
    const above = dirname(this.#folder);
    for (const folder of [above, dirname(above)]) await syncFolder(folder);
    this.#isKept = true;
  }

  #take(name: string): OpenFile {
    const known = this.#open.get(name);
    const path = this.#pathOf(name);
    const opened: OpenFile = known ?? {
      file: open(path, 'r').catch((cause: unknown) => {
        if (this.#open.get(name) === opened) this.#open.delete(name);
        throw unreadable(cause);
      }),
      direct: undefined,
      readers: 0,
      // Who still reads when everything is closed has the file for that alone.
      isLetGo: this.#isClosed,
    };
    if (this.#isClosed) return opened;
    const [oldest] = this.#open.entries();
    if (known === undefined && oldest !== undefined && this.#open.size >= MAX_OPEN) {
      this.#open.delete(oldest[0]);
      letGo(oldest[1]).catch(() => undefined);
    }
    this.#open.delete(name);
    this.#open.set(name, opened);
    return opened;
  }

  #pathOf(name: string): string {
    if (!NAME.test(name)) throw new TypeError('not the name of an object');
    return join(this.#folder, name.slice(0, 2), name.slice(2));
  }
}

/** Nobody is to begin reading it any more. */
async function letGo(open: OpenFile): Promise<void> {
  open.isLetGo = true;
  if (open.readers === 0) await closeFile(open);
}

async function closeFile({ file, direct }: OpenFile): Promise<void> {
  const opened = await file.catch(() => undefined);
  await Promise.all([opened?.close(), direct?.then((handle) => handle?.close())]);
}

/** A file that is there and cannot be opened or read just now is not one that is gone: nobody is to give it up for that. */
function unreadable(cause: unknown): EvidenceError {
  const { code } = cause as { readonly code?: unknown };
  if (code === 'ENOENT')
    return new EvidenceError('EVIDENCE_UNKNOWN', 'The content of this file is not here.', { cause });
  const reason = typeof code === 'string' ? code : 'it failed';
  return new EvidenceError('EVIDENCE_STORE_FAILED', `A stored file cannot be read: ${reason}.`, { cause });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
