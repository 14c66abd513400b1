import type { Receiving } from '../evidence/mod.ts';
import type { Transfers } from './evidence-progress.ts';
import type { PeerLink } from './link.ts';

/**
 * What one file may have on its way: 8 MiB in chunks of the usual size keep a fast line busy. What is here of it and not worked on yet is
 * bounded by the transport, which reads no further.
 */
export const WINDOW_CHUNKS = 32;
/** So many times in a row a chunk may be wrong before the file is given up. */
export const MAX_BAD_CHUNKS = 3;

/** A file that is coming in: how much of it has been asked for. */
export class Pulling {
  readonly receiving: Receiving;
  readonly #link: PeerLink;
  readonly #transfers: Transfers;
  // Chunks below this have been asked for.
  #askedTo: number;
  #badChunks = 0;

  constructor(link: PeerLink, receiving: Receiving, transfers: Transfers) {
    this.receiving = receiving;
    this.#link = link;
    this.#transfers = transfers;
    this.#askedTo = receiving.next;
  }

  /** Asks for the chunks from the awaited one on. */
  ask(restart: boolean): void {
    const { file, awaited } = this.receiving;
    this.#askedTo = awaited + WINDOW_CHUNKS;
    const value = { file_id: file.file_id, from_chunk: awaited, credit: WINDOW_CHUNKS, restart };
    this.#link.answer({ type: 'evidence_request', value });
  }

  /** Asks for more when half of what was asked for is here, so that the peer never waits. */
  askOn(): void {
    if (this.#askedTo - this.receiving.awaited <= WINDOW_CHUNKS / 2) this.ask(false);
  }

  /** A chunk was right and is here. */
  kept(): void {
    this.#badChunks = 0;
    this.note();
  }

  /** A chunk was wrong. @returns whether it is to be asked for again */
  mayFailAgain(): boolean {
    return ++this.#badChunks < MAX_BAD_CHUNKS;
  }

  /** Tells people how far it is. */
  note(): void {
    const { file, next } = this.receiving;
    this.#transfers.note(this.#link.peer, file.file_id, Math.min(file.size, next * file.chunk_bytes), file.size);
  }
}
