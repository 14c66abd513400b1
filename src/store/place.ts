/**
 * What the tables hold of the journal: where large values are, and, under keys that no caller can have, which segments are settled.
 *
 *     a value in a segment   02 ‖ segment (4) ‖ offset (4) ‖ length (4)
 *     01 “settled”           number of the last segment whose commits are in the tables (8) ‖ number of the last of them (8)
 *     01 “segment/” number   length of the segment (8) ‖ bytes of values in it that still count (8): it is needed
 *     01 “dead/” segment “/” offset   length of a value that is gone, until it is overwritten (8)
 *
 * Numbers are big-endian.
 */
import type { Extent } from './journal-record.ts';

const PLACE = 2;
const PLACE_BYTES = 13;

/** A large value that is not in memory. */
export interface Place extends Extent {
  /** Number of its segment. */
  readonly segment: number;
}

/** What every key of the journal's own begins with; a caller's keys are of printable characters. */
export const OWN_PREFIX = '\u0001';

export const ownKeys = {
  settled: `${OWN_PREFIX}settled`,
  segments: `${OWN_PREFIX}segment/`,
  dead: `${OWN_PREFIX}dead/`,
  segment: (number: number): string => `${OWN_PREFIX}segment/${digits(number)}`,
  deadAt: ({ segment, at }: Place): string => `${OWN_PREFIX}dead/${digits(segment)}/${digits(at)}`,
} as const;

export function encodePlace({ segment, at, length }: Place): Uint8Array {
  const bytes = Buffer.allocUnsafe(PLACE_BYTES);
  bytes[0] = PLACE;
  bytes.writeUInt32BE(segment, 1);
  bytes.writeUInt32BE(at, 5);
  bytes.writeUInt32BE(length, 9);
  return bytes;
}

/** @returns undefined for a value that is in the table itself */
export function parsePlace(resting: Uint8Array): Place | undefined {
  if (resting[0] !== PLACE || resting.length !== PLACE_BYTES) return undefined;
  const view = new DataView(resting.buffer, resting.byteOffset, resting.byteLength);
  return { segment: view.getUint32(1), at: view.getUint32(5), length: view.getUint32(9) };
}

export function encodeNumbers(...numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(8 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeBigUInt64BE(BigInt(number), 8 * i);
  return bytes;
}

export function numbersOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) => Number(view.getBigUint64(8 * i)));
}

/** The number that a key of the journal's own ends with. */
export function lastNumberOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

function digits(number: number): string {
  return String(number).padStart(10, '0');
}
