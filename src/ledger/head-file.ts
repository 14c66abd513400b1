/**
 * The record, outside the store, of the last head that was signed: what a store that was rolled back contradicts.
 *
 * Three slots of a page hold signed notes, padded with line ends; the largest that verifies counts. One is on disk, one may be on its way
 * there, and one is written in place: whatever a power cut leaves of the last two, the first is whole. Writing in place is in the hands
 * of the operating system before a receipt leaves, so that nothing but a power cut can undo it, and on disk within a moment; a store
 * that is put back is older than that. Replacing the file for every batch instead costs two more flushes, and nothing else of an
 * append costs as much.
 */
import {
  accept,
  parseUtf8,
  refuse,
  replaceFile,
  systemFiles,
  type Files,
  type OpenFile,
  type Timers,
  type Verdict,
} from '../base/mod.ts';
import { parseCheckpointNote, verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { epochKeysOf, placeInOrder } from './epoch.ts';
import type { LedgerReason } from './error.ts';
import type { VerifierKey } from './verifier-key.ts';

const HEAD_MODE = 0o644;
const SLOTS = 3;
const SLOT_BYTES = 4096;
// How much of what was signed last a power cut can make the record forget.
const FLUSH_AFTER_MS = 50;
const LINE_END = 0x0a;

/** The notes in the record's slots, unverified, in no order. A file that is one note has one. */
export function parseHeadFile(bytes: Uint8Array): string[] {
  const notes: string[] = [];
  for (let start = 0; start < bytes.length; start += SLOT_BYTES) {
    const slot = bytes.subarray(start, start + SLOT_BYTES);
    let end = slot.length;
    while (end > 0 && slot[end - 1] === LINE_END) end--;
    if (end > 0) notes.push(textOf(slot.subarray(0, end)));
  }
  return notes;
}

/** The last head in the record, unverified: what it says of itself. The origin of a later epoch is longer, or sorts behind. */
export function newestHead(bytes: Uint8Array): Checkpoint | undefined {
  return parseHeadFile(bytes)
    .flatMap((note) => {
      try {
        return [parseCheckpointNote(note)];
      } catch {
        return [];
      }
    })
    .sort(
      (a, b) =>
        b.origin.length - a.origin.length ||
        Number(b.origin > a.origin) - Number(b.origin < a.origin) ||
        b.size - a.size,
    )[0];
}

/** A head that a ledger has signed, and the epoch that it is of. */
export interface SignedHead {
  readonly head: Checkpoint;
  readonly epoch: number;
}

/**
 * The last head in the record that one of the ledger's keys has signed: the largest of its latest epoch.
 * @param first the ledger's keys in its first epoch
 */
export function newestSignedHead(bytes: Uint8Array, first: readonly VerifierKey[]): Verdict<SignedHead, LedgerReason> {
  let newest: SignedHead | undefined;
  let refused: Verdict<SignedHead, LedgerReason> = refuse('NOTE_MALFORMED', 'it is empty');
  for (const note of parseHeadFile(bytes)) {
    const { keys, epoch } = epochKeysOf(note, first) ?? { keys: first, epoch: 1 };
    const head = verifyCheckpoint(note, keys);
    if (!head.ok) refused = head;
    else if (newest === undefined || placeOf(newest) < placeInOrder(epoch, head.value.size))
      newest = { head: head.value, epoch };
  }
  return newest === undefined ? refused : accept(newest);
}

function placeOf({ head, epoch }: SignedHead): number {
  return placeInOrder(epoch, head.size);
}

// What is not text was torn, and verifies as little as text that was.
function textOf(bytes: Uint8Array): string {
  try {
    return `${parseUtf8(bytes)}\n`;
  } catch {
    return '';
  }
}

/** Replaces the record by one that holds this signed note alone, on disk when it resolves. */
export async function writeHeadFile(path: string, note: string, files: Files = systemFiles): Promise<void> {
  const bytes = new Uint8Array(SLOTS * SLOT_BYTES).fill(LINE_END);
  bytes.set(slotOf(note));
  await replaceFile(path, bytes, HEAD_MODE, files);
}

function slotOf(note: string): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES).fill(LINE_END);
  bytes.set(new TextEncoder().encode(note));
  return bytes;
}

/** The record of a ledger that appends. */
export class HeadFile {
  readonly #file: OpenFile;
  readonly #timers: Timers;
  /** Which slot is surely on disk, and which one is written to. */
  #durable = 0;
  #slot = 1;
  #isDirty = false;
  #flushing: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #failure: unknown;

  private constructor(file: OpenFile, timers: Timers) {
    this.#file = file;
    this.#timers = timers;
  }

  /** Begins the record anew with a note, on disk when it resolves. */
  static async start(path: string, note: string, files: Files, timers: Timers): Promise<HeadFile> {
    await writeHeadFile(path, note, files);
    return new HeadFile(await files.open(path, 'r+'), timers);
  }

  /** Hands the next signed note to the operating system. @throws what an earlier flush failed with: the process must end */
  async write(note: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure as Error;
    await this.#file.writeAt(slotOf(note), this.#slot * SLOT_BYTES);
    this.#isDirty = true;
    this.#cancel ??= this.#timers.after(FLUSH_AFTER_MS, () => {
      this.#cancel = undefined;
      this.flush().catch((failure: unknown) => {
        this.#failure = failure;
      });
    });
  }

  /** Resolves when all that was written is on disk. */
  async flush(): Promise<void> {
    while (this.#isDirty || this.#flushing !== undefined) {
      this.#flushing ??= this.#flushSlot();
      await this.#flushing;
    }
  }

  async #flushSlot(): Promise<void> {
    const slot = this.#slot;
    this.#isDirty = false;
    // What is written meanwhile goes to the third.
    this.#slot = [0, 1, 2].find((other) => other !== slot && other !== this.#durable)!;
    try {
      await this.#file.sync();
      this.#durable = slot;
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Brings the last note to disk. Nothing is written after. */
  async close(): Promise<void> {
    this.#cancel?.();
    try {
      await this.flush();
    } finally {
      await this.#file.close();
    }
  }
}
