import { crc32 } from '../base/mod.ts';
import {
  LOCAL_HEADER_BYTES,
  encodeDirectoryEntry,
  encodeEnd,
  encodeLocalHeader,
  type ArchiveEntry,
} from './archive-format.ts';

/**
 * Packs files as they come, without compression: most of a bundle is hashes, and a decompressor is one more thing to trust. It keeps
 * one row a file and no file.
 */
export class ArchiveWriter {
  readonly #entries: ArchiveEntry[] = [];
  #offset = 0;

  /** The next file; at most 4 GiB less one byte. */
  add(path: string, bytes: Uint8Array): Uint8Array[] {
    const entry: ArchiveEntry = { path, size: bytes.length, crc: crc32(bytes), offset: this.#offset };
    this.#entries.push(entry);
    this.#offset += LOCAL_HEADER_BYTES + path.length + bytes.length;
    return [encodeLocalHeader(entry), bytes];
  }

  /** The directory, after the last file. */
  *end(): Generator<Uint8Array> {
    let size = 0;
    for (const entry of this.#entries) {
      const bytes = encodeDirectoryEntry(entry);
      size += bytes.length;
      yield bytes;
    }
    yield encodeEnd({ count: this.#entries.length, offset: this.#offset, size });
  }
}
