import { bytesToHex, equalBytes } from '../base/mod.ts';
import type { EvidenceFile } from '../wire/mod.ts';
import type { ChunkCipher } from './chunk.ts';
import { TAG_BYTES, plainLength, type Geometry } from './geometry.ts';
import type { ObjectStore } from './object-store.ts';
import { discardSpool, spoolPaths, type Spool } from './spool.ts';

/** A file that arrives: each chunk is opened before it is kept, so that a bad one is noticed at once and fetched again. */
export class Receiving {
  readonly file: EvidenceFile;
  readonly #geometry: Geometry;
  readonly #spool: Spool;
  readonly #objects: ObjectStore;
  readonly #cipher: ChunkCipher;

  constructor(parts: {
    readonly file: EvidenceFile;
    readonly geometry: Geometry;
    readonly spool: Spool;
    readonly objects: ObjectStore;
    readonly cipher: ChunkCipher;
  }) {
    this.file = parts.file;
    this.#geometry = parts.geometry;
    this.#spool = parts.spool;
    this.#objects = parts.objects;
    this.#cipher = parts.cipher;
  }

  /** The chunk that is awaited: how many are here. */
  get next(): number {
    return this.#spool.count;
  }

  get isWhole(): boolean {
    return this.next === this.#geometry.chunkCount;
  }

  /**
   * Keeps the awaited chunk.
   * @returns false when it is not that chunk of this file
   * @throws whatever writing throws
   */
  async take(sealed: Uint8Array): Promise<boolean> {
    const index = this.next;
    if (this.isWhole || sealed.length !== plainLength(this.#geometry, index) + TAG_BYTES) return false;
    if (this.#cipher.open(sealed, index, index === this.#geometry.chunkCount - 1) === undefined) return false;
    await this.#spool.append(sealed);
    return true;
  }

  /**
   * Hands a whole file over to the store of objects; durable when this resolves.
   * @returns false, and keeps nothing, when the chunks do not have the announced root
   */
  async finish(): Promise<boolean> {
    await this.#spool.flush();
    const isRight = equalBytes(await this.#spool.root(), this.file.root);
    await this.#spool.close();
    if (isRight) await this.#objects.put(bytesToHex(this.file.root), spoolPaths(this.#spool.folder).data);
    else await discardSpool(this.#spool.folder);
    return isRight;
  }

  /** Stops for now; what is here stays. */
  async close(): Promise<void> {
    await this.#spool.close();
  }
}
