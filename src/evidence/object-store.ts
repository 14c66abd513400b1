/** Where whole files rest, sealed, under the name of their content. */

/**
 * A store of objects that are written once and never changed. Names are the hexadecimal RFC 6962 root of the content, chosen by this
 * node: nothing that a peer says is ever a name here.
 */
export interface ObjectStore {
  /**
   * Takes over a file of this machine: afterwards the object is durable and the file may be gone. Doing it twice is no harm.
   * @throws {EvidenceError} EVIDENCE_STORE_FAILED, EVIDENCE_NO_SPACE
   */
  put(name: string, file: string): Promise<void>;
  /**
   * Fills buffers of the caller's with bytes of an object that follow each other: whoever reads a large one needs no new memory for every
   * piece.
   * @param use ONCE: it is not read again soon, and what is on the disk itself is wanted
   * @throws {EvidenceError} EVIDENCE_UNKNOWN, EVIDENCE_CORRUPT where the object ends too soon, EVIDENCE_STORE_FAILED
   */
  read(name: string, offset: number, into: readonly Uint8Array[], use?: 'ONCE'): Promise<void>;
  /** Length of an object in bytes; undefined when it is not there. */
  sizeOf(name: string): Promise<number | undefined>;
  /** Removes an object; one that is not there is no error. */
  delete(name: string): Promise<void>;
  list(): AsyncIterable<string>;
  /** Removes what a crash left of objects that were being put. @returns how many */
  discardUnfinished(): Promise<number>;
  /** Lets go of what is open for reading. */
  close(): Promise<void>;
}
