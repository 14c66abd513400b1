/**
 * Reads the archive of a bundle: a zip that any tool opens, of which there is exactly one for the same files. The readers of libraries are
 * lenient, each in its own way, and two programs must not find two contents in one file: here every byte outside the files is compared
 * with the only one that it can be.
 */
import { crc32, equalBytes, parseUtf8 } from '../base/mod.ts';
import {
  DIRECTORY_ENTRY_BYTES,
  END_BYTES,
  LOCAL_HEADER_BYTES,
  ZIP64_END_BYTES,
  ZIP64_LOCATOR_BYTES,
  encodeDirectoryEntry,
  encodeEnd,
  encodeLocalHeader,
  parseEnd,
  type ArchiveEntry,
  type DirectoryPlace,
} from './archive-format.ts';
import { AuditError } from './error.ts';
import type { RandomAccess } from './random-access.ts';

const PATH = /^[a-z0-9][a-z0-9./_-]{0,99}$/;
const ZIP64_OFFSET = 12;
// The largest files are lists: 256 entries with their proofs, or the digests of all other files. Nobody needs more in memory at once.
const MAX_FILE_BYTES = 2 ** 28;
const TAIL_BYTES = END_BYTES + ZIP64_LOCATOR_BYTES + ZIP64_END_BYTES;

/** A file's bytes, and whether its header and checksum are those that the directory makes of it. */
export interface ArchivedFile {
  readonly bytes: Uint8Array;
  readonly isIntact: boolean;
}

/** An archive whose directory was read; its files are read one by one. */
export class Archive {
  readonly #access: RandomAccess;
  readonly #entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(access: RandomAccess, entries: ReadonlyMap<string, ArchiveEntry>) {
    this.#access = access;
    this.#entries = entries;
  }

  /** @throws {AuditError} AUDIT_NOT_A_BUNDLE */
  static async open(access: RandomAccess): Promise<Archive> {
    if (access.size === 0) throw notAnArchive('it is empty');
    const tail = await access.read(Math.max(0, access.size - TAIL_BYTES), Math.min(access.size, TAIL_BYTES));
    const place = parseEnd(tail);
    if (place === undefined) throw notAnArchive('it does not end like a zip');
    const end = encodeEnd(place);
    const isWhole =
      place.offset + place.size + end.length === access.size &&
      place.count * (DIRECTORY_ENTRY_BYTES + 1) <= place.size &&
      place.size <= MAX_FILE_BYTES &&
      equalBytes(tail.subarray(tail.length - end.length), end);
    if (!isWhole) throw notAnArchive('bytes were changed, added or left out at its end');
    return new Archive(access, parseDirectory(await access.read(place.offset, place.size), place));
  }

  /** Paths in the order of the files. */
  get paths(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** The file at a path, if there is one. */
  async read(path: string): Promise<ArchivedFile | undefined> {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    const header = encodeLocalHeader(entry);
    const found = await this.#access.read(entry.offset, header.length + entry.size);
    const bytes = found.subarray(header.length);
    return { bytes, isIntact: equalBytes(found.subarray(0, header.length), header) && crc32(bytes) === entry.crc };
  }
}

function parseDirectory(directory: Uint8Array, place: DirectoryPlace): Map<string, ArchiveEntry> {
  const entries = new Map<string, ArchiveEntry>();
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  let [at, offset] = [0, 0];
  for (let n = 0; n < place.count; n++) {
    if (at + DIRECTORY_ENTRY_BYTES > directory.length) throw notAnArchive('its directory ends early');
    const [nameBytes, extraBytes] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
    const length = DIRECTORY_ENTRY_BYTES + nameBytes + extraBytes;
    const path = textOf(directory.subarray(at + DIRECTORY_ENTRY_BYTES, at + DIRECTORY_ENTRY_BYTES + nameBytes));
    if (!PATH.test(path) || entries.has(path)) throw notAnArchive(`file ${n} has no name of its own`);
    // Files stand one behind the other from the first byte on, so where each is follows from those before it.
    const entry = { path, size: view.getUint32(at + 20, true), crc: view.getUint32(at + 16, true), offset };
    const rightful = encodeDirectoryEntry(entry);
    const isRight = (extraBytes === 0 || extraBytes === ZIP64_OFFSET) && rightful.length === length;
    if (!isRight || !equalBytes(directory.subarray(at, at + length), rightful))
      throw notAnArchive(`its directory was changed, first at ${path}`);
    if (entry.size > MAX_FILE_BYTES) throw notAnArchive(`${path} is ${entry.size} bytes long`);
    entries.set(path, entry);
    at += length;
    offset += LOCAL_HEADER_BYTES + nameBytes + entry.size;
  }
  if (at !== directory.length || offset !== place.offset)
    throw notAnArchive('there are bytes in it that belong to no file');
  return entries;
}

function textOf(bytes: Uint8Array): string {
  try {
    return parseUtf8(bytes);
  } catch {
    return '';
  }
}

function notAnArchive(detail: string): AuditError {
  return new AuditError('AUDIT_NOT_A_BUNDLE', `The file is not a zip of the one form: ${detail}.`);
}
