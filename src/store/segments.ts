import { readdirSync, unlinkSync } from 'node:fs';
import { TransientMap, makeFolder } from '../base/mod.ts';
import { Segment, damagedSegment, segmentNumberOf, segmentPath } from './segment.ts';

const MOST_OPEN = 256;

/** The segments of a journal's folder; of those that are read from, a few are open at a time. */
export class Segments {
  readonly folder: string;
  readonly #dataKey: Uint8Array;
  readonly #share: number;
  // In the order of insertion: the first was not used for longest.
  readonly #open = new TransientMap<number, Segment>();

  /** @param share part of the usual sizes: 1 in service */
  constructor(folder: string, dataKey: Uint8Array, share: number) {
    this.folder = folder;
    this.#dataKey = dataKey;
    this.#share = share;
    makeFolder(folder, 0o700);
  }

  /** Numbers of those that are there, in order. */
  list(): number[] {
    return readdirSync(this.folder)
      .flatMap((name) => segmentNumberOf(name) ?? [])
      .sort((a, b) => a - b);
  }

  /** Makes the next one; whoever writes it closes it. */
  create(number: number): Promise<Segment> {
    return Segment.create(this.folder, number, this.#dataKey, this.#share);
  }

  /** One that is there, or undefined where its header is not whole; whoever asks closes it. */
  find(number: number): Segment | undefined {
    try {
      return Segment.open(this.folder, number, this.#dataKey);
    } catch (error) {
      if (isMissing(error)) throw damagedSegment(number, 'is missing');
      throw error;
    }
  }

  /** One that values are in, to be read; it stays open for a while. @throws {StoreError} STORE_CORRUPT */
  get(number: number): Segment {
    const segment = this.#open.get(number) ?? this.find(number);
    if (segment === undefined) throw damagedSegment(number, 'has no whole beginning');
    this.#open.delete(number);
    this.#open.set(number, segment);
    for (const [oldest, found] of this.#open) {
      if (this.#open.size <= MOST_OPEN) break;
      found.close();
      this.#open.delete(oldest);
    }
    return segment;
  }

  /** Removes one from the disk; nothing is read from it any more. */
  remove(number: number): void {
    this.#open.get(number)?.close();
    this.#open.delete(number);
    try {
      unlinkSync(segmentPath(this.folder, number));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  close(): void {
    for (const segment of this.#open.values()) segment.close();
    this.#open.clear();
  }
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ENOENT';
}
