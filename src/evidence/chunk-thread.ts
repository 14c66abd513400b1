/**
 * The thread that ciphers, hashes and writes the chunks of all files of a node, so that sessions are served meanwhile, and two processors
 * work on one file. It is loaded by itself, and knows nothing but chunks.
 */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { Answer, LineKind, Order, Outcome } from './chunk-order.ts';
import { ChunkCipher } from './chunk.ts';
import { GrowingFile, writeWhole } from './growing-file.ts';
import { discard } from './spent-memory.ts';

/** A file that is worked on. */
interface Line {
  readonly kind: LineKind;
  readonly cipher: ChunkCipher;
  readonly digest: Hash | undefined;
  readonly stride: number;
  /** Where the chunks go, and their leaf hashes; undefined where they are compared only. */
  readonly spool: { readonly data: GrowingFile; readonly leaves: number } | undefined;
  next: number;
}

// What comes before a leaf of the tree. RFC 6962 §2.1
const LEAF = Uint8Array.of(0);
const LEAF_BYTES = 32;
// Often enough that the node hands over more before all is done.
const ANSWERS_AT_ONCE = 4;

const lines = new Map<number, Line>();

parentPort!.on('message', (orders: readonly Order[]) => {
  for (let at = 0; at < orders.length; at += ANSWERS_AT_ONCE) {
    const answers = orders
      .slice(at, at + ANSWERS_AT_ONCE)
      .map(answerTo)
      .filter((answer) => answer !== undefined);
    if (answers.length > 0) give(answers);
  }
});

function give(answers: readonly Answer[]): void {
  const memory = answers.flatMap((answer) =>
    'memory' in answer && answer.memory !== undefined ? [answer.memory] : [],
  );
  parentPort!.postMessage(answers, memory);
}

function answerTo(order: Order): Answer | undefined {
  const { line: number } = order;
  switch (order.type) {
    case 'begin': {
      const { kind, fileKey, fileId, next, stride, files } = order;
      const digest = kind === 'OPEN' ? undefined : createHash('sha256');
      const spool = files && { data: new GrowingFile(files, next * stride), leaves: files.leaves };
      lines.set(number, { kind, cipher: new ChunkCipher(fileKey, fileId), digest, stride, spool, next });
      return undefined;
    }
    case 'chunk':
      try {
        const line = lines.get(number)!;
        const outcome = work(line, order);
        return { line: number, outcome, memory: line.kind === 'OPEN' ? undefined : order.bytes.buffer };
      } catch (error) {
        return failed(number, error);
      }
    case 'end': {
      const { digest, spool } = lines.get(number)!;
      lines.delete(number);
      const ended = { line: number, sha256: digest?.digest() };
      if (spool === undefined) return ended;
      spool.data.finish().then(
        () => {
          give([ended]);
        },
        (error: unknown) => {
          give([failed(number, error)]);
        },
      );
      return undefined;
    }
    default:
      return order satisfies never;
  }
}

function failed(line: number, error: unknown): Answer {
  const { message, code } = error as Error & { readonly code?: string };
  return { line, failure: { message, code } };
}

function work(line: Line, { bytes, index, isLast }: Extract<Order, { type: 'chunk' }>): Outcome {
  if (index !== line.next) return { type: 'SKIPPED' };
  const leaf = line.kind === 'SEAL' ? seal(line, bytes, index, isLast) : open(line, bytes, index, isLast);
  if (leaf === undefined) return { type: 'WRONG' };
  line.next++;
  const { spool, stride } = line;
  if (spool === undefined) return { type: 'DONE', leaf: undefined, settled: 0 };
  writeWhole(spool.leaves, leaf, index * LEAF_BYTES);
  return { type: 'DONE', leaf, settled: Math.floor(spool.data.settledBytes / stride) };
}

function seal({ cipher, digest, spool }: Line, plain: Uint8Array, index: number, isLast: boolean): Uint8Array {
  digest!.update(plain);
  const { ciphertext, tag } = cipher.seal(plain, index, isLast);
  spool!.data.append(ciphertext);
  spool!.data.append(tag);
  const leaf = createHash('sha256').update(LEAF).update(ciphertext).update(tag).digest();
  discard(ciphertext);
  return leaf;
}

function open(
  { cipher, digest, spool }: Line,
  sealed: Uint8Array<ArrayBuffer>,
  index: number,
  isLast: boolean,
): Uint8Array | undefined {
  const plain = cipher.open(sealed, index, isLast);
  if (plain === undefined) return undefined;
  digest?.update(plain);
  if (spool === undefined) {
    discard(plain);
    return LEAF;
  }
  spool.data.append(sealed);
  const leaf = createHash('sha256').update(LEAF).update(sealed).digest();
  discard(plain, sealed);
  return leaf;
}
