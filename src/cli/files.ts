import { readFile, stat, writeFile } from 'node:fs/promises';
import { CliError } from './error.ts';

/** @throws {CliError} CLI_FILE_UNREADABLE */
export async function readInput(path: string, maxBytes = Number.MAX_SAFE_INTEGER): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new CliError('CLI_FILE_UNREADABLE', `${path} is ${size} bytes long; at most ${maxBytes} are read.`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('CLI_FILE_UNREADABLE', `Cannot read ${path}: ${reasonOf(cause)}.`, { cause });
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

/** @throws {CliError} CLI_FILE_UNWRITABLE */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (cause) {
    throw new CliError('CLI_FILE_UNWRITABLE', `Cannot write ${path}: ${reasonOf(cause)}.`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  switch ((cause as { readonly code?: unknown }).code) {
    case 'ENOENT':
      return 'there is no such file or folder';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return cause instanceof Error ? cause.message : 'it failed';
  }
}
