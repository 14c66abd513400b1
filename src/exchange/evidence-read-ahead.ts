import { SEAL_BYTES, type Vault } from '../evidence/mod.ts';
import { CHUNK_HEAD_BYTES, FRAME_ROOM_BYTES, layChunk, type EvidenceFile } from '../wire/mod.ts';

/** Chunks that are read together. */
interface Run {
  readonly first: number;
  readonly count: number;
  readonly buffers: readonly Uint8Array<ArrayBuffer>[];
  readonly frames: Promise<readonly Uint8Array[]>;
}

// One look at the disk for so many: two megabytes of chunks of the usual size, for which another thread is woken once.
const RUN_CHUNKS = 8;

/** The frames of one file's chunks, in order: while those of one run leave, the next is being read, in the memory of the one before. */
export class ReadAhead {
  readonly #vault: Vault;
  readonly #file: EvidenceFile;
  #current: Run | undefined;
  #next: Run | undefined;

  constructor(vault: Vault, file: EvidenceFile) {
    this.#vault = vault;
    this.#file = file;
  }

  /**
   * The frame of a chunk. It is good until another is asked for.
   * @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT, EVIDENCE_STORE_FAILED
   */
  async frame(index: number): Promise<Uint8Array> {
    let run = this.#current;
    if (run === undefined || !holds(run, index)) {
      const isNext = this.#next !== undefined && holds(this.#next, index);
      // Asked for anew from elsewhere: what is still being read keeps its memory.
      run = isNext ? this.#next! : this.#read(index, Promise.resolve(), []);
      const free = isNext ? this.#current!.buffers : [];
      this.#current = run;
      const after = run.first + run.count;
      this.#next = after < this.#file.chunk_count ? this.#read(after, run.frames, free) : undefined;
    }
    return (await run.frames)[index - run.first]!;
  }

  /** One run after another, because a store may give more at once than was asked for. */
  #read(first: number, before: Promise<unknown>, free: readonly Uint8Array<ArrayBuffer>[]): Run {
    const { file_id, chunk_bytes: chunkBytes, chunk_count: chunkCount } = this.#file;
    const count = Math.min(RUN_CHUNKS, chunkCount - first);
    const buffers = Array.from(
      { length: count },
      (_, i) => free[i] ?? new Uint8Array(FRAME_ROOM_BYTES + CHUNK_HEAD_BYTES + chunkBytes + SEAL_BYTES),
    );
    const laid = buffers.map((buffer, i) => {
      const length = this.#vault.sealedLength(this.#file, first + i);
      return layChunk(buffer, { file_id, index: first + i, length });
    });
    const sealed = laid.map((one) => one.sealed);
    const frames = before
      .then(() => this.#vault.sealedChunks(this.#file, first, sealed))
      .then(() => laid.map((one) => one.frame));
    // Awaited when its turn comes; a failure before that is not unhandled.
    frames.catch(() => undefined);
    return { first, count, buffers, frames };
  }
}

function holds({ first, count }: Run, index: number): boolean {
  return index >= first && index < first + count;
}
