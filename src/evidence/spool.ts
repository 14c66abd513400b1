/**
 * A file on its way to being whole: sealed chunks in order, and beside them their leaf hashes. Both files only grow; after a crash the
 * spool is what its leaves say, checked against the chunks that may not have reached the disk.
 */
import { access, constants, mkdir, open, readFile, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes, replaceFile } from '../base/mod.ts';
import { MerkleTiles, leafHash } from '../ledger/mod.ts';
import type { SpoolFiles } from './chunk-order.ts';
import { openDirect } from './direct-file.ts';
import { EvidenceError } from './error.ts';
import { TAG_BYTES, plainLength, sealedOffset, type Geometry } from './geometry.ts';

const LEAF_BYTES = 32;
const LEAVES_PER_READ = 4096;
// Little enough that the disk works all the time, and nobody waits for it at the end.
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;
// How much is durable is written down seldom: it says only what need not be read again after a power cut.
const MARK_EVERY_CHUNKS = 512;
const SECRET_MODE = 0o600;

/** Where a spool has its files. */
export function spoolPaths(folder: string): { readonly data: string; readonly leaves: string; readonly mark: string } {
  return { data: join(folder, 'data'), leaves: join(folder, 'leaves'), mark: join(folder, 'synced') };
}

/** One file on its way. */
export class Spool {
  readonly folder: string;
  readonly #data: FileHandle;
  readonly #direct: FileHandle | undefined;
  readonly #leaves: FileHandle;
  readonly #tree: MerkleTiles;
  #failure: unknown;
  #count: number;
  #settled: number;
  #marked: number;
  #unsynced = 0;
  #syncing: Promise<void> | undefined;

