/**
 * The archive of a bundle: a zip that any tool opens, of which there is exactly one for the same files. Whatever is read is written again
 * and compared, so that no byte of it can be other than it is.
 */
import { unzipSync, zipSync, type Zippable } from 'fflate';
import { equalBytes } from '../base/mod.ts';
import { AuditError } from './error.ts';

/** Files by path, in their order. */
export type ArchiveFiles = ReadonlyMap<string, Uint8Array>;

// The earliest time that a zip can state: a bundle's bytes must not depend on when it was made.
const MODIFIED = '1980-01-01T00:00:00';
const PATH = /^[a-z0-9][a-z0-9./_-]{0,99}$/;

/** Packs files without compression: most of a bundle is hashes, and a decompressor is one more thing to trust. */
export function encodeArchive(files: ArchiveFiles): Uint8Array {
  const zippable: Zippable = {};
  for (const [path, bytes] of files) zippable[path] = [bytes, { level: 0, mtime: MODIFIED }];
  return zipSync(zippable);
}

/** @throws {AuditError} AUDIT_NOT_A_BUNDLE */
export function parseArchive(bytes: Uint8Array): ArchiveFiles {
  let files: Map<string, Uint8Array>;
  try {
    const stored = unzipSync(bytes, {
      filter: ({ compression, originalSize, size, name }) => {
        if (compression !== 0 || originalSize !== size || size > bytes.length || !PATH.test(name))
          throw new TypeError(name);
        return true;
      },
    });
    files = new Map(Object.entries(stored));
  } catch (cause) {
    throw new AuditError('AUDIT_NOT_A_BUNDLE', 'The file is not a zip of stored files.', { cause });
  }
  const rightful = encodeArchive(files);
  if (!equalBytes(rightful, bytes)) {
    const where = changedFile(files, rightful, bytes);
    throw new AuditError('AUDIT_NOT_A_BUNDLE', `Bytes of the zip were changed, added or left out, ${where}.`);
  }
  return files;
}

// Every file stands behind its header: 30 bytes and its name. The header holds a checksum of the content.
const LOCAL_HEADER_BYTES = 30;

/** Where two archives of the same file names part: a change of a file shows in its header first. */
function changedFile(files: ArchiveFiles, rightful: Uint8Array, bytes: Uint8Array): string {
  let first = 0;
  while (first < bytes.length && bytes[first] === rightful[first]) first++;
  let end = 0;
  for (const [path, content] of files) {
    end += LOCAL_HEADER_BYTES + path.length + content.length;
    if (first < end) return `first at ${path}`;
  }
  return 'first in its directory';
}
