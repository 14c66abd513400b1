/**
 * Files of evidence at one node, always sealed: taken in from a person, received chunk by chunk from a peer, and read back. Memory does
 * not depend on a file's size.
 */
import { createHash } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, equalBytes, type Uuid } from '../base/mod.ts';
import type { EvidenceFile } from '../wire/mod.ts';
import { ChunkCrew } from './chunk-crew.ts';
import { ChunkCipher, FILE_KEY_BYTES } from './chunk.ts';
import { EvidenceError } from './error.ts';
import {
  DEFAULT_CHUNK_BYTES,
  geometryOf,
  sealedLength,
  sealedOffset,
  sealedSize,
  verifyGeometry,
  type Geometry,
} from './geometry.ts';
import type { ObjectStore } from './object-store.ts';
import { Receiving } from './receiving.ts';
import { Sealing } from './sealing.ts';
import { Spool, discardSpool, listSpools, requireWritable, spaceError, spoolPaths, spooledBytes } from './spool.ts';
import { passed, passing } from './young-memory.ts';

/** What a person says of a file that is taken in. */
export interface FileLabel {
  readonly file_id: Uuid;
  readonly name: string;
  readonly media_type: string;
}

/** What a vault is made of. */
export interface VaultOptions {
  readonly objects: ObjectStore;
  /** Folder for files on their way; on the file system of file objects. */
  readonly spool: string;
  readonly random: (bytes: number) => Uint8Array;
  /** Bytes that are free where the spool is; the file system's word when left out. */
  readonly freeBytes?: () => Promise<number>;
}

/** Told how many bytes of the plaintext are done. */
export type OnBytes = (done: number) => void;

// Room that stays free: a node that cannot write its ledger is worth less than one that refuses a file.
const RESERVE_BYTES = 256 * 1024 * 1024;
// Between two looks at what is free, less is written than the reserve.
const CHUNKS_PER_LOOK = 64;
// Two megabytes: the disk is as fast with them as it can be.
const CHUNKS_PER_READ = 8;

/** All evidence of a node. */
export class Vault {
  readonly #objects: ObjectStore;
  readonly #spool: string;
  readonly #random: VaultOptions['random'];
  readonly #freeBytes: () => Promise<number>;
  readonly #crew = new ChunkCrew();

  constructor({ objects, spool, random, freeBytes }: VaultOptions) {
    this.#freeBytes =
      freeBytes ??
      (() =>
        statfs(spool).then(
          ({ bavail, bsize }) => bavail * bsize,
          () => Infinity,
        ));
    this.#objects = objects;
    this.#spool = spool;
    this.#random = random;
  }

