/**
 * The one frame that is long and comes by the thousand. Its canonical encoding is so simple that it is read and written here without
 * decoding, encoding again and comparing a quarter of a megabyte each time; the answer is the same as the codec's, to the byte.
 */
import { isUuid } from '../base/mod.ts';
import type { EvidenceChunk } from './generated/types.ts';

// Field 11 of Frame, and fields 1 to 3 of EvidenceChunk; all but the index are length-delimited.
const [CHUNK, FILE_ID, INDEX, SEALED] = [0x5a, 0x0a, 0x10, 0x1a];
const UUID_LENGTH = 36;
const MAX_SEALED_BYTES = 524_304;

/** The chunk in a frame; undefined for every other frame and for all that is not canonical, which the codec is to judge. */
export function tryParseChunk(bytes: Uint8Array): EvidenceChunk | undefined {
  if (bytes[0] !== CHUNK) return undefined;
  const body = tryVarint(bytes, 1);
  if (body === undefined || body.next + body.value !== bytes.length) return undefined;
  let at = body.next;
  if (bytes[at] !== FILE_ID || bytes[at + 1] !== UUID_LENGTH) return undefined;
  const fileId = String.fromCharCode(...bytes.subarray(at + 2, at + 2 + UUID_LENGTH));
  if (!isUuid(fileId)) return undefined;
  at += 2 + UUID_LENGTH;
  let index = 0;
  if (bytes[at] === INDEX) {
    const read = tryVarint(bytes, at + 1);
    // Zero is written by leaving it out.
    if (read === undefined || read.value === 0) return undefined;
    ({ value: index, next: at } = read);
  }
  if (bytes[at] !== SEALED) return undefined;
  const sealed = tryVarint(bytes, at + 1);
  if (sealed === undefined || sealed.value === 0 || sealed.value > MAX_SEALED_BYTES) return undefined;
  if (sealed.next + sealed.value !== bytes.length) return undefined;
  return { file_id: fileId, index, sealed: bytes.subarray(sealed.next) };
}

/** More than what comes before the content of a chunk in its frame, in bytes. */
export const CHUNK_HEAD_BYTES = 64;
/** What is left free before a frame that is laid out, in bytes: whoever sends it has a head of its own to put there. */
export const FRAME_ROOM_BYTES = 16;

/** The frame of a chunk: its content is copied once. */
export function encodeChunk({ file_id, index, sealed }: EvidenceChunk): Uint8Array {
  const laid = layChunk(new Uint8Array(FRAME_ROOM_BYTES + CHUNK_HEAD_BYTES + sealed.length), {
    file_id,
    index,
    length: sealed.length,
  });
  laid.sealed.set(sealed);
  return laid.frame;
}

/**
 * The frame of a chunk in a buffer that can be used again, with a place in it for the content.
 * @param buffer at least `FRAME_ROOM_BYTES` and `CHUNK_HEAD_BYTES` longer than the content
 */
export function layChunk(
  buffer: Uint8Array<ArrayBuffer>,
  { file_id: fileId, index, length }: Omit<EvidenceChunk, 'sealed'> & { readonly length: number },
): { readonly frame: Uint8Array; readonly sealed: Uint8Array<ArrayBuffer> } {
  const before = [
    FILE_ID,
    UUID_LENGTH,
    ...Array.from(fileId, (character) => character.charCodeAt(0)),
    ...(index === 0 ? [] : [INDEX, ...varint(index)]),
    SEALED,
    ...varint(length),
  ];
  const head = [CHUNK, ...varint(before.length + length), ...before];
  buffer.set(head, FRAME_ROOM_BYTES);
  const start = FRAME_ROOM_BYTES + head.length;
  const end = start + length;
  return { frame: buffer.subarray(FRAME_ROOM_BYTES, end), sealed: buffer.subarray(start, end) };
}

// Arithmetic rather than bit operators: those are 32 bits wide, and the cap is 2^53−1.
function tryVarint(bytes: Uint8Array, start: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let length = 1; length <= 8; length++) {
    const byte = bytes[start + length - 1];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
    if (byte < 0x80) return byte === 0 && length > 1 ? undefined : { value, next: start + length };
    scale *= 128;
  }
  return undefined;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80);
  bytes.push(rest);
  return bytes;
}
