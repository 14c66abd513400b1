import { lstat, open, readFile, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import type { RandomAccess } from '../audit/mod.ts';
import { RogatoryError, makeFolder } from '../base/mod.ts';
import { CliError } from './error.ts';

/** Longest file of a draft that is read: a payload of 512 KiB as JSON, with room for indentation and escapes. */
export const MAX_DRAFT_BYTES = 3 * 1024 * 1024;

/** @throws {CliError} CLI_FILE_UNREADABLE */
export async function readInput(path: string, maxBytes = Number.MAX_SAFE_INTEGER): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new CliError('CLI_FILE_UNREADABLE', `${path} is ${size} bytes long; at most ${maxBytes} are read.`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw unreadable(path, cause);
  }
}

/** @throws {CliError} CLI_FILE_UNREADABLE, CLI_NOT_JSON */
export async function readJsonInput(path: string, maxBytes: number): Promise<unknown> {
  const text = (await readInput(path, maxBytes)).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CliError(
      'CLI_NOT_JSON',
      `${path} is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}.`,
      { cause },
    );
  }
}

/**
 * Writes a file, in a folder that is made if it is not there; it is there under its name only when it is whole.
 * @throws {CliError} CLI_FILE_UNWRITABLE
 */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  await writeStream(path, Readable.from([bytes]));
}

/** A file that is read piece by piece; whoever opened it closes it. */
export interface InputFile extends RandomAccess {
  close(): Promise<void>;
}

/** @throws {CliError} CLI_FILE_UNREADABLE */
export async function openFile(path: string): Promise<InputFile> {
  try {
    const file = await open(path, 'r');
    const found = await file.stat();
    if (found.isDirectory()) {
      await file.close();
      throw Object.assign(new Error('a folder was to be read'), { code: 'EISDIR' });
    }
    const { size } = found;
    return {
      size,
      read: async (offset, length) => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        if (bytesRead !== length) throw new CliError('CLI_FILE_UNREADABLE', `${path} ends before it should.`);
        return bytes;
      },
      close: () => file.close(),
    };
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', `Cannot read ${path}: ${reasonOf(cause)}.`, { cause });
  }
}

/**
 * Writes bytes as they come, in a folder that is made if it is not there; the file is there under its name only when it is whole. What is
 * no file, such as a pipe, is written to as it is: replaced by a file, it would be gone.
 * @returns how many bytes there were
 * @throws {CliError} CLI_FILE_UNWRITABLE
 */
export async function writeStream(path: string, chunks: AsyncIterable<Uint8Array>, mode = 0o644): Promise<number> {
  const isOther = await stat(path).then(
    (found) => !found.isFile() && !found.isDirectory(),
    () => false,
  );
  // Where a link leads, so that it stays one.
  const target = await realpath(path).catch(() => path);
  const temporary = isOther ? undefined : `${target}.${process.pid}.part`;
  let written = 0;
  try {
    makeFolder(dirname(path));
    const file = temporary === undefined ? await open(path, 'w') : await openNew(temporary, mode);
    try {
      for await (const chunk of chunks) {
        await file.appendFile(chunk);
        written += chunk.length;
      }
      if (temporary !== undefined) await file.sync();
    } finally {
      await file.close();
    }
    if (temporary !== undefined) await rename(temporary, target);
    return written;
  } catch (cause) {
    // Where there can be no such file, there is none to remove.
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    if (cause instanceof RogatoryError) throw cause;
    throw unwritable(path, cause);
  }
}

/**
 * A process that was killed may have left a file of this name, and this one have its number. That file may be open to others, or a link to
 * another: neither is written into.
 */
async function openNew(path: string, mode: number): Promise<FileHandle> {
  await rm(path, { force: true });
  return open(path, 'wx', mode);
}

/**
 * Finds out that a file cannot be written before something is done that cannot be undone, and whose outcome is to be in that file.
 * @throws {CliError} CLI_FILE_UNWRITABLE
 */
export async function requireWritableFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw unwritable(path, Object.assign(new Error('a folder'), { code: 'EISDIR' }));
  if (found !== undefined && !found.isFile()) return;
  const probe = `${await realpath(path).catch(() => path)}.${process.pid}.part`;
  try {
    makeFolder(dirname(path));
    await (await openNew(probe, 0o600)).close();
  } catch (cause) {
    throw unwritable(path, cause);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/** @throws {CliError} CLI_FILE_UNWRITABLE for whatever is there already, and be it a link that leads nowhere */
export async function requireFree(path: string): Promise<void> {
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new CliError('CLI_FILE_UNWRITABLE', `${path} is there already.`);
}

/** The error of a file that cannot be read, with the reason in words. */
export function unreadable(path: string, cause: unknown): CliError {
  return new CliError('CLI_FILE_UNREADABLE', `Cannot read ${path}: ${reasonOf(cause)}.`, { cause });
}

/** The error of a file that cannot be written, with the reason in words. */
export function unwritable(path: string, cause: unknown): CliError {
  return new CliError('CLI_FILE_UNWRITABLE', `Cannot write ${path}: ${reasonOf(cause)}.`, { cause });
}

/**
 * What the system refused while a command was at a file of a person's choice, as that person can understand it.
 * @returns undefined for what is no such refusal: a fault of the program itself
 */
export function systemRefusal(error: unknown): CliError | undefined {
  if (!(error instanceof Error) || error instanceof RogatoryError) return undefined;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (path === undefined || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return undefined;
  if (syscall === 'connect' || syscall === 'listen') return undefined;
  const isRead = READING.has(syscall ?? '') && !ONLY_OF_WRITING.has(code);
  return isRead ? unreadable(path, error) : unwritable(path, error);
}

const READING = new Set(['open', 'read', 'stat', 'lstat', 'scandir', 'opendir', 'access', 'readlink', 'realpath']);
const ONLY_OF_WRITING = new Set(['EROFS', 'ENOSPC', 'EDQUOT', 'EEXIST']);

function reasonOf(cause: unknown): string {
  const { code, syscall } = cause as { readonly code?: unknown; readonly syscall?: unknown };
  switch (code) {
    case 'ENOENT':
      // What Node says where a folder cannot be made, and be it because the disk is read-only.
      return syscall === 'mkdir' ? 'the folder cannot be made where it would be' : 'there is no such file or folder';
    case 'ENOTDIR':
      return 'a part of the path is a file, not a folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'EEXIST':
      return syscall === 'mkdir' ? 'it is there already, and is no folder' : 'it is there already';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    case 'EROFS':
      return 'the disk is read-only';
    case 'ENAMETOOLONG':
      return 'the name is too long';
    default:
      return cause instanceof Error ? cause.message : 'it failed';
  }
}
