import { bytesToHex, equalBytes } from '../base/mod.ts';
import type { EvidenceFile } from '../wire/mod.ts';
import type { ChunkCipher } from './chunk.ts';
import { TAG_BYTES, plainLength, type Geometry } from './geometry.ts';
import type { ObjectStore } from './object-store.ts';
import { discardSpool, spaceError, spoolPaths, type Spool } from './spool.ts';

/** A file that arrives: each chunk is opened before it is kept, so that a bad one is noticed at once and fetched again. */
export class Receiving {
  readonly file: EvidenceFile;
  readonly #geometry: Geometry;
  readonly #spool: Spool;
  readonly #objects: ObjectStore;
  readonly #cipher: ChunkCipher;
  readonly #look: (next: number) => Promise<void>;

  constructor(parts: {
    readonly file: EvidenceFile;
    readonly geometry: Geometry;
    readonly spool: Spool;
    readonly objects: ObjectStore;
    readonly cipher: ChunkCipher;
    /** Called before the chunk of that number is kept; throws when there is no room for what is still to come. */
    readonly look: (next: number) => Promise<void>;
  }) {
    this.file = parts.file;
    this.#geometry = parts.geometry;
    this.#spool = parts.spool;
    this.#objects = parts.objects;
    this.#cipher = parts.cipher;
    this.#look = parts.look;
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
   * @throws {EvidenceError} EVIDENCE_NO_SPACE, and whatever else writing throws
   */
  async take(sealed: Uint8Array): Promise<boolean> {
    const index = this.next;
    if (this.isWhole || sealed.length !== plainLength(this.#geometry, index) + TAG_BYTES) return false;
    if (this.#cipher.open(sealed, index, index === this.#geometry.chunkCount - 1) === undefined) return false;
    try {
      await this.#look(index);
      await this.#spool.append(sealed);
    } catch (error) {
      throw spaceError(error);
    }
    return true;
  }

  /**
   * Hands a whole file over to the store of objects; durable when this resolves.
   * @returns false, and keeps nothing, when the chunks do not have the announced root
   * @throws {EvidenceError} EVIDENCE_NO_SPACE, EVIDENCE_STORE_FAILED, and whatever else writing throws
   */
  async finish(): Promise<boolean> {
    try {
      await this.#spool.flush();
    } catch (error) {
      await this.#spool.close();
      throw spaceError(error);
    }
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
