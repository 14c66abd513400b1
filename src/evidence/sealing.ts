import type { ChunkCrew, ChunkLine } from './chunk-crew.ts';
import { sealedOffset } from './geometry.ts';
import type { Spool } from './spool.ts';
import { passed } from './young-memory.ts';

/** A file that is taken in: pieces of any length become chunks of one length, the last perhaps shorter. */
export class Sealing {
  readonly #line: ChunkLine;
  readonly #spool: Spool;
  readonly #chunkBytes: number;
  readonly #look: (next: number) => Promise<void>;
  #slot: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #handed = 0;
  #size = 0;
  #failure: { readonly error: unknown } | undefined;
  #digest: Promise<Uint8Array | undefined> | undefined;

  /** @param look called before the chunk of that number is sealed; throws when there is no room for it */
  constructor(
    parts: {
      readonly crew: ChunkCrew;
      readonly spool: Spool;
      readonly fileKey: Uint8Array;
      readonly fileId: string;
      readonly chunkBytes: number;
    },
    look: (next: number) => Promise<void>,
  ) {
    const { crew, spool, fileKey, fileId, chunkBytes } = parts;
    this.#spool = spool;
    this.#chunkBytes = chunkBytes;
    this.#look = look;
    this.#line = crew.begin({ kind: 'SEAL', fileKey, fileId, stride: sealedOffset(parts, 1), files: spool.files });
  }

  /** Bytes of the plaintext so far. */
  get size(): number {
    return this.#size;
  }

  /** The next piece. @throws what writing the ones before it threw */
  async add(piece: Uint8Array): Promise<void> {
    passed(piece.length);
    for (let at = 0; at < piece.length;) {
      // A full chunk waits until it is known whether anything follows.
      if (this.#filled === this.#chunkBytes) await this.#hand(false);
      this.#slot ??= await this.#room();
      const taken = Math.min(this.#chunkBytes - this.#filled, piece.length - at);
      this.#slot.set(piece.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      this.#size += taken;
    }
  }

  /** Seals the last chunk. @returns SHA-256 of the plaintext @throws whatever writing throws */
  async finish(): Promise<Uint8Array> {
    await this.#hand(true);
    const digest = await this.#end();
    if (this.#failure !== undefined) throw this.#failure.error;
    return digest!;
  }

  /** Gives up what is not finished. */
  async close(): Promise<void> {
    await this.#end().catch(() => undefined);
  }

  async #room(): Promise<Uint8Array<ArrayBuffer>> {
    await this.#look(this.#handed);
    await this.#line.room();
    return this.#line.memory();
  }

  async #hand(isLast: boolean): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const [slot, length] = [this.#slot!, this.#filled];
    [this.#slot, this.#filled] = [undefined, 0];
    const done = this.#line.hand(slot.subarray(0, length), { index: this.#handed++, isLast });
    done
      .then((outcome) => {
        if (outcome.type === 'DONE') this.#spool.written(outcome.leaf!, length, outcome.settled);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      });
  }

  #end(): Promise<Uint8Array | undefined> {
    this.#digest ??= this.#line.end();
    return this.#digest;
  }
}