  private constructor(
    folder: string,
    files: readonly [FileHandle, FileHandle],
    direct: FileHandle | undefined,
    tree: MerkleTiles,
  ) {
    this.folder = folder;
    [this.#data, this.#leaves] = files;
    this.#direct = direct;
    this.#tree = tree;
    this.#count = tree.size;
    this.#settled = tree.size;
    this.#marked = tree.size;
  }

  /**
   * Opens the spool in a folder, or begins one.
   * @param geometry of the whole file; undefined while nobody knows how long it will be
   * @throws {EvidenceError} EVIDENCE_NO_SPACE, EVIDENCE_STORE_FAILED where nothing can be made or opened; and whatever reading throws
   */
  static async open(folder: string, chunkBytes: number, geometry?: Geometry): Promise<Spool> {
    const paths = spoolPaths(folder);
    const files = await openFiles(folder);
    const tree = new MerkleTiles(() => Promise.reject(new TypeError('a spool looks at its right edge only')));
    try {
      const mark = Number(await readFile(paths.mark, 'utf8').catch(() => '0'));
      await recover(files, geometry ?? { size: Infinity, chunkBytes, chunkCount: Infinity }, mark, tree);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
    return new Spool(folder, files, geometry === undefined ? undefined : await openDirect(paths.data, 'w'), tree);
  }

  /** Chunks that are here. */
  get count(): number {
    return this.#count;
  }

  /** Where the thread writes the chunks and their leaf hashes. */
  get files(): SpoolFiles {
    return { data: this.#data.fd, direct: this.#direct?.fd, leaves: this.#leaves.fd };
  }

  /**
   * The next sealed chunk, of so many bytes, is being written, and its leaf hash has been.
   * @param settled chunks, from the first, that are in the file already
   * @throws whatever syncing throws, once, for ever
   */
  written(leaf: Uint8Array, length: number, settled: number): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
    this.#tree.append([leaf]);
    this.#count++;
    this.#settled = settled;
    this.#unsynced += length;
    if (this.#unsynced < SYNC_EVERY_BYTES || this.#syncing !== undefined) return;
    this.#unsynced = 0;
    this.#syncing = this.#sync(this.#settled, MARK_EVERY_CHUNKS)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  /** The RFC 6962 root over the chunks that are here. */
  root(): Promise<Uint8Array> {
    return this.#tree.rootAt();
  }

  /** Makes all that was added durable; the line of the chunks has ended. @throws whatever writing throws */
  async flush(): Promise<void> {
    await this.#syncing;
    await this.#sync(this.#count, 1);
  }

  async close(): Promise<void> {
    await this.#syncing;
    await Promise.all([this.#data.close(), this.#leaves.close(), this.#direct?.close()]);
  }

  async #sync(upTo: number, markEvery: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure as Error;
    await this.#data.datasync();
    if (upTo - this.#marked < markEvery) return;
    // Leaves that a power cut takes are chunks to fetch again, as those behind the mark may be anyway.
    await this.#leaves.datasync();
    this.#marked = upTo;
    await replaceFile(spoolPaths(this.folder).mark, String(upTo), SECRET_MODE);
  }
}

/** Asks whether spools can be begun in a folder, there or still to be made. @throws {EvidenceError} EVIDENCE_STORE_FAILED */
export async function requireWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const isToBeMade = (error as { readonly code?: unknown }).code === 'ENOENT' && dirname(folder) !== folder;
    if (!isToBeMade) throw unwritable(folder, error);
    await requireWritable(dirname(folder));
  }
}

/** Both files of a spool, or none. */
async function openFiles(folder: string): Promise<readonly [FileHandle, FileHandle]> {
  const paths = spoolPaths(folder);
  const flags = constants.O_RDWR | constants.O_CREAT;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const data = await open(paths.data, flags, SECRET_MODE);
    const leaves = await open(paths.leaves, flags, SECRET_MODE).catch(async (error: unknown) => {
      await data.close();
      throw error;
    });
    return [data, leaves];
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/** Nothing was written yet that could be half there: a disk that is away, or read-only, may be well again later. */
function unwritable(folder: string, error: unknown): unknown {
  const told = spaceError(error);
  if (told instanceof EvidenceError) return told;
  const { code } = error as { readonly code?: unknown };
  const reason = typeof code === 'string' ? code : 'it failed';
  return new EvidenceError('EVIDENCE_STORE_FAILED', `${folder} cannot be written: ${reason}.`, { cause: error });
}

/** Removes a spool and all that is in it. */
export async function discardSpool(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Bytes of chunks that are in a spool, as near as can be told without reading them; 0 where there is none. */
export async function spooledBytes(folder: string, chunkBytes: number): Promise<number> {
  const { data, leaves } = spoolPaths(folder);
  const sizes = await Promise.all([stat(data), stat(leaves)]).catch(() => undefined);
  if (sizes === undefined) return 0;
  return Math.min(sizes[0].size, Math.floor(sizes[1].size / LEAF_BYTES) * chunkBytes);
}

/** Names of the spools in a folder. */
export async function listSpools(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Takes over the leaves whose chunks are there, and cuts off the rest. */
async function recover(
  [data, leaves]: readonly [FileHandle, FileHandle],
  geometry: Geometry,
  mark: number,
  tree: MerkleTiles,
): Promise<void> {
  const { size: dataSize } = await data.stat();
  const { size: leavesSize } = await leaves.stat();
  const listed = Math.min(Math.floor(leavesSize / LEAF_BYTES), geometry.chunkCount);
  for (let start = 0; start < listed; start += LEAVES_PER_READ) {
    const hashes = Buffer.alloc(Math.min(LEAVES_PER_READ, listed - start) * LEAF_BYTES);
    await leaves.read(hashes, 0, hashes.length, start * LEAF_BYTES);
    for (let i = 0; i < hashes.length / LEAF_BYTES; i++) {
      const leaf = hashes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES);
      const index = start + i;
      const offset = sealedOffset(geometry, index);
      const length = plainLength(geometry, index) + TAG_BYTES;
      const isThere = offset + length <= dataSize && (index < mark || (await matches(data, offset, length, leaf)));
      if (!isThere) return truncate([data, leaves], geometry, tree.size);
      tree.append([new Uint8Array(leaf)]);
    }
  }
  await truncate([data, leaves], geometry, tree.size);
}

async function matches(data: FileHandle, offset: number, length: number, leaf: Uint8Array): Promise<boolean> {
  const sealed = Buffer.alloc(length);
  const { bytesRead } = await data.read(sealed, 0, length, offset);
  return bytesRead === length && equalBytes(leafHash(sealed), leaf);
}

async function truncate(
  [data, leaves]: readonly [FileHandle, FileHandle],
  geometry: Geometry,
  count: number,
): Promise<void> {
  const whole = count === geometry.chunkCount ? geometry.size + count * TAG_BYTES : sealedOffset(geometry, count);
  await data.truncate(whole);
  await leaves.truncate(count * LEAF_BYTES);
}

/** @throws {EvidenceError} EVIDENCE_NO_SPACE for the errors of a full disk; anything else as it is */
export function spaceError(error: unknown): unknown {
  const { code } = error as { readonly code?: unknown };
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new EvidenceError('EVIDENCE_NO_SPACE', 'The disk is full.', { cause: error });
}
