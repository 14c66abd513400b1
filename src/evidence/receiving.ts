import { bytesToHex, equalBytes } from '../base/mod.ts';
import { CHUNK_HEAD_BYTES, type EvidenceFile } from '../wire/mod.ts';
import type { ChunkCrew, ChunkLine } from './chunk-crew.ts';
import { sealedLength, sealedOffset, type Geometry } from './geometry.ts';
import type { ObjectStore } from './object-store.ts';
import { discardSpool, spaceError, spoolPaths, type Spool } from './spool.ts';
import { passed } from './young-memory.ts';

// What is shorter is copied as fast, and may lie in memory that Node shares out.
const MIN_OWN_BYTES = 64 * 1024;

/** A file that arrives: each chunk is opened before it is kept, so that a bad one is noticed at once and fetched again. */
export class Receiving {
  readonly file: EvidenceFile;
  readonly #geometry: Geometry;
  readonly #spool: Spool;
  readonly #objects: ObjectStore;
  readonly #line: ChunkLine;
  readonly #look: (next: number) => Promise<void>;
  #awaited: number;
  #last: Promise<unknown> = Promise.resolve();
  #lineEnd: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: {
    readonly file: EvidenceFile;
    readonly geometry: Geometry;
    readonly spool: Spool;
    readonly objects: ObjectStore;
    readonly crew: ChunkCrew;
    /** Called before the chunk of that number is kept; throws when there is no room for what is still to come. */
    readonly look: (next: number) => Promise<void>;
  }) {
    this.file = parts.file;
    this.#geometry = parts.geometry;
    this.#spool = parts.spool;
    this.#objects = parts.objects;
    this.#look = parts.look;
    this.#awaited = parts.spool.count;
    const { key: fileKey, file_id: fileId } = parts.file;
    const [stride, next, files] = [sealedOffset(parts.geometry, 1), parts.spool.count, parts.spool.files];
    this.#line = parts.crew.begin({ kind: 'OPEN', fileKey, fileId, next, stride, files });
  }

  /** The chunk that is to be handed in. */
  get awaited(): number {
    return this.#awaited;
  }

  /** How many chunks are here. */
  get next(): number {
    return this.#spool.count;
  }

  get isWhole(): boolean {
    return this.next === this.#geometry.chunkCount;
  }

  /**
   * Takes the awaited chunk over, and its memory where nothing else is in it; the caller may hand in the next before this one
   * is kept. One call at a time.
   * @returns `kept`: true when it is here; false when it is not that chunk of this file, and then it is awaited again; undefined when one
   * before it is. Rejects with EVIDENCE_NO_SPACE, and whatever else writing throws
   * @throws {EvidenceError} EVIDENCE_NO_SPACE, EVIDENCE_STOPPED
   */
  async hand(sealed: Uint8Array): Promise<{ readonly kept: Promise<boolean | undefined> }> {
    const index = this.#awaited;
    const isLast = index === this.#geometry.chunkCount - 1;
    const isRightLength = index < this.#geometry.chunkCount && sealed.length === sealedLength(this.#geometry, index);
    // Not before what came before it has been judged.
    if (!isRightLength) return { kept: this.#last.then(() => false) };
    await this.#look(index);
    await this.#line.room();
    const { length } = sealed;
    passed(length);
    this.#awaited++;
    const kept = this.#judge(index, this.#line.hand(alone(sealed), { index, isLast }), length);
    this.#last = kept.catch(() => undefined);
    return { kept };
  }

  /**
   * Hands a whole file over to the store of objects; durable when this resolves.
   * @returns false, and keeps nothing, when the chunks do not have the announced root
   * @throws {EvidenceError} EVIDENCE_NO_SPACE, EVIDENCE_STORE_FAILED, and whatever else writing throws
   */
  async finish(): Promise<boolean> {
    try {
      await this.#endLine();
      await this.#spool.flush();
    } catch (error) {
      await this.close();
      throw spaceError(error);
    }
    const isRight = equalBytes(await this.#spool.root(), this.file.root);
    await this.close();
    if (isRight) await this.#objects.put(bytesToHex(this.file.root), spoolPaths(this.#spool.folder).data);
    else await discardSpool(this.#spool.folder);
    return isRight;
  }

  /** Stops for now; what is here stays. */
  close(): Promise<void> {
    // The thread writes no more to these files when it says that the line is over.
    this.#closed ??= this.#endLine()
      .catch(() => undefined)
      .then(() => this.#last)
      .then(() => this.#spool.close());
    return this.#closed;
  }

  #endLine(): Promise<unknown> {
    this.#lineEnd ??= this.#line.end();
    return this.#lineEnd;
  }

  async #judge(index: number, done: ReturnType<ChunkLine['hand']>, length: number): Promise<boolean | undefined> {
    try {
      const outcome = await done;
      if (outcome.type === 'SKIPPED') return undefined;
      if (outcome.type === 'WRONG') {
        this.#awaited = index;
        return false;
      }
      this.#spool.written(outcome.leaf!, length, outcome.settled);
      return true;
    } catch (error) {
      throw spaceError(error);
    }
  }
}

/**
 * The chunk in memory that can be given away: where it came, if nothing but the head of its frame lies there too; otherwise a copy. What
 * a socket held back when its peer went away comes as one piece with many frames in it.
 */
function alone(sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = sealed;
  const isAlone =
    buffer instanceof ArrayBuffer &&
    byteLength >= MIN_OWN_BYTES &&
    byteOffset <= CHUNK_HEAD_BYTES &&
    byteOffset + byteLength === buffer.byteLength;
  return isAlone ? (sealed as Uint8Array<ArrayBuffer>) : new Uint8Array(sealed);
}
