import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  mkdirSync,
  open,
  openSync,
  readSync,
  rename,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** A file or folder that is open. */
export interface OpenFile {
  writeFile(bytes: Uint8Array | string): Promise<void>;
  /** Writes over what is there, or after its end. */
  writeAt(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when what was written, or a folder's list of names, is on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file operations that a node's memory of what it has signed hangs on: Node's own, or those of a disk that a test lets fail. */
export interface Files {
  /** @returns the first folder that had to be made, if any */
  mkdir(path: string, options: { readonly recursive: true }): Promise<string | undefined>;
  open(path: string, flags: 'wx' | 'r' | 'r+', mode?: number): Promise<OpenFile>;
  readFile(path: string): Promise<Uint8Array>;
  /** Whether a file holds exactly these bytes; undefined where none can be read. */
  holds(path: string, bytes: Uint8Array): Promise<boolean | undefined>;
  readdir(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rm(path: string, options: { readonly recursive: true; readonly force: true }): Promise<void>;
}

const flush = promisify(fsync);
// Without the times of a file, which nobody reads: for what is written in place they would cost as much as the data.
const flushData = promisify(fdatasync);
const openAt = promisify(open);
const renameAt = promisify(rename);

/**
 * The machine's own files. Only what waits for the disk, or is long, goes through the thread pool: the other calls take microseconds, and
 * a turn of the pool takes longer. A new name is long: a file system may look through much of a disk for a place to describe a file.
 */
export const systemFiles: Files = {
  mkdir: async (path) => makeFolder(path),
  open: async (path, flags, mode) => {
    const descriptor = flags === 'wx' ? await openAt(path, flags, mode) : openSync(path, flags, mode);
    return {
      writeFile: async (bytes) => writeFileSync(descriptor, bytes),
      writeAt: async (bytes, position) => {
        for (let done = 0; done < bytes.length;)
          done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
      },
      sync: () => (flags === 'r' ? flush(descriptor) : flushData(descriptor)),
      close: async () => closeSync(descriptor),
    };
  },
  readFile,
  holds: async (path, bytes) => fileHolds(path, bytes),
  readdir,
  rename: renameAt,
  unlink: async (path) => unlinkSync(path),
  rm,
};

// Of thousands of files that are compared one after another, none is worth memory of its own.
const compared = Buffer.allocUnsafe(65_536);

function fileHolds(path: string, bytes: Uint8Array): boolean | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    if (fstatSync(descriptor).size !== bytes.length) return false;
    for (let at = 0; at < bytes.length;) {
      const count = readSync(descriptor, compared, 0, Math.min(compared.length, bytes.length - at), at);
      if (count === 0 || Buffer.compare(compared.subarray(0, count), bytes.subarray(at, at + count)) !== 0)
        return false;
      at += count;
    }
    return true;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Makes a folder and what is missing above it. Node's own recursive `mkdir` goes on for ever where the system makes no folder and calls it missing, as in
 * `/proc`.
 * @param mode permissions of what is made
 * @returns the first folder that had to be made, if any
 */
export function makeFolder(path: string, mode = 0o777): string | undefined {
  try {
    mkdirSync(path, { mode });
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A system may have other things to say of a folder that is there, such as the top one.
    if (code !== undefined && isFolder(path)) return undefined;
    const above = dirname(path);
    if (code !== 'ENOENT' || isFolder(above) || above === path) throw error;
    const first = makeFolder(above, mode);
    return makeFolder(path, mode) === undefined ? first : (first ?? path);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

let counter = 0;

/**
 * Replaces a file so that after a crash or a power cut it is the old one or the new one, whole; once this resolves, the new one.
 * @param mode permissions of the new file
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array | string,
  mode: number,
  files: Files = systemFiles,
): Promise<void> {
  const folder = dirname(path);
  const made = await files.mkdir(folder, { recursive: true });
  await renameInto(path, bytes, mode, files, (file) => file.sync());
  // The rename itself is only durable once the folder is, and a new folder only once the one above it is.
  await syncFolder(folder, files);
  for (let above = folder; made !== undefined; above = dirname(above)) {
    const parent = dirname(above);
    await syncFolder(parent, files);
    if (above === made || parent === above) return;
  }
}

/**
 * Replaces a file so that no reader sees a part of it. It reaches the disk whenever the system writes it: after a power cut it may be cut short or
 * missing. For what can be made again; flushes would make everybody wait who is about to answer for something. Its folder is there.
 * @param mode permissions of the new file
 */
export async function replaceFileUnsynced(
  path: string,
  bytes: Uint8Array | string,
  mode: number,
  files: Files = systemFiles,
): Promise<void> {
  await renameInto(path, bytes, mode, files, () => Promise.resolve());
}

async function renameInto(
  path: string,
  bytes: Uint8Array | string,
  mode: number,
  files: Files,
  bringToDisk: (file: OpenFile) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.${counter++}.tmp`;
  try {
    const file = await openNew(temporary, mode, files);
    try {
      await file.writeFile(bytes);
      await bringToDisk(file);
    } finally {
      await file.close();
    }
    await files.rename(temporary, path);
  } catch (error) {
    await files.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** A process that was killed may have left a file of this name, and this one have its number: in a container all of them do. */
async function openNew(path: string, mode: number, files: Files): Promise<OpenFile> {
  try {
    return await files.open(path, 'wx', mode);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'EEXIST') throw error;
    await files.unlink(path);
    return files.open(path, 'wx', mode);
  }
}

async function syncFolder(folder: string, files: Files): Promise<void> {
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
