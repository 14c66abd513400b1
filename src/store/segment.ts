/**
 * A file of the journal: commits one after another, in the order in which they were made. It is written by one process and then never
 * again, except that values which are gone are overwritten with zeros.
 *
 *     “rogseg01” ‖ salt (16) ‖ number (4, big-endian) ‖ checksum (4, CRC-32C of the 28 bytes before it) ‖ records
 *
 * Its key is HKDF-SHA-256 of the data key and the salt: a segment that is lost and made again shares nothing with the one before.
 * @see RFC 5869
 */
import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  write,
  writeSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TAG_BYTES } from './cipher.ts';
import { crc32c } from './crc32c.ts';
import { StoreError } from './error.ts';
import type { Flush } from './flush.ts';
import { openLarge, type Extent, type SealedRecord } from './journal-record.ts';
import { changedValue } from './sealed-value.ts';

/** Length of what stands before the first record, in bytes. */
export const SEGMENT_HEADER_BYTES = 32;

const ALIGNMENT = 32;
// To flush what is written over zeros takes half as long as to flush what makes a file longer. A node with little to write does without.
const ZEROS = Buffer.alloc(1024 * 1024);
const ZEROS_FROM_BYTES = 256 * 1024;
const LEAST_ZEROS = 4096;

const MAGIC = Buffer.from('rogseg01', 'latin1');
const SALT_BYTES = 16;
const NUMBER_AT = MAGIC.length + SALT_BYTES;
const CHECKSUM_AT = NUMBER_AT + 4;
const KEY_INFO = 'rogatory store segment 1';
const MODE = 0o600;

const flush = promisify(fsync);
const flushData = promisify(fdatasync);
const writeAt = promisify(write);

// What is read is opened at once, into memory of its own.
const scratch = Buffer.allocUnsafeSlow(65_536);

/** A segment of the journal, open. */
export class Segment {
  readonly number: number;
  readonly key: KeyObject;
  readonly #path: string;
  readonly #descriptor: number;
  /** The same file, open once more for zeros. */
  #ahead: number | undefined;
  #bytes: number;
  /** Up to here there are zeros ahead. */
  #zeroedTo = 0;
  /** Zeros that are on their way, and where they begin. */
  #zeroing: Promise<void> | undefined;
  #zeroingFrom = 0;
  readonly #share: number;
  #isSynced = true;
  #isClosed = false;

  private constructor(number: number, path: string, descriptor: number, key: KeyObject, bytes: number, share: number) {
    this.number = number;
    this.#path = path;
    this.key = key;
    this.#descriptor = descriptor;
    this.#bytes = bytes;
    this.#share = share;
  }

  /**
   * Makes an empty one; its name is on disk when this resolves.
   * @param share part of the usual sizes: 1 in service
   */
  static async create(folder: string, number: number, dataKey: Uint8Array, share: number): Promise<Segment> {
    const path = segmentPath(folder, number);
    const descriptor = openSync(path, 'wx+', MODE);
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    MAGIC.copy(header);
    const salt = randomBytes(SALT_BYTES);
    salt.copy(header, MAGIC.length);
    header.writeUInt32BE(number, NUMBER_AT);
    header.writeUInt32BE(crc32c(header.subarray(0, CHECKSUM_AT)), CHECKSUM_AT);
    const segment = new Segment(number, path, descriptor, keyOf(dataKey, salt), 0, share);
    segment.#write([header], header.length, 0);
    await syncFolder(folder);
    return segment;
  }

  /**
   * Opens one that is there, to be read.
   * @returns undefined where its header is not whole, or not that of this segment
   */
  static open(folder: string, number: number, dataKey: Uint8Array): Segment | undefined {
    const path = segmentPath(folder, number);
    const descriptor = openSync(path, 'r+');
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const isWhole =
      readSync(descriptor, header, 0, header.length, 0) === header.length &&
      header.subarray(0, MAGIC.length).equals(MAGIC) &&
      header.readUInt32BE(NUMBER_AT) === number &&
      header.readUInt32BE(CHECKSUM_AT) === crc32c(header.subarray(0, CHECKSUM_AT));
    if (!isWhole) {
      closeSync(descriptor);
      return undefined;
    }
    const salt = header.subarray(MAGIC.length, NUMBER_AT);
    return new Segment(number, path, descriptor, keyOf(dataKey, salt), fstatSync(descriptor).size, 0);
  }

