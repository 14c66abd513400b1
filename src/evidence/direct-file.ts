/** Files that are opened so that their bytes go between disk and memory directly, where the system and its file system can. */
import { constants, open, type FileHandle } from 'node:fs/promises';
import { AlignedBlocks, PAGE_BYTES } from './aligned-blocks.ts';

// Eight chunks of the usual length, wherever in a page they begin.
const BLOCK_BYTES = 2 * 1024 * 1024 + 64 * 1024;
// What is read beyond that goes through the page cache.
const MAX_AT_ONCE = 4;

const blocks = new AlignedBlocks(BLOCK_BYTES, MAX_AT_ONCE);

/** Undefined where files cannot be opened like this: not every system has it, nor every file system. */
export function openDirect(path: string, access: 'r' | 'w'): Promise<FileHandle | undefined> {
  const { O_DIRECT, O_RDONLY, O_WRONLY } = constants;
  if (!('O_DIRECT' in constants)) return Promise.resolve(undefined);
  return open(path, O_DIRECT | (access === 'r' ? O_RDONLY : O_WRONLY)).catch(() => undefined);
}

/**
 * Fills buffers with bytes that follow each other, past the page cache.
 * @param file opened with {@link openDirect}
 * @returns whether they are filled; false says nothing about the file, which is then to be read as files are
 */
export async function readDirect(file: FileHandle, offset: number, into: readonly Uint8Array[]): Promise<boolean> {
  const wanted = into.reduce((sum, { length }) => sum + length, 0);
  const start = offset - (offset % PAGE_BYTES);
  const length = Math.ceil((offset + wanted - start) / PAGE_BYTES) * PAGE_BYTES;
  const block = length > BLOCK_BYTES ? undefined : blocks.take();
  if (block === undefined) return false;
  try {
    const { bytesRead } = await file.read(block, 0, length, start);
    let at = offset - start;
    if (bytesRead < at + wanted) return false;
    for (const piece of into) {
      piece.set(block.subarray(at, at + piece.length));
      at += piece.length;
    }
    return true;
  } catch {
    return false;
  } finally {
    blocks.give(block);
  }
}
