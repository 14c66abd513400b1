/** How a file is cut: where each sealed chunk lies, and how long it is. */
import { accept, refuse, type Verdict } from '../base/mod.ts';
import type { EvidenceFile } from '../wire/mod.ts';

/** Plaintext bytes of a chunk where nothing else is asked for: large enough to cost little, small enough not to delay a message. */
export const DEFAULT_CHUNK_BYTES = 262_144;
const MIN_CHUNK_BYTES = 4096;
const MAX_CHUNK_BYTES = 524_288;
/** What sealing adds to a chunk: the tag of AES-256-GCM. */
export const TAG_BYTES = 16;

/** The measures of one file, all in bytes and chunks. */
export interface Geometry {
  readonly size: number;
  readonly chunkBytes: number;
  readonly chunkCount: number;
}

/** The geometry of a file of `size` bytes, at least 1. */
export function geometryOf(size: number, chunkBytes: number = DEFAULT_CHUNK_BYTES): Geometry {
  return { size, chunkBytes, chunkCount: Math.ceil(size / chunkBytes) };
}

/** The geometry that a peer announces, if it can be one. */
export function verifyGeometry(file: EvidenceFile): Verdict<Geometry, 'EVIDENCE_MALFORMED'> {
  const { size, chunk_bytes: chunkBytes, chunk_count: chunkCount } = file;
  const bad = (detail: string): Verdict<Geometry, 'EVIDENCE_MALFORMED'> => refuse('EVIDENCE_MALFORMED', detail);
  if (chunkBytes < MIN_CHUNK_BYTES || chunkBytes > MAX_CHUNK_BYTES)
    return bad(`chunks must have ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES} bytes`);
  const right = geometryOf(size, chunkBytes);
  if (chunkCount !== right.chunkCount) return bad(`${size} bytes make ${right.chunkCount} chunks, not ${chunkCount}`);
  if (!Number.isSafeInteger(sealedSize(right))) return bad('is too large to count');
  return accept(right);
}

/** Plaintext bytes of one chunk. */
export function plainLength({ size, chunkBytes, chunkCount }: Geometry, index: number): number {
  return index === chunkCount - 1 ? size - index * chunkBytes : chunkBytes;
}

/** Bytes of one sealed chunk. */
export function sealedLength(geometry: Geometry, index: number): number {
  return plainLength(geometry, index) + TAG_BYTES;
}

/** Where a sealed chunk begins in the stored file. */
export function sealedOffset({ chunkBytes }: Pick<Geometry, 'chunkBytes'>, index: number): number {
  return index * (chunkBytes + TAG_BYTES);
}

/** Length of the stored file. */
export function sealedSize({ size, chunkCount }: Geometry): number {
  return size + chunkCount * TAG_BYTES;
}
