/**
 * A journal as it was left: the commits that are not in the tables yet, read again. What the last one of them was when the power went, or
 * the process was killed, may be there in part: it was not acknowledged, and is cut off. Anything else that is not as it was written is
 * damage, and never passed over.
 */
import { readFileSync } from 'node:fs';
import { RECORD_HEADER_BYTES, openRecord, parseRecordHeader } from './journal-record.ts';
import { lastNumberOf, numbersOf, ownKeys } from './place.ts';
import { SEGMENT_HEADER_BYTES, alignedUp, damagedSegment, segmentPath, type Segment } from './segment.ts';
import type { Segments } from './segments.ts';
import type { Store } from './store.ts';

const SECTOR_BYTES = 512;

/** What a journal holds beyond the tables. */
export interface Unsettled {
  /** Numbers of the segments that it was read from. */
  readonly segments: readonly number[];
  /** By key, what the commits came to: a value, or null for a deletion. */
  readonly outcome: ReadonlyMap<string, Uint8Array | null>;
  /** Number of the last segment that was ever begun, and of the last commit. */
  readonly lastSegment: number;
  readonly lastCommit: number;
}

/** Reads the journal of tables that are open. @throws {StoreError} STORE_CORRUPT */
export async function readUnsettled(segments: Segments, resting: Store): Promise<Unsettled> {
  const marker = await resting.get(ownKeys.settled);
  const [settledSegment, settledCommit] = marker === undefined ? [0, 0] : (numbersOf(marker) as [number, number]);
  const kept = await checkKept(segments, resting);
  const there = segments.list();
  // What was settled and is not needed, a process that ended has not come to remove.
  for (const number of there) if (number <= settledSegment && !kept.has(number)) segments.remove(number);
  const unsettled = withoutUnbegun(
    segments,
    there.filter((number) => number > settledSegment),
  );
  const outcome = new Map<string, Uint8Array | null>();
  let lastCommit = settledCommit;
  for (const [i, number] of unsettled.entries()) {
    if (number !== settledSegment + 1 + i) throw damagedSegment(settledSegment + 1 + i, 'is missing');
    lastCommit = await readSegment(segments, number, i === unsettled.length - 1, lastCommit, outcome);
  }
  return { segments: unsettled, outcome, lastSegment: unsettled.at(-1) ?? settledSegment, lastCommit };
}

/** Every segment that values stay in is there, and as long as it was. */
async function checkKept(segments: Segments, resting: Store): Promise<Set<number>> {
  const kept = new Set<number>();
  for await (const [key, record] of resting.scan(ownKeys.segments)) {
    const number = lastNumberOf(key);
    const segment = segments.find(number);
    if (segment === undefined) throw damagedSegment(number, 'has no whole beginning');
    const { bytes } = segment;
    segment.close();
    if (bytes < numbersOf(record)[0]!) throw damagedSegment(number, 'was cut');
    kept.add(number);
  }
  return kept;
}

/** Removes a last segment of which the beginning never reached the disk: nothing can have been acknowledged that stood in it. */
function withoutUnbegun(segments: Segments, numbers: readonly number[]): readonly number[] {
  const last = numbers.at(-1);
  if (last === undefined) return numbers;
  const segment = segments.find(last);
  segment?.close();
  if (segment !== undefined) return numbers;
  const bytes = readFileSync(segmentPath(segments.folder, last));
  if (!isUnwritten(bytes, 0, SEGMENT_HEADER_BYTES)) throw damagedSegment(last, 'has no whole beginning');
  segments.remove(last);
  return numbers.slice(0, -1);
}

/** @returns number of the last commit */
async function readSegment(
  segments: Segments,
  number: number,
  isLast: boolean,
  before: number,
  outcome: Map<string, Uint8Array | null>,
): Promise<number> {
  const bytes = readFileSync(segmentPath(segments.folder, number));
  const segment = segments.find(number);
  if (segment === undefined) throw damagedSegment(number, 'has no whole beginning');
  try {
    return await readRecords(segment, bytes, isLast, before, outcome);
  } finally {
    segment.close();
  }
}

async function readRecords(
  segment: Segment,
  bytes: Uint8Array,
  isLast: boolean,
  before: number,
  outcome: Map<string, Uint8Array | null>,
): Promise<number> {
  let last = before;
  for (let at = SEGMENT_HEADER_BYTES; at < bytes.length;) {
    // A segment is made longer ahead of what is written to it.
    if (isZeros(bytes, at, bytes.length)) break;
    const header = bytes.length < at + RECORD_HEADER_BYTES ? undefined : parseRecordHeader(bytes.subarray(at));
    const end = at + (header?.bytes ?? RECORD_HEADER_BYTES);
    const record = bytes.subarray(at, end);
    try {
      if (header === undefined || record.length < header.bytes) throw new RangeError('The record is not whole.');
      for (const [key, value] of openRecord(segment.key, at, record)) outcome.set(key, value);
    } catch {
      if (!isLast || !isUnwritten(bytes, at, end)) throw damagedSegment(segment.number, 'has a changed record');
      await segment.truncate(at);
      break;
    }
    if (header.number !== last + 1) throw damagedSegment(segment.number, 'lacks a commit');
    last = header.number;
    at = alignedUp(end);
  }
  return last;
}

/** Whether the part of a file from `start` to `end` never reached the disk whole: it is cut, or a sector of it is still zeros. */
function isUnwritten(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes.length < end) return true;
  for (let at = start; at < end;) {
    const next = Math.min(end, at - (at % SECTOR_BYTES) + SECTOR_BYTES);
    if (isZeros(bytes, at, next)) return true;
    at = next;
  }
  return false;
}

function isZeros(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
