/**
 * The thread that ciphers, hashes and writes the chunks of all files of a node, so that sessions are served meanwhile, and two processors
 * work on one file. It is loaded by itself, and knows nothing but chunks.
 */
import { createHash, type Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Answer, LineKind, Order, Outcome, SpoolFiles } from './chunk-order.ts';
import { ChunkCipher } from './chunk.ts';

/** A file that is worked on. */
interface Line {
  readonly kind: LineKind;
  readonly cipher: ChunkCipher;
  readonly digest: Hash | undefined;
  readonly slots: Buffer;
  readonly stride: number;
  readonly files: SpoolFiles | undefined;
  next: number;
}

// What comes before a leaf of the tree. RFC 6962 §2.1
const LEAF = Uint8Array.of(0);
const LEAF_BYTES = 32;

// V8 counts the memory behind the results of ciphers, but looks at the count only when the language itself makes a buffer, and gives
// nothing back below 32 MiB. A longer buffer of which nothing is ever written takes no memory, and brings that moment nearer.
const WEIGHT_BYTES = 34 * 1024 * 1024;
const WEIGH_EVERY_BYTES = 8 * 1024 * 1024;

let unweighed = 0;
const lines = new Map<number, Line>();

parentPort!.on('message', (order: Order) => {
  const answer = answerTo(order);
  if (answer !== undefined) parentPort!.postMessage(answer);
});

function answerTo(order: Order): Answer | undefined {
  const { line: number } = order;
  switch (order.type) {
    case 'begin': {
      const { kind, fileKey, fileId, next, stride, slots, files } = order;
      const digest = kind === 'OPEN' ? undefined : createHash('sha256');
      lines.set(number, {
        kind,
        cipher: new ChunkCipher(fileKey, fileId),
        digest,
        slots: Buffer.from(slots),
        stride,
        files,
        next,
      });
      return undefined;
    }
    case 'chunk':
      try {
        return { line: number, outcome: work(lines.get(number)!, order) };
      } catch (error) {
        const { message, code } = error as Error & { readonly code?: string };
        return { line: number, failure: { message, code } };
      }
    case 'end': {
      const digest = lines.get(number)!.digest?.digest();
      lines.delete(number);
      return { line: number, sha256: digest };
    }
    default:
      return order satisfies never;
  }
}

function work(line: Line, { slot, length, index, isLast }: Extract<Order, { type: 'chunk' }>): Outcome {
  if (index !== line.next) return { type: 'SKIPPED' };
  unweighed += length;
  if (unweighed >= WEIGH_EVERY_BYTES) {
    unweighed = 0;
    makeWeight();
  }
  const chunk = line.slots.subarray(slot * line.stride, slot * line.stride + length);
  const leaf = line.kind === 'SEAL' ? seal(line, chunk, index, isLast) : open(line, chunk, index, isLast);
  if (leaf === undefined) return { type: 'WRONG' };
  if (line.files !== undefined) writeWhole(line.files.leaves, leaf, index * LEAF_BYTES);
  line.next++;
  return { type: 'DONE', leaf: line.files === undefined ? undefined : leaf };
}

function seal({ cipher, digest, files, stride }: Line, plain: Buffer, index: number, isLast: boolean): Uint8Array {
  digest!.update(plain);
  const { ciphertext, tag } = cipher.seal(plain, index, isLast);
  writeWhole(files!.data, ciphertext, index * stride);
  writeWhole(files!.data, tag, index * stride + ciphertext.length);
  return createHash('sha256').update(LEAF).update(ciphertext).update(tag).digest();
}

function open(
  { cipher, digest, files, stride }: Line,
  sealed: Buffer,
  index: number,
  isLast: boolean,
): Uint8Array | undefined {
  const plain = cipher.open(sealed, index, isLast);
  if (plain === undefined) return undefined;
  digest?.update(plain);
  if (files === undefined) return LEAF;
  writeWhole(files.data, sealed, index * stride);
  return createHash('sha256').update(LEAF).update(sealed).digest();
}

function makeWeight(): ArrayBuffer {
  return new ArrayBuffer(WEIGHT_BYTES);
}

function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}