  /** How much of it is written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where the next record goes. */
  get end(): number {
    return alignedUp(this.#bytes);
  }

  /** Puts a record at the end, after `room` for it. It can be read at once, and is on disk after the next `sync`. */
  append({ parts, bytes }: SealedRecord): void {
    this.#write(parts, bytes, this.end);
    const step = Math.max(LEAST_ZEROS, ZEROS.length * this.#share);
    const isDue = this.#bytes > ZEROS_FROM_BYTES * this.#share && this.#bytes + step / 2 > this.#zeroedTo;
    if (isDue && this.#zeroing === undefined) this.#zeroing = this.#writeZeros(step);
  }

  /** What a record of this length has to wait for, if anything: zeros must not come after what they make room for. */
  room(bytes: number): Promise<void> | undefined {
    return this.end + bytes > this.#zeroingFrom ? this.#zeroing : undefined;
  }

  /** Takes what is ahead of the records off again: it is not written any more. */
  async finish(): Promise<void> {
    await this.#zeroing;
    if (this.#zeroedTo > this.#bytes) ftruncateSync(this.#descriptor, this.#bytes);
    this.#zeroedTo = 0;
    this.#endAhead();
  }

  /** Resolves when everything that was written is on disk. */
  async sync(flush: Flush): Promise<void> {
    if (this.#isSynced) return;
    await flush.data(this.#descriptor);
    this.#isSynced = true;
  }

  /** A large value. @throws {StoreError} STORE_CORRUPT */
  read(name: string, extent: Extent): Uint8Array {
    const bytes = extent.length + TAG_BYTES;
    const sealed = bytes <= scratch.length ? scratch.subarray(0, bytes) : Buffer.allocUnsafe(bytes);
    try {
      // Its descriptor may be that of another file by now.
      if (this.#isClosed) throw new RangeError('The segment is closed.');
      if (readSync(this.#descriptor, sealed, 0, sealed.length, extent.at) !== sealed.length)
        throw new RangeError('The segment ends before the value does.');
      return openLarge(this.key, extent, name, sealed);
    } catch (cause) {
      throw changedValue(name, cause);
    }
  }

  /** Cuts off what was written in vain; it is gone from the disk when this resolves. */
  async truncate(bytes: number): Promise<void> {
    ftruncateSync(this.#descriptor, bytes);
    await flush(this.#descriptor);
    this.#bytes = bytes;
  }

  /** Overwrites values with zeros; they are gone from the disk when this resolves. */
  async erase(extents: readonly Extent[]): Promise<void> {
    for (const { at, length } of extents)
      writeSync(this.#descriptor, Buffer.alloc(length + TAG_BYTES), 0, undefined, at);
    await flushData(this.#descriptor);
  }

  /** Nothing can be read from it after. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
    this.#endAhead();
  }

  async #writeZeros(bytes: number): Promise<void> {
    const from = Math.max(this.#zeroedTo, this.#bytes);
    this.#zeroingFrom = from;
    this.#zeroedTo = from + bytes;
    try {
      // What the disk has failed to keep, of records as well, the system tells once to each who has opened the file. Whoever waits for a
      // record must be told.
      this.#ahead ??= openSync(this.#path, 'r+');
      await writeAt(this.#ahead, ZEROS, 0, bytes, from);
      await flushData(this.#ahead);
    } catch {
      // Of a disk without room the next record tells, and of one that fails its flush.
    } finally {
      this.#zeroing = undefined;
    }
  }

  #endAhead(): void {
    if (this.#ahead !== undefined) closeSync(this.#ahead);
    this.#ahead = undefined;
  }

  #write(parts: readonly Uint8Array[], bytes: number, at: number): void {
    this.#isSynced = false;
    // The system writes less than it was asked for when the disk is full; the next write then says why.
    let left = [...parts];
    for (let done = 0; done < bytes;) {
      let written = writevSync(this.#descriptor, left, at + done);
      done += written;
      if (done === bytes) break;
      left = left.flatMap((part) => {
        const skipped = Math.min(written, part.length);
        written -= skipped;
        return skipped === part.length ? [] : [part.subarray(skipped)];
      });
    }
    this.#bytes = at + bytes;
  }
}

/** Where a record may begin, from a place on. */
export function alignedUp(at: number): number {
  return Math.ceil(at / ALIGNMENT) * ALIGNMENT;
}

/** Where a segment is. */
export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(10, '0')}.segment`);
}

/** Its number, by the name of its file; undefined for another file. */
export function segmentNumberOf(name: string): number | undefined {
  return /^[0-9]{10}\.segment$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** The error for a journal that is not as it was written. */
export function damagedSegment(number: number, what: string): StoreError {
  return new StoreError(
    'STORE_CORRUPT',
    `The store was damaged on disk: segment ${number} of the journal ${what}. Restore the newest backup.`,
  );
}

function keyOf(dataKey: Uint8Array, salt: Uint8Array): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', dataKey, salt, KEY_INFO, 32)));
}

async function syncFolder(folder: string): Promise<void> {
  const descriptor = openSync(folder, 'r');
  try {
    await flush(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
