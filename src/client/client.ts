import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { shellWord } from '../base/mod.ts';
import { nodePaths } from '../config/mod.ts';
import { presentCredential, type Credential } from '../credential/mod.ts';
import { ApiError, RemoteError } from './error.ts';
import { socketPath } from './socket-path.ts';

// The socket is not there, is left behind, is another file, or its folder is one.
const NOBODY_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']);

/** Speaks to the node that is running in a directory. */
export class ApiClient {
  readonly #dir: string;
  readonly #path: string;
  readonly #credential: Credential | undefined;

  /**
   * @param credential of the person who asks; without one, the operator does
   * @throws {ApiError} API_SOCKET_PATH_TOO_LONG
   */
  constructor(dir: string, credential?: Credential) {
    this.#dir = dir;
    this.#credential = credential;
    this.#path = socketPath(nodePaths(dir).controlSocket);
  }

  /**
   * @param signal ends the waiting
   * @throws {ApiError} API_NODE_NOT_RUNNING, API_BAD_ANSWER
   * @throws {RemoteError} whatever the node reports
   */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return parseAnswer<T>(await readAll(await this.#request('GET', path, undefined, {}, signal)));
  }

  /** @param key letters, digits and `-`, such as a UUID: the same each time for what is to be done once; only what makes a message or a draft heeds it */
  async post<T>(path: string, body: unknown, key?: string): Promise<T> {
    const headers = key === undefined ? {} : { 'idempotency-key': `"${key}"` };
    return parseAnswer<T>(await readAll(await this.#request('POST', path, JSON.stringify(body), headers)));
  }

  async getBytes(path: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.download(path)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Bytes as they come, of a file that need not fit into memory; ends with an error when the node breaks off. */
  async download(path: string, body?: unknown): Promise<AsyncIterable<Uint8Array>> {
    const response =
      body === undefined ? await this.#request('GET', path) : await this.#request('POST', path, JSON.stringify(body));
    if (response.statusCode !== 200) parseAnswer(await readAll(response));
    return wholeBody(response);
  }

  /** Streams a body of any length to the node. */
  async postStream<T>(path: string, body: AsyncIterable<Uint8Array>): Promise<T> {
    return parseAnswer<T>(await readAll(await this.#request('POST', path, body)));
  }

  /** The answer's body as it comes. @throws whatever the node reports before it begins */
  async getStream(path: string): Promise<IncomingMessage> {
    const response = await this.#request('GET', path);
    if (response.statusCode !== 200) parseAnswer(await readAll(response));
    return response;
  }

  /** Lines of JSON, until `signal` ends it. The node has begun to listen when this resolves. */
  async stream<T>(path: string, onEvent: (event: T) => void, signal: AbortSignal): Promise<void> {
    const response = await this.#request('GET', path);
    if (response.statusCode !== 200) parseAnswer(await readAll(response));
    const lines = createInterface({ input: response });
    lines.on('line', (line) => {
      onEvent(JSON.parse(line) as T);
    });
    response.on('error', () => undefined);
    signal.addEventListener('abort', () => {
      lines.close();
      response.destroy();
    });
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    body?: string | AsyncIterable<Uint8Array>,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    if (this.#credential === undefined) return this.#send(method, path, headers, body, signal);
    const answered = await readAll(await this.#send('POST', 'challenge', {}, '{}'));
    const { challenge } = parseAnswer<{ readonly challenge: string }>(answered);
    const signed = { method, path: `/v1/${path}`, body: typeof body === 'string' ? Buffer.from(body) : undefined };
    const authorization = presentCredential(this.#credential, challenge, signed);
    return this.#send(method, path, { ...headers, authorization }, body, signal);
  }

  #send(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string | AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#path, method, path: `/v1/${path}`, headers, agent: false, signal };
      const outgoing = request(options, resolve);
      outgoing.on('error', (cause: Error & { code?: string }) => {
        const isGone = NOBODY_THERE.has(cause.code ?? '');
        reject(
          isGone
            ? new ApiError(
                'API_NODE_NOT_RUNNING',
                `No node is running in ${this.#dir}. Start it with “rogatory serve --config ${shellWord(`${this.#dir}/node.json`)}”.`,
                { cause },
              )
            : new ApiError('API_BAD_ANSWER', `The node in ${this.#dir} did not answer: ${whyNot(cause)}.`, { cause }),
        );
      });
      if (body === undefined || typeof body === 'string') {
        outgoing.end(body);
        return;
      }
      pipeline(Readable.from(body, { objectMode: false }), outgoing).catch((error: unknown) => {
        // The source failed: whoever reads it has its error. A node that ended the connection is told of by its answer.
        outgoing.destroy(error instanceof Error ? error : undefined);
      });
    });
  }
}

/** What was asked may have been done, as far as the asker can know, when a node ends in the middle. */
function whyNot({ code, message }: Error & { readonly code?: string }): string {
  return code === 'ECONNRESET' || code === 'EPIPE'
    ? 'it ended the connection, or stopped. Whether it did what was asked is not known here: its log says why, and “message list” or “case list” what there is'
    : message;
}

async function* wholeBody(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) yield chunk;
  } catch (cause) {
    throw new ApiError('API_BAD_ANSWER', 'The node broke off in the middle of its answer.', { cause });
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of wholeBody(response)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseAnswer<T>(bytes: Buffer): T {
  let answer: {
    readonly error?: { readonly code: string; readonly message: string; readonly faults: RemoteError['faults'] };
  };
  try {
    answer = JSON.parse(bytes.toString('utf8')) as typeof answer;
  } catch (cause) {
    throw new ApiError('API_BAD_ANSWER', 'The node’s answer is not JSON.', { cause });
  }
  if (answer.error !== undefined) throw new RemoteError(answer.error.code, answer.error.message, answer.error.faults);
  return answer as T;
}
