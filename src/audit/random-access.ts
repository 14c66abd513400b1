/**
 * Bytes at rest that can be read anywhere: a file on disk, a `File` in a browser, or memory. A bundle is never held whole: it may be
 * larger than the memory of the machine it is audited on.
 */
export interface RandomAccess {
  /** In bytes. */
  readonly size: number;
  /** Exactly these bytes; rejects when they are not there. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory. */
export function bytesAccess(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: (offset, length) =>
      offset + length <= bytes.length
        ? Promise.resolve(bytes.subarray(offset, offset + length))
        : Promise.reject(new RangeError('read past the end')),
  };
}
