/** What one key is set to. */
export type Put = readonly [key: string, value: Uint8Array];

/** Writes that happen all or not at all. */
export interface Batch {
  /** Nothing is written unless the key has exactly this value; undefined: unless it has none. */
  readonly expect?: { readonly key: string; readonly value: Uint8Array | undefined } | undefined;
  readonly puts: readonly Put[];
  readonly deletes?: readonly string[] | undefined;
  /** False when losing the batch in a power cut does no harm. True by default: on disk before `commit` resolves. */
  readonly durable?: boolean | undefined;
}

/**
 * An ordered key-value store with atomic batches: all that a node keeps, apart from files.
 *
 * Keys are text of printable ASCII and sort by their bytes; values are bytes. A reader sees whole batches only. Conditional batches are
 * what keeps several processes of one node on one history: nothing assumes to be alone but through them. Every engine passes the same
 * contract suite.
 */
export interface Store {
  get(key: string): Promise<Uint8Array | undefined>;
  /** Values in the order of the keys. */
  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  /** Every key that starts with `prefix`, in order, with its value. */
  scan(prefix: string, options?: ScanOptions): AsyncIterable<Put>;
  /**
   * @throws {StoreError} STORE_CONFLICT, after which the store is as before; STORE_WRITE_FAILED, after which the process has to end,
   * because the batch may or may not be on disk
   */
  commit(batch: Batch): Promise<void>;
  close(): Promise<void>;
}

/** A store whose values rest encrypted. */
export interface NodeStore extends Store {
  /** Every record as a backup has it, in order, its value under a seal of its own; all of one moment. */
  records(): AsyncIterable<Put>;
}

/** Which part of a scan is wanted. */
export interface ScanOptions {
  /** Most keys to give. */
  readonly limit?: number;
  /** From the last key to the first. */
  readonly reverse?: boolean;
}