  /**
   * Takes in a file: one pass over it makes its digest, its sealed chunks and their root.
   * @throws {EvidenceError} EVIDENCE_EMPTY, EVIDENCE_NO_SPACE, EVIDENCE_STORE_FAILED
   */
  async add(
    source: AsyncIterable<Uint8Array>,
    label: FileLabel,
    options: { readonly chunkBytes?: number; readonly onBytes?: OnBytes } = {},
  ): Promise<EvidenceFile> {
    const { chunkBytes = DEFAULT_CHUNK_BYTES, onBytes } = options;
    const key = this.#random(FILE_KEY_BYTES);
    const folder = join(this.#spool, label.file_id);
    await requireWritable(this.#spool);
    await discardSpool(folder);
    const spool = await Spool.open(folder, chunkBytes);
    const line = { crew: this.#crew, spool, fileKey: key, fileId: label.file_id, chunkBytes };
    const sealing = new Sealing(line, async (next) => {
      if (next % CHUNKS_PER_LOOK === 0) await this.#requireSpace(chunkBytes);
    });
    try {
      for await (const piece of source) {
        await sealing.add(piece);
        onBytes?.(sealing.size);
      }
      if (sealing.size === 0)
        throw new EvidenceError('EVIDENCE_EMPTY', `${label.name} is empty: there is nothing to keep.`);
      const sha256 = await sealing.finish();
      await spool.flush();
      const root = await spool.root();
      await this.#objects.put(bytesToHex(root), spoolPaths(folder).data);
      const { chunkCount } = geometryOf(sealing.size, chunkBytes);
      return { ...label, size: sealing.size, sha256, chunk_bytes: chunkBytes, chunk_count: chunkCount, root, key };
    } catch (error) {
      throw spaceError(error);
    } finally {
      await sealing.close();
      await spool.close();
      await discardSpool(folder);
    }
  }

  /**
   * Goes on with receiving a file, or begins.
   * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_NO_SPACE, EVIDENCE_STORE_FAILED
   */
  async receive(file: EvidenceFile): Promise<Receiving> {
    const geometry = geometryOrThrow(file);
    const folder = join(this.#spool, file.file_id);
    const spool = await Spool.open(folder, geometry.chunkBytes, geometry).catch((error: unknown) => {
      throw spaceError(error);
    });
    const missing = sealedSize(geometry) - sealedOffset(geometry, spool.count);
    try {
      await this.#requireSpace(missing);
    } catch (error) {
      await spool.close();
      throw error;
    }
    // Others fill the same disk meanwhile.
    const look = async (next: number): Promise<void> => {
      if (next % CHUNKS_PER_LOOK === 0) await this.#requireSpace(sealedSize(geometry) - sealedOffset(geometry, next));
    };
    return new Receiving({ file, geometry, spool, look, objects: this.#objects, crew: this.#crew });
  }

  /** Bytes of the plaintext of a file on its way that are here, whether it moves or not. */
  async heldBytes({ file_id: id, size, chunk_bytes: chunkBytes }: EvidenceFile): Promise<number> {
    return Math.min(size, await spooledBytes(join(this.#spool, id), chunkBytes));
  }

  /** Whether the whole of a file rests here. */
  async holds(file: EvidenceFile): Promise<boolean> {
    return (await this.#objects.sizeOf(bytesToHex(file.root))) === sealedSize(geometryOrThrow(file));
  }

  /** Bytes of one sealed chunk. @throws {EvidenceError} EVIDENCE_MALFORMED */
  sealedLength(file: EvidenceFile, index: number): number {
    return sealedLength(geometryOrThrow(file), index);
  }

  /**
   * One sealed chunk of a file that rests here.
   * @param use ONCE: it is not read again soon
   * @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT, EVIDENCE_STORE_FAILED
   */
  async sealedChunk(file: EvidenceFile, index: number, use?: 'ONCE'): Promise<Uint8Array<ArrayBuffer>> {
    const sealed = new Uint8Array(this.sealedLength(file, index));
    await this.sealedChunks(file, index, [sealed], use);
    return sealed;
  }

  /**
   * Sealed chunks of a file that rests here, from one on.
   * @param into a place of the right length for each
   * @param use ONCE: they are not read again soon
   * @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT, EVIDENCE_STORE_FAILED
   */
  async sealedChunks(file: EvidenceFile, first: number, into: readonly Uint8Array[], use?: 'ONCE'): Promise<void> {
    passing();
    await this.#objects.read(bytesToHex(file.root), sealedOffset(geometryOrThrow(file), first), into, use);
  }

  /** The plaintext, piece by piece. @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT: what came before is then not to be used */
  async *plaintext(file: EvidenceFile): AsyncIterable<Uint8Array> {
    const cipher = new ChunkCipher(file.key, file.file_id);
    const hash = createHash('sha256');
    let next = this.sealedChunk(file, 0, 'ONCE');
    for (let index = 0; index < file.chunk_count; index++) {
      const sealed = await next;
      const isLast = index === file.chunk_count - 1;
      if (!isLast) {
        next = this.sealedChunk(file, index + 1, 'ONCE');
        // Awaited in the next round; a failure before that is not unhandled.
        next.catch(() => undefined);
      }
      const plain = cipher.open(sealed, index, isLast);
      if (plain === undefined) throw changedChunk(file, index);
      hash.update(plain);
      // The sealed chunk as well.
      passed(2 * plain.length);
      yield plain;
    }
    requireDigest(file, hash.digest());
  }

  /** Reads a whole file back and compares it with its record. @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT */
  async verify(file: EvidenceFile, onBytes?: OnBytes): Promise<void> {
    const geometry = geometryOrThrow(file);
    const { key: fileKey, file_id: fileId } = file;
    const line = this.#crew.begin({ kind: 'COMPARE', fileKey, fileId, stride: sealedOffset(geometry, 1) });
    let wrong: number | undefined;
    let failure: unknown;
    try {
      for (let first = 0; first < geometry.chunkCount && wrong === undefined && failure === undefined;) {
        await line.room();
        const count = Math.min(CHUNKS_PER_READ, geometry.chunkCount - first);
        const chunks = Array.from({ length: count }, (_, i) =>
          line.memory().subarray(0, sealedLength(geometry, first + i)),
        );
        await this.sealedChunks(file, first, chunks, 'ONCE');
        for (const [i, sealed] of chunks.entries()) {
          const index = first + i;
          line.hand(sealed, { index, isLast: index === geometry.chunkCount - 1 }).then(
            ({ type }) => {
              if (type === 'WRONG') wrong = index;
            },
            (error: unknown) => {
              failure = error;
            },
          );
        }
        first += count;
        onBytes?.(Math.min(file.size, first * file.chunk_bytes));
      }
    } catch (error) {
      await line.end().catch(() => undefined);
      throw error;
    }
    const digest = await line.end();
    if (failure !== undefined) throw failure as Error;
    if (wrong !== undefined) throw changedChunk(file, wrong);
    requireDigest(file, digest!);
  }

  /** Removes the content of a file; records of it are the caller's. */
  async delete(file: EvidenceFile): Promise<void> {
    await this.#objects.delete(bytesToHex(file.root));
  }

  /** Gives up what has arrived of a file. */
  async abandon(fileId: string): Promise<void> {
    await discardSpool(join(this.#spool, fileId));
  }

  /**
   * Removes what a crash left behind: spools and objects that no record names, and uploads that were never finished.
   * @returns how many of each were removed
   */
  async sweep(known: {
    readonly isAwaited: (fileId: string) => Promise<boolean>;
    readonly isKept: (root: string) => Promise<boolean>;
  }): Promise<{ readonly spools: number; readonly objects: number; readonly uploads: number }> {
    let [spools, objects] = [0, 0];
    for (const fileId of await listSpools(this.#spool)) {
      if (await known.isAwaited(fileId)) continue;
      await discardSpool(join(this.#spool, fileId));
      spools++;
    }
    for await (const root of this.#objects.list()) {
      if (await known.isKept(root)) continue;
      await this.#objects.delete(root);
      objects++;
    }
    return { spools, objects, uploads: await this.#objects.discardUnfinished() };
  }

  /**
   * Why files cannot be taken in, kept or read just now, found by asking for one.
   * @returns undefined when they can
   */
  async storeFault(patienceMs = 3000): Promise<string | undefined> {
    const asked = requireWritable(this.#spool)
      .then(() => this.#objects.list()[Symbol.asyncIterator]().next())
      .then(
        () => undefined,
        (error: unknown) => (error instanceof EvidenceError ? error.message : String(error)),
      );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => {
        resolve('The store of objects does not answer.');
      }, patienceMs);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#crew.close();
    await this.#objects.close();
  }

  /** @throws {EvidenceError} EVIDENCE_NO_SPACE when so many bytes would not leave the node room to work in */
  async #requireSpace(bytes: number): Promise<void> {
    const free = await this.#freeBytes();
    if (free - bytes >= RESERVE_BYTES) return;
    throw new EvidenceError(
      'EVIDENCE_NO_SPACE',
      `${bytes} more bytes do not fit on the disk: ${free} are free, and ${RESERVE_BYTES} have to stay free for the node’s own work.`,
    );
  }
}

function geometryOrThrow(file: EvidenceFile): Geometry {
  const geometry = verifyGeometry(file);
  if (geometry.ok) return geometry.value;
  throw new EvidenceError('EVIDENCE_MALFORMED', `${file.name}: ${geometry.detail}.`);
}

function changedChunk({ name }: EvidenceFile, index: number): EvidenceError {
  return new EvidenceError('EVIDENCE_CORRUPT', `Chunk ${index} of ${name} was changed where it is stored.`);
}

function requireDigest({ name, sha256 }: EvidenceFile, digest: Uint8Array): void {
  if (equalBytes(new Uint8Array(digest), sha256)) return;
  throw new EvidenceError('EVIDENCE_CORRUPT', `${name} has another SHA-256 than was announced.`);
}
