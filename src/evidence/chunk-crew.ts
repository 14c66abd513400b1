/** The node's side of the thread that works on chunks: hands them over in slots of shared memory, as many as there are slots. */
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
  /** Somewhere to put the next chunk, `stride` bytes long; waits until there is. @throws {EvidenceError} EVIDENCE_STOPPED */
  room(): Promise<Uint8Array>;
  /** Hands over what was put there. Its failure is that of writing. */
  hand(chunk: { readonly length: number; readonly index: number; readonly isLast: boolean }): Promise<Outcome>;
  /**
   * Ends the line when all is done that was handed over.
   * @returns SHA-256 of the plaintext, where it is digested
   * @throws {EvidenceError} EVIDENCE_STOPPED
   */
  end(): Promise<Uint8Array | undefined>;
}

// A quarter of a megabyte each: the thread never waits for the next, and a file takes two megabytes.
const SLOTS = 8;
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
      post: (order) => {
        worker.postMessage({ ...order, line: number });
      },
      onEnd: () => {
        this.#lines.delete(number);
        if (this.#lines.size === 0 && this.#worker === worker) this.#rest(worker);
      },
    });
    this.#lines.set(number, line);
    const { kind, fileKey, fileId, next = 0, stride, files } = options;
    const order: Order = { type: 'begin', line: number, kind, fileKey, fileId, next, stride, slots: line.slots, files };
    worker.postMessage(order);
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
    worker.on('message', (answer: Answer) => this.#lines.get(answer.line)?.answered(answer));
    worker.on('error', (error) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#failAll(error);
    });
    return worker;
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
    for (const line of this.#lines.values()) line.fail(error);
    this.#lines.clear();
  }
}

interface Waiting {
  readonly slot: number | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

type Unaddressed<T> = T extends unknown ? Omit<T, 'line'> : never;

class Line implements ChunkLine {
  readonly slots: SharedArrayBuffer;
  readonly #stride: number;
  readonly #post: (order: Unaddressed<Order>) => void;
  readonly #onEnd: () => void;
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, i) => i);
  readonly #waiting: Waiting[] = [];
  #onFree: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: {
    readonly stride: number;
    readonly post: (order: Unaddressed<Order>) => void;
    readonly onEnd: () => void;
  }) {
    this.slots = new SharedArrayBuffer(SLOTS * options.stride);
    this.#stride = options.stride;
    this.#post = options.post;
    this.#onEnd = options.onEnd;
  }

  async room(): Promise<Uint8Array> {
    while (this.#free.length === 0 && this.#failure === undefined)
      await new Promise<void>((resolve) => (this.#onFree = resolve));
    if (this.#failure !== undefined) throw this.#failure.error;
    return new Uint8Array(this.slots, this.#free[0]! * this.#stride, this.#stride);
  }

  async hand(chunk: { readonly length: number; readonly index: number; readonly isLast: boolean }): Promise<Outcome> {
    const slot = this.#free.shift()!;
    const answer = await this.#ask({ type: 'chunk', slot, ...chunk }, slot);
    if ('outcome' in answer) return answer.outcome;
    const { message, code } = (answer as Extract<Answer, { readonly failure: unknown }>).failure;
    throw Object.assign(new Error(message), code === undefined ? {} : { code });
  }

  async end(): Promise<Uint8Array | undefined> {
    const answer = await this.#ask({ type: 'end' }, undefined);
    this.#onEnd();
    return 'sha256' in answer ? answer.sha256 : undefined;
  }

  /** Answers come in the order of what was asked. */
  answered(answer: Answer): void {
    const { slot, resolve } = this.#waiting.shift()!;
    if (slot !== undefined) this.#free.push(slot);
    this.#onFree?.();
    resolve(answer);
  }

  fail(error: unknown): void {
    this.#failure = { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#onFree?.();
  }

  async #ask(order: Unaddressed<Order>, slot: number | undefined): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure.error;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ slot, resolve, reject });
      this.#post(order);
    });
  }
}
