/**
 * The records of a zip of stored files, each with exactly one form for what it says: no time, no attributes, no comments, no flags. Zip64
 * records stand exactly where the plain ones cannot say it.
 * @see APPNOTE.TXT 6.3.10 §4.3
 */
import { concatBytes, utf8ToBytes } from '../base/mod.ts';

/** One file of an archive. */
export interface ArchiveEntry {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly crc: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/** Where the directory of an archive is. */
export interface DirectoryPlace {
  readonly count: number;
  readonly offset: number;
  readonly size: number;
}

/** Length of a local header without its name. */
export const LOCAL_HEADER_BYTES = 30;
/** Length of a directory entry without its name and extra field. */
export const DIRECTORY_ENTRY_BYTES = 46;
/** Length of the end record, and of the two Zip64 records that may stand before it. */
export const END_BYTES = 22;
export const ZIP64_END_BYTES = 56;
export const ZIP64_LOCATOR_BYTES = 20;

const MAX_16 = 0xffff;
const MAX_32 = 0xffff_ffff;
const VERSION_STORED = 20;
const VERSION_ZIP64 = 45;
// 1980-01-01, the earliest day that a zip can state: a bundle's bytes must not depend on when it was made.
const DATE = 0x21;

type Field = readonly [value: number, bytes: 2 | 4 | 8];

function record(...fields: readonly Field[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((sum, [, bytes]) => sum + bytes, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [value, bytes] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return out;
}

/** The header that stands before a file's bytes. */
export function encodeLocalHeader({ path, crc, size }: ArchiveEntry): Uint8Array {
  const name = utf8ToBytes(path);
  const header = record(
    [0x0403_4b50, 4],
    [VERSION_STORED, 2],
    [0, 2],
    [0, 2],
    [0, 2],
    [DATE, 2],
    [crc, 4],
    [size, 4],
    [size, 4],
    [name.length, 2],
    [0, 2],
  );
  return concatBytes(header, name);
}

/** A file's entry in the directory. */
export function encodeDirectoryEntry({ path, crc, size, offset }: ArchiveEntry): Uint8Array {
  const name = utf8ToBytes(path);
  const isFar = offset >= MAX_32;
  const extra = isFar ? record([1, 2], [8, 2], [offset, 8]) : new Uint8Array();
  const version = isFar ? VERSION_ZIP64 : VERSION_STORED;
  const header = record(
    [0x0201_4b50, 4],
    [version, 2],
    [version, 2],
    [0, 2],
    [0, 2],
    [0, 2],
    [DATE, 2],
    [crc, 4],
    [size, 4],
    [size, 4],
    [name.length, 2],
    [extra.length, 2],
    [0, 2],
    [0, 2],
    [0, 2],
    [0, 4],
    [isFar ? MAX_32 : offset, 4],
  );
  return concatBytes(header, name, extra);
}

/** What stands after the directory. */
export function encodeEnd({ count, offset, size }: DirectoryPlace): Uint8Array {
  const isLarge = count >= MAX_16 || offset >= MAX_32 || size >= MAX_32;
  const end = record(
    [0x0605_4b50, 4],
    [0, 2],
    [0, 2],
    [isLarge ? MAX_16 : count, 2],
    [isLarge ? MAX_16 : count, 2],
    [isLarge ? MAX_32 : size, 4],
    [isLarge ? MAX_32 : offset, 4],
    [0, 2],
  );
  if (!isLarge) return end;
  const zip64 = record(
    [0x0606_4b50, 4],
    [ZIP64_END_BYTES - 12, 8],
    [VERSION_ZIP64, 2],
    [VERSION_ZIP64, 2],
    [0, 4],
    [0, 4],
    [count, 8],
    [count, 8],
    [size, 8],
    [offset, 8],
  );
  return concatBytes(zip64, record([0x0706_4b50, 4], [0, 4], [offset + size, 8], [1, 4]), end);
}

/**
 * Where an archive's last bytes say that its directory is; undefined when they are not the end of an archive.
 * @param tail the last bytes of the archive, up to 98 of them
 */
export function parseEnd(tail: Uint8Array): DirectoryPlace | undefined {
  if (tail.length < END_BYTES) return undefined;
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const end = tail.length - END_BYTES;
  const count = view.getUint16(end + 10, true);
  const plain = { count, size: view.getUint32(end + 12, true), offset: view.getUint32(end + 16, true) };
  if (count < MAX_16) return plain;
  const zip64 = end - ZIP64_LOCATOR_BYTES - ZIP64_END_BYTES;
  if (zip64 < 0) return undefined;
  const number = (at: number): number => Number(view.getBigUint64(zip64 + at, true));
  const place = { count: number(32), size: number(40), offset: number(48) };
  return Object.values(place).every(Number.isSafeInteger) ? place : undefined;
}
