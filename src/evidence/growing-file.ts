/**
 * A file that grows to its end past the page cache: of what arrives little is read again soon, and a file as large as a disk would drive
 * all else out of memory, and pay for every page of it twice. It is copied into blocks, and one is written while the next is filled.
 */
import { write, writeSync } from 'node:fs';
import { AlignedBlocks } from './aligned-blocks.ts';
import type { SpoolFiles } from './chunk-order.ts';

const BLOCK_BYTES = 1024 * 1024;
// The disk always has one to write and one to begin with; who fills the third waits.
const MAX_UNDER_WAY = 2;
// For all files of this thread together; a file for which none is left is written as files are.
const MAX_BLOCKS = 8;
// A file that is not larger is kept chunk by chunk, and is soon over.
const DIRECT_FROM = BLOCK_BYTES;

interface Block {
  readonly bytes: Uint8Array;
  /** Of its first byte in the file. */
  readonly position: number;
  filled: number;
}

/** One file that is written from some place on, in order. Not more than a few blocks of it are lost with the process. */
export class GrowingFile {
  readonly #data: number;
  #direct: number | undefined;
  /** Where the next block begins. */
  #boundary: number;
  #block: Block | undefined;
  #end: number;
  readonly #underWay = new Map<Block, Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** @param start bytes that are there already */
  constructor({ data, direct }: SpoolFiles, start: number) {
    this.#data = data;
    this.#direct = direct;
    this.#end = start;
    this.#boundary = Math.max(DIRECT_FROM, Math.ceil(start / BLOCK_BYTES) * BLOCK_BYTES);
  }

  /** Bytes from the start that are in the file, whatever becomes of this process. */
  get settledBytes(): number {
    const [eldest] = this.#underWay.keys();
    return (eldest ?? this.#block)?.position ?? this.#end;
  }

  /** Goes on with these. @throws what writing throws, these bytes or some before them */
  append(bytes: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    for (let at = 0; at < bytes.length;) {
      const block = this.#blockHere();
      const room = block === undefined ? this.#roomBefore() : BLOCK_BYTES - block.filled;
      const piece = bytes.subarray(at, at + Math.min(bytes.length - at, room));
      if (block === undefined) this.#writeAtOnce(piece);
      else {
        block.bytes.set(piece, block.filled);
        block.filled += piece.length;
      }
      at += piece.length;
      this.#end += piece.length;
      if (block?.filled === BLOCK_BYTES) this.#write(block);
    }
  }

  /** All is in the file when this resolves, and its blocks are free for others. @throws what writing throws */
  async finish(): Promise<void> {
    await Promise.all(this.#underWay.values());
    const block = this.#block;
    this.#block = undefined;
    if (block !== undefined) blocks.give(block.bytes);
    if (this.#failure !== undefined) throw this.#failure.error;
    // A direct write has whole pages; the last one is not.
    if (block !== undefined) writeWhole(this.#data, block.bytes.subarray(0, block.filled), block.position);
  }

  /** The block that the next byte belongs to, if it goes into one. */
  #blockHere(): Block | undefined {
    if (this.#block !== undefined || this.#direct === undefined || this.#end !== this.#boundary) return this.#block;
    const bytes = blocks.take();
    this.#boundary += BLOCK_BYTES;
    if (bytes !== undefined) this.#block = { bytes, position: this.#end, filled: 0 };
    return this.#block;
  }

  #writeAtOnce(piece: Uint8Array): void {
    try {
      writeWhole(this.#data, piece, this.#end);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  #roomBefore(): number {
    return this.#direct === undefined ? Infinity : this.#boundary - this.#end;
  }

  #write(block: Block): void {
    const direct = this.#direct;
    this.#block = undefined;
    if (direct === undefined || this.#underWay.size >= MAX_UNDER_WAY) {
      this.#written(block, () =>
        direct === undefined ? 0 : writeSync(direct, block.bytes, 0, BLOCK_BYTES, block.position),
      );
      if (this.#failure !== undefined) throw this.#failure.error;
      return;
    }
    const done = new Promise<void>((resolve) => {
      write(direct, block.bytes, 0, BLOCK_BYTES, block.position, (error, count) => {
        this.#underWay.delete(block);
        this.#written(block, () => {
          if (error !== null) throw error;
          return count;
        });
        resolve();
      });
    });
    this.#underWay.set(block, done);
  }

  /** @param count gives the bytes that were written, or throws */
  #written(block: Block, count: () => number): void {
    try {
      const written = this.#countOf(count);
      if (written < BLOCK_BYTES) writeWhole(this.#data, block.bytes.subarray(written), block.position + written);
    } catch (error) {
      this.#failure ??= { error };
    }
    blocks.give(block.bytes);
  }

  /** Some file systems let a file be opened like this, and do not let it be written. */
  #countOf(count: () => number): number {
    try {
      return count();
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'EINVAL') throw error;
      this.#direct = undefined;
      return 0;
    }
  }
}

const blocks = new AlignedBlocks(BLOCK_BYTES, MAX_BLOCKS);

/** Writes all of it. */
export function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}
