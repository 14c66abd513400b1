/**
 * One commit as it stands in a segment of the journal: all of it under seals, so that it is there whole or not at all.
 *
 *     checksum (4, CRC-32C of the 28 bytes after it) ‖ length of the operations (4) ‖ length of the large values (4) ‖ 0 (12) ‖
 *     number of the commit (8) ‖ sealed operations ‖ sealed large values
 *
 * An operation is kind (1) ‖ length of the key (2) ‖ length of the value (4) ‖ key ‖ value. A large value is sealed by itself, after the
 * operations and in their order, so that it can stay where it is and be read alone. Numbers are big-endian; lengths are of plaintexts,
 * and every seal adds a tag of 16 bytes. Records begin at multiples of 32, so that no header lies in two sectors of a disk. The nonce is the place in the segment, whose key is its own: nothing is written twice to one.
 */
import type { KeyObject } from 'node:crypto';
import { NONCE_BYTES, TAG_BYTES, openBytes, sealBytes } from './cipher.ts';
import { crc32c } from './crc32c.ts';
import type { Batch } from './store.ts';

/** Length of what stands before the operations, in bytes. */
export const RECORD_HEADER_BYTES = 32;
/** A value of so many bytes stays in the journal; to move it into a table would write it three times more. */
export const LARGE_BYTES = 2048;

const OPERATION_HEADER_BYTES = 7;
const CHECKSUM_BYTES = 4;
const [DELETE, PUT, PUT_LARGE] = [0, 1, 2];

/** Where a large value is in its segment. */
export interface Extent {
  /** Offset of its ciphertext, in bytes. */
  readonly at: number;
  /** Length of its plaintext. */
  readonly length: number;
}

/** What one commit did to a key: the value, where it is large its place as well; null for a deletion. */
export type Operation = readonly [key: string, value: Uint8Array | null, extent?: Extent];

/** A commit, sealed for the place that it will be written to. */
export interface SealedRecord {
  /** To be written one after another. */
  readonly parts: readonly Uint8Array[];
  /** Of all parts together. */
  readonly bytes: number;
  /** Of the operations alone: what is kept in memory until it is settled. */
  readonly smallBytes: number;
  /** What it did, in order; values are the journal's own, and those of large ones the caller's. */
  readonly operations: readonly Operation[];
}

/** Seals a commit that will stand at this offset of its segment. Deletions come first: a key that is put as well is there afterwards. */
export function sealRecord(key: KeyObject, at: number, number: number, batch: Batch): SealedRecord {
  const { puts, deletes = [] } = batch;
  let length = 0;
  for (const name of deletes) length += OPERATION_HEADER_BYTES + name.length;
  let largeBytes = 0;
  for (const [name, value] of puts) {
    length += OPERATION_HEADER_BYTES + name.length;
    if (value.length < LARGE_BYTES) length += value.length;
    else largeBytes += value.length + TAG_BYTES;
  }
  const header = encodeHeader(length, largeBytes, number);
  // Not out of Node's pool: what is remembered of it would keep whatever else was there.
  const small = Buffer.allocUnsafeSlow(length);
  const operations: Operation[] = [];
  const large: Uint8Array[] = [];
  let end = 0;
  let largeAt = at + RECORD_HEADER_BYTES + length + TAG_BYTES;
  const write = (kind: number, name: string, valueLength: number): void => {
    small[end] = kind;
    small.writeUInt16BE(name.length, end + 1);
    small.writeUInt32BE(valueLength, end + 3);
    small.write(name, end + OPERATION_HEADER_BYTES, 'latin1');
    end += OPERATION_HEADER_BYTES + name.length;
  };
  for (const name of deletes) {
    write(DELETE, name, 0);
    operations.push([name, null]);
  }
  for (const [name, value] of puts) {
    if (value.length < LARGE_BYTES) {
      write(PUT, name, value.length);
      small.set(value, end);
      operations.push([name, viewOf(small, end, value.length)]);
      end += value.length;
      continue;
    }
    write(PUT_LARGE, name, value.length);
    large.push(...sealLarge(key, largeAt, name, value));
    operations.push([name, value, { at: largeAt, length: value.length }]);
    largeAt += value.length + TAG_BYTES;
  }
  const parts = [header, ...sealBytes(key, nonceOf(at), header, small), ...large];
  return { parts, bytes: largeAt - at, smallBytes: length, operations };
}

