import type { Extent, SealedRecord } from './journal-record.ts';
import type { Segment } from './segment.ts';

/** A value that is in a segment, and in memory as well while it is new. */
export interface LargeValue extends Extent {
  readonly segment: Segment;
  recent: Uint8Array | undefined;
}

/** What a generation knows of a key: its value, or null where it was deleted. */
export type Held = Uint8Array | LargeValue | null;

// A generation is in memory until it is in the tables, and so is the one that is being brought there.
const MAX_SMALL_BYTES = 1024 * 1024;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * What the commits of one segment came to: for each key that they touched the last that they did to it. Most of what a node writes it
 * soon writes again or deletes, and none of that ever reaches the tables.
 */
export class Generation {
  readonly segment: Segment;
  /** By key, in no order. */
  readonly held = new Map<string, Held>();
  /** Values of this segment that were replaced or deleted within it. */
  readonly dead: Extent[] = [];
  /** Whether a key was deleted. */
  hasDeletions = false;
  /** Number of the last commit in it. */
  lastCommit = 0;
  readonly #share: number;
  #smallBytes = 0;

  /** @param share of the usual size, after which it makes room for the next: 1 in service */
  constructor(segment: Segment, share: number) {
    this.segment = segment;
    this.#share = share;
  }

  /** Whether the next commit belongs into another segment. */
  get isFull(): boolean {
    return this.#smallBytes >= MAX_SMALL_BYTES * this.#share || this.segment.bytes >= MAX_BYTES * this.#share;
  }

  /** What a commit will be held as, in the order of its operations; there is time for it while the disk works. */
  prepare({ operations }: SealedRecord, onLarge: (value: LargeValue, bytes: Uint8Array) => void): Held[] {
    return operations.map(([, value, extent]) => {
      if (extent === undefined || value === null) return value;
      const { at, length } = extent;
      const large: LargeValue = { segment: this.segment, at, length, recent: undefined };
      onLarge(large, value);
      return large;
    });
  }

  /** Takes what a commit did, once it counts. */
  take({ operations, smallBytes }: SealedRecord, commit: number, prepared: readonly Held[]): void {
    this.lastCommit = commit;
    this.#smallBytes += smallBytes;
    for (const [i, held] of prepared.entries()) {
      const [key] = operations[i]!;
      const before = this.held.get(key);
      if (isLarge(before)) this.dead.push(before);
      this.hasDeletions ||= held === null;
      this.held.set(key, held);
    }
  }

  /** Its keys that begin so, in order. */
  keysWith(prefix: string): string[] {
    return [...this.held.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  /** What is left of it beside a newer one, which has the last word about its own keys. */
  without(newer: Generation): Pick<Generation, 'held' | 'dead'> {
    const held = new Map<string, Held>();
    const dead = [...this.dead];
    for (const [key, value] of this.held) {
      if (!newer.held.has(key)) held.set(key, value);
      else if (isLarge(value)) dead.push(value);
    }
    return { held, dead };
  }
}

/** Bytes of large values among those held. */
export function liveBytesOf(held: ReadonlyMap<string, Held>): number {
  let bytes = 0;
  for (const value of held.values()) if (isLarge(value)) bytes += value.length;
  return bytes;
}

/** Whether what is held of a key is in a segment. */
export function isLarge(held: Held | undefined): held is LargeValue {
  return held !== undefined && held !== null && !(held instanceof Uint8Array);
}
