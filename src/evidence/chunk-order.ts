/** What a node and the thread that works on its chunks say to each other. */

/**
 * What is done with the chunks of one file:
 * - SEAL: plaintext is digested, sealed and kept in files;
 * - OPEN: sealed chunks are opened, and kept as they are if they open;
 * - COMPARE: sealed chunks are opened and their plaintext digested.
 */
export type LineKind = 'SEAL' | 'OPEN' | 'COMPARE';

/** The file descriptors of a spool. */
export interface SpoolFiles {
  readonly data: number;
  /** The same file as data, opened so that writing goes past the page cache. */
  readonly direct: number | undefined;
  readonly leaves: number;
}

/** From the node to the thread, several at a time. Chunks of a line are worked on in the order in which they come. */
export type Order =
  | {
      readonly type: 'begin';
      readonly line: number;
      readonly kind: LineKind;
      readonly fileKey: Uint8Array;
      readonly fileId: string;
      /** Number of the first chunk. */
      readonly next: number;
      /** Bytes from one sealed chunk to the next in the file. */
      readonly stride: number;
      readonly files?: SpoolFiles | undefined;
    }
  | {
      readonly type: 'chunk';
      readonly line: number;
      /** Its memory moves to the thread with it. */
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly index: number;
      readonly isLast: boolean;
    }
  | { readonly type: 'end'; readonly line: number };

/** What became of a chunk: DONE, WRONG if it is not that chunk of the file, SKIPPED if another comes before it. */
export type Outcome =
  | {
      readonly type: 'DONE';
      readonly leaf: Uint8Array | undefined;
      /** Chunks, from the first, that are in the file already. */
      readonly settled: number;
    }
  | { readonly type: 'WRONG' }
  | { readonly type: 'SKIPPED' };

/** From the thread to the node, a few at a time: one for each `chunk` and `end`, in order. The memory of a chunk comes back unless it is OPEN's. */
export type Answer =
  | { readonly line: number; readonly outcome: Outcome; readonly memory?: ArrayBuffer | undefined }
  | { readonly line: number; readonly failure: { readonly message: string; readonly code?: string | undefined } }
  | { readonly line: number; readonly sha256: Uint8Array | undefined };