/** What the beginning of a record says of the rest. */
export interface RecordHeader {
  readonly number: number;
  /** Of the whole record. */
  readonly bytes: number;
}

/** @returns undefined where the checksum does not fit */
export function parseRecordHeader(header: Uint8Array): RecordHeader | undefined {
  const view = new DataView(header.buffer, header.byteOffset, RECORD_HEADER_BYTES);
  if (crc32c(header.subarray(CHECKSUM_BYTES, RECORD_HEADER_BYTES)) !== view.getUint32(0)) return undefined;
  const bytes = RECORD_HEADER_BYTES + view.getUint32(4) + TAG_BYTES + view.getUint32(8);
  return { number: Number(view.getBigUint64(24)), bytes };
}

/**
 * Opens a whole record, large values and all.
 * @param at its offset in the segment
 * @throws when it is not as it was written
 */
export function openRecord(key: KeyObject, at: number, record: Uint8Array): Operation[] {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const header = record.subarray(0, RECORD_HEADER_BYTES);
  const largeStart = RECORD_HEADER_BYTES + view.getUint32(4) + TAG_BYTES;
  const small = openBytes(key, nonceOf(at), header, record.subarray(RECORD_HEADER_BYTES, largeStart));
  const operations = parseOperations(small, at + largeStart);
  return operations.map(([name, value, extent]): Operation => {
    if (extent === undefined) return [name, value];
    const start = extent.at - at;
    return [name, openLarge(key, extent, name, record.subarray(start, start + extent.length + TAG_BYTES)), extent];
  });
}

/** Opens a large value. @param sealed all of it, from its place on */
export function openLarge(key: KeyObject, extent: Extent, name: string, sealed: Uint8Array): Uint8Array {
  return openBytes(key, nonceOf(extent.at), Buffer.from(name, 'latin1'), sealed);
}

function sealLarge(key: KeyObject, at: number, name: string, value: Uint8Array): readonly Uint8Array[] {
  return sealBytes(key, nonceOf(at), Buffer.from(name, 'latin1'), value);
}

function parseOperations(small: Uint8Array, largeStart: number): Operation[] {
  const bytes = Buffer.from(small.buffer, small.byteOffset, small.byteLength);
  const operations: Operation[] = [];
  let largeAt = largeStart;
  for (let at = 0; at < bytes.length;) {
    const [kind, nameLength, length] = [bytes[at], bytes.readUInt16BE(at + 1), bytes.readUInt32BE(at + 3)];
    const valueAt = at + OPERATION_HEADER_BYTES + nameLength;
    const name = bytes.toString('latin1', at + OPERATION_HEADER_BYTES, valueAt);
    at = valueAt;
    if (kind === DELETE) operations.push([name, null]);
    else if (kind === PUT) {
      operations.push([name, viewOf(bytes, valueAt, length)]);
      at += length;
    } else {
      operations.push([name, new Uint8Array(), { at: largeAt, length }]);
      largeAt += length + TAG_BYTES;
    }
  }
  return operations;
}

function encodeHeader(length: number, largeBytes: number, number: number): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt32BE(length, 4);
  header.writeUInt32BE(largeBytes, 8);
  header.writeBigUInt64BE(BigInt(number), 24);
  header.writeUInt32BE(crc32c(header.subarray(CHECKSUM_BYTES)), 0);
  return header;
}

function nonceOf(at: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(at, NONCE_BYTES - 4);
  return nonce;
}

function viewOf(bytes: Buffer, at: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
}
