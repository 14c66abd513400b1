/**
 * Files of evidence at one node, always sealed: taken in from a person, received chunk by chunk from a peer, and read back. Memory does
 * not depend on a file's size.
 */
import { createHash, type Hash } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, equalBytes, type Uuid } from '../base/mod.ts';
import type { EvidenceFile } from '../wire/mod.ts';
import { ChunkCipher, FILE_KEY_BYTES } from './chunk.ts';
import { EvidenceError } from './error.ts';
import {
  DEFAULT_CHUNK_BYTES,
  TAG_BYTES,
  geometryOf,
  plainLength,
  sealedOffset,
  sealedSize,
  verifyGeometry,
  type Geometry,
} from './geometry.ts';
import type { ObjectStore } from './object-store.ts';
import { Receiving } from './receiving.ts';
import { Spool, discardSpool, listSpools, spaceError, spoolPaths } from './spool.ts';

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

/** All evidence of a node. */
export class Vault {
  readonly #objects: ObjectStore;
  readonly #spool: string;
  readonly #random: VaultOptions['random'];
  readonly #freeBytes: () => Promise<number>;

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
    const cipher = new ChunkCipher(key, label.file_id);
    const folder = join(this.#spool, label.file_id);
    await discardSpool(folder);
    const spool = await Spool.open(folder, chunkBytes);
    try {
      const hash = createHash('sha256');
      let size = 0;
      for await (const { bytes, isLast } of cut(source, chunkBytes)) {
        hash.update(bytes);
        if (spool.count % CHUNKS_PER_LOOK === 0) await this.#requireSpace(bytes.length);
        await spool.append(cipher.seal(bytes, spool.count, isLast));
        size += bytes.length;
        onBytes?.(size);
      }
      if (size === 0) throw new EvidenceError('EVIDENCE_EMPTY', `${label.name} is empty: there is nothing to keep.`);
      await spool.flush();
      const root = await spool.root();
      await this.#objects.put(bytesToHex(root), spoolPaths(folder).data);
      const { chunkCount } = geometryOf(size, chunkBytes);
      return {
        ...label,
        size,
        sha256: new Uint8Array(hash.digest()),
        chunk_bytes: chunkBytes,
        chunk_count: chunkCount,
        root,
        key,
      };
    } catch (error) {
      throw spaceError(error);
    } finally {
      await spool.close();
      await discardSpool(folder);
    }
  }

  /**
   * Goes on with receiving a file, or begins.
   * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_NO_SPACE
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
    return new Receiving({ file, geometry, spool, look, objects: this.#objects, cipher: cipherOf(file) });
  }

  /** Whether the whole of a file rests here. */
  async holds(file: EvidenceFile): Promise<boolean> {
    return (await this.#objects.sizeOf(bytesToHex(file.root))) === sealedSize(geometryOrThrow(file));
  }

  /** One sealed chunk of a file that rests here. @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT, EVIDENCE_STORE_FAILED */
  sealedChunk(file: EvidenceFile, index: number): Promise<Uint8Array> {
    const geometry = geometryOrThrow(file);
    const length = plainLength(geometry, index) + TAG_BYTES;
    return this.#objects.read(bytesToHex(file.root), sealedOffset(geometry, index), length);
  }

  /** The plaintext, piece by piece. @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT: what came before is then not to be used */
  async *plaintext(file: EvidenceFile): AsyncIterable<Uint8Array> {
    const hash = createHash('sha256');
    yield* this.#opened(file, hash);
    if (!equalBytes(new Uint8Array(hash.digest()), file.sha256))
      throw new EvidenceError('EVIDENCE_CORRUPT', `${file.name} has another SHA-256 than was announced.`);
  }

  /** Reads a whole file back and compares it with its record. @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT */
  async verify(file: EvidenceFile, onBytes?: OnBytes): Promise<void> {
    let done = 0;
    for await (const bytes of this.plaintext(file)) {
      done += bytes.length;
      onBytes?.(done);
    }
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

  async close(): Promise<void> {
    await this.#objects.close();
  }

  /** @throws {EvidenceError} EVIDENCE_NO_SPACE when so many bytes would not leave the node room to work in */
  async #requireSpace(bytes: number): Promise<void> {
    const free = await this.#freeBytes();
    if (free - bytes >= RESERVE_BYTES) return;
    throw new EvidenceError('EVIDENCE_NO_SPACE', `${bytes} more bytes do not fit on the disk: ${free} are free.`);
  }

  async *#opened(file: EvidenceFile, hash: Hash): AsyncIterable<Uint8Array> {
    const cipher = cipherOf(file);
    let next = this.sealedChunk(file, 0);
    for (let index = 0; index < file.chunk_count; index++) {
      const sealed = await next;
      const isLast = index === file.chunk_count - 1;
      if (!isLast) {
        next = this.sealedChunk(file, index + 1);
        // Awaited in the next round; a failure before that is not unhandled.
        next.catch(() => undefined);
      }
      const plain = cipher.open(sealed, index, isLast);
      if (plain === undefined)
        throw new EvidenceError('EVIDENCE_CORRUPT', `Chunk ${index} of ${file.name} was changed where it is stored.`);
      hash.update(plain);
      yield plain;
    }
  }
}

function cipherOf({ key, file_id: fileId }: EvidenceFile): ChunkCipher {
  return new ChunkCipher(key, fileId);
}

function geometryOrThrow(file: EvidenceFile): Geometry {
  const geometry = verifyGeometry(file);
  if (geometry.ok) return geometry.value;
  throw new EvidenceError('EVIDENCE_MALFORMED', `${file.name}: ${geometry.detail}.`);
}

/** Pieces of any length as chunks of one length, the last perhaps shorter. */
async function* cut(
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
): AsyncIterable<{ readonly bytes: Uint8Array; readonly isLast: boolean }> {
  const chunk = Buffer.alloc(chunkBytes);
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      // A full chunk waits until it is known whether anything follows.
      if (filled === chunkBytes) {
        yield { bytes: chunk, isLast: false };
        filled = 0;
      }
      const taken = Math.min(chunkBytes - filled, piece.length - at);
      chunk.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
    }
  }
  if (filled > 0) yield { bytes: chunk.subarray(0, filled), isLast: true };
}
