/** The node's side of the thread that works on chunks: hands them over with the memory in which they lie, a few at a time. */
import { Worker } from 'node:worker_threads';
import { EvidenceError } from './error.ts';
import type { Answer, LineKind, Order, Outcome, SpoolFiles } from './chunk-order.ts';

/** A file whose chunks are to be worked on. */
export interface LineOptions {
  readonly kind: LineKind;
  readonly fileKey: Uint8Array;
  readonly fileId: string;
  /** Number of the first chunk. */
  readonly next?: number;
  /** Bytes from one sealed chunk to the next. */
  readonly stride: number;
  readonly files?: SpoolFiles;
}

/** One file at the thread. */
export interface ChunkLine {
  /** Resolves when one more chunk may be handed over. @throws {EvidenceError} EVIDENCE_STOPPED */
  room(): Promise<void>;
  /** Somewhere to put a chunk, `stride` bytes long, used again after others. */
  memory(): Uint8Array<ArrayBuffer>;
  /**
   * Hands a chunk over. Its failure is that of writing.
   * @param bytes alone in their memory, which is the caller's no longer
   */
  hand(bytes: Uint8Array<ArrayBuffer>, place: { readonly index: number; readonly isLast: boolean }): Promise<Outcome>;
  /**
   * Ends the line when all is done that was handed over, and in the files.
   * @returns SHA-256 of the plaintext, where it is digested
   * @throws {EvidenceError} EVIDENCE_STOPPED, and whatever writing threw
   */
  end(): Promise<Uint8Array | undefined>;
}

// A quarter of a megabyte each: the thread seldom waits for the next, and a file takes eight megabytes.
const MAX_HANDED = 32;
// A thread that has nothing to do gives its memory back.
const IDLE_MS = 10_000;
// These sources as they are can be run by tests only, and a thread on Node 20 not even there: it runs what was built of them.
const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? '../../.build/evidence/chunk-thread.js' : './chunk-thread.js',
  import.meta.url,
);

/** All files that one thread works on; it begins with the first. */
export class ChunkCrew {
  readonly #lines = new Map<number, Line>();
  readonly #orders: Order[] = [];
  readonly #memory: ArrayBuffer[] = [];
  #worker: Worker | undefined;
  #numbers = 0;
  #idle: NodeJS.Timeout | undefined;

  begin(options: LineOptions): ChunkLine {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    // Whoever waits for a chunk is not left alone by a process that finds nothing else to wait for.
    worker.ref();
    const number = ++this.#numbers;
    const line = new Line({
      stride: options.stride,
      post: (order, memory) => {
        this.#post({ ...order, line: number }, memory);
      },
      onEnd: () => {
        this.#lines.delete(number);
        if (this.#lines.size === 0 && this.#worker === worker) this.#rest(worker);
      },
    });
    this.#lines.set(number, line);
    const { kind, fileKey, fileId, next = 0, stride, files } = options;
    const order: Order = { type: 'begin', line: number, kind, fileKey, fileId, next, stride, files };
    this.#post(order, []);
    return line;
  }

  /** Ends the thread; what it has not done by then fails. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#failAll(new EvidenceError('EVIDENCE_STOPPED', 'The node is stopping.'));
  }

  #start(): Worker {
    const worker = new Worker(THREAD);
    worker.on('message', (answers: readonly Answer[]) => {
      for (const answer of answers) this.#lines.get(answer.line)?.answered(answer);
    });
    worker.on('error', (error) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#failAll(error);
    });
    return worker;
  }

  /** What comes in one look at the sockets goes over together: waking a thread costs as much as a good part of a chunk. */
  #post(order: Order, memory: readonly ArrayBuffer[]): void {
    if (this.#orders.length === 0) {
      setImmediate(() => {
        if (this.#orders.length > 0) this.#worker?.postMessage(this.#orders.splice(0), this.#memory.splice(0));
      });
    }
    this.#orders.push(order);
    this.#memory.push(...memory);
  }

  #rest(worker: Worker): void {
    worker.unref();
    this.#idle = setTimeout(() => {
      this.#worker = undefined;
      void worker.terminate();
    }, IDLE_MS);
    this.#idle.unref();
  }

  #failAll(error: unknown): void {
    // What was to go to a thread that is no more does not go to the next.
    for (const list of [this.#orders, this.#memory]) list.length = 0;
    for (const line of this.#lines.values()) line.fail(error);
    this.#lines.clear();
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

type Unaddressed<T> = T extends unknown ? Omit<T, 'line'> : never;
type Post = (order: Unaddressed<Order>, memory: ArrayBuffer[]) => void;

class Line implements ChunkLine {
  readonly #stride: number;
  readonly #post: Post;
  readonly #onEnd: () => void;
  readonly #spare: ArrayBuffer[] = [];
  readonly #waiting: Waiting[] = [];
  #onFree: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: { readonly stride: number; readonly post: Post; readonly onEnd: () => void }) {
    this.#stride = options.stride;
    this.#post = options.post;
    this.#onEnd = options.onEnd;
  }

  async room(): Promise<void> {
    while (this.#waiting.length >= MAX_HANDED && this.#failure === undefined)
      await new Promise<void>((resolve) => (this.#onFree = resolve));
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  memory(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(this.#stride));
  }

  async hand(
    bytes: Uint8Array<ArrayBuffer>,
    place: { readonly index: number; readonly isLast: boolean },
  ): Promise<Outcome> {
    const answer = await this.#ask({ type: 'chunk', bytes, ...place }, [bytes.buffer]);
    if ('outcome' in answer) {
      if (answer.memory !== undefined) this.#spare.push(answer.memory);
      return answer.outcome;
    }
    throw failureOf(answer);
  }

  async end(): Promise<Uint8Array | undefined> {
    const answer = await this.#ask({ type: 'end' }, []);
    this.#onEnd();
    if ('sha256' in answer) return answer.sha256;
    throw failureOf(answer);
  }

  /** Answers come in the order of what was asked. */
  answered(answer: Answer): void {
    const { resolve } = this.#waiting.shift()!;
    this.#onFree?.();
    resolve(answer);
  }

  fail(error: unknown): void {
    this.#failure = { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#onFree?.();
  }

  async #ask(order: Unaddressed<Order>, memory: ArrayBuffer[]): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure.error;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#post(order, memory);
    });
  }
}

function failureOf(answer: Answer): Error {
  const { message, code } = (answer as Extract<Answer, { readonly failure: unknown }>).failure;
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
