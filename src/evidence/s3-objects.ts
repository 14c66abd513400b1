/** Whole files in any store that speaks S3. The client is loaded when a node is configured for it: others do not pay for it. */
import type * as S3Sdk from '@aws-sdk/client-s3';
import type {
  GetObjectCommandOutput,
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import type * as LibStorage from '@aws-sdk/lib-storage';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { EvidenceError } from './error.ts';
import type { ObjectStore } from './object-store.ts';

/** Which store, and where in it. */
export interface S3Place {
  /** URL of the store; undefined for that of AWS in the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** What every key begins with. It belongs to one node alone: what no record of that node names is removed when it starts. */
  readonly prefix: string;
  /** Whether the bucket is a part of the path and not of the host name. */
  readonly pathStyle: boolean;
}

/** How the node says who it is; undefined to let the environment of the machine say so. */
export interface S3Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const NAME = /^[0-9a-f]{64}$/;
const MIB = 1024 * 1024;
// A part is held in memory while it is on its way. S3 takes ten thousand parts at most; a few less leave room for rounding.
const MIN_PART_BYTES = 8 * MIB;
const MAX_PARTS = 9_900;
const PARTS_AT_ONCE = 2;
// A request a chunk would spend its time on the way: what is read one behind the other comes in pieces of this size.
const WINDOW_BYTES = 4 * MIB;
const MAX_WINDOWS = 8;
const ATTEMPTS = 4;
// Without these the client waits for ever for a store that takes connections and says nothing. A store that works on an answer sends
// something meanwhile; one that is silent for so long, in every attempt, is away.
const CONNECT_MS = 10_000;
const SILENCE_MS = 15_000;

// Forbidden, method not allowed, not implemented.
const NOT_OFFERED = new Set([403, 405, 501]);

type Sdk = typeof S3Sdk;
type UploadSdk = typeof LibStorage;

interface Window {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * Connects to a store.
 * @throws {EvidenceError} EVIDENCE_STORE_FAILED when the client’s optional packages are not installed
 */
export async function openS3Objects(place: S3Place, key: S3Key | undefined): Promise<ObjectStore> {
  let sdk: Sdk;
  let uploadSdk: UploadSdk;
  // It would write to stderr, which is the log, which versions of Node its later ones will want; ours is pinned.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  try {
    [sdk, uploadSdk] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')]);
  } catch (cause) {
    throw new EvidenceError('EVIDENCE_STORE_FAILED', 'The client for S3 is an optional package, and not installed.', {
      cause,
    });
  }
  const client = new sdk.S3Client({
    region: place.region,
    forcePathStyle: place.pathStyle,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
    // Checksums in trailers are not understood by every compatible store; chunks carry their own, and are checked when they are read.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    ...(key === undefined ? {} : { credentials: key }),
  });
  return new S3Objects(place, client, sdk, uploadSdk);
}

class S3Objects implements ObjectStore {
  readonly #place: S3Place;
  readonly #client: S3Client;
  readonly #sdk: Sdk;
  readonly #uploadSdk: UploadSdk;
  readonly #windows = new Map<string, Window>();

  constructor(place: S3Place, client: S3Client, sdk: Sdk, uploadSdk: UploadSdk) {
    this.#place = place;
    this.#client = client;
    this.#sdk = sdk;
    this.#uploadSdk = uploadSdk;
  }

  async put(name: string, file: string): Promise<void> {
    const known = await this.sizeOf(name);
    const found = await stat(file).catch(() => undefined);
    // A crash after the object was whole: the file may be gone already.
    if (found === undefined && known !== undefined) return;
    if (found === undefined) throw new EvidenceError('EVIDENCE_STORE_FAILED', 'The file to be stored is not there.');
    if (known !== found.size) {
      const body = createReadStream(file, { highWaterMark: MIB });
      const upload = new this.#uploadSdk.Upload({
        client: this.#client,
        params: { ...this.#at(name), Body: body },
        queueSize: PARTS_AT_ONCE,
        partSize: Math.max(MIN_PART_BYTES, Math.ceil(found.size / MAX_PARTS)),
      });
      try {
        await storing(() => upload.done());
      } finally {
        body.destroy();
      }
      if ((await this.sizeOf(name)) !== found.size)
        throw new EvidenceError('EVIDENCE_STORE_FAILED', 'The store kept another length than it was given.');
    }
    await rm(file, { force: true });
  }

  async read(name: string, offset: number, into: readonly Uint8Array[]): Promise<void> {
    let at = offset;
    for (const piece of into) {
      await this.#readPiece(name, at, piece);
      at += piece.length;
    }
  }

  async sizeOf(name: string): Promise<number | undefined> {
    return storing(async () => {
      try {
        return (await this.#client.send(new this.#sdk.HeadObjectCommand(this.#at(name)))).ContentLength;
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  async delete(name: string): Promise<void> {
    this.#windows.delete(name);
    await storing(() => this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(name))));
  }

  async *list(): AsyncIterable<string> {
    const { bucket, prefix } = this.#place;
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await storing(() =>
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key: key = '' } of page.Contents ?? []) {
        const name = key.slice(prefix.length);
        if (NAME.test(name)) yield name;
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** What was uploaded of an object that never became one is kept, and paid for, until somebody says otherwise. */
  async discardUnfinished(): Promise<number> {
    const { bucket, prefix } = this.#place;
    let count = 0;
    let from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } = {};
    for (;;) {
      const page = await this.#listUploads({ Bucket: bucket, Prefix: prefix, ...from });
      for (const { Key: key = '', UploadId: id } of page?.Uploads ?? []) {
        if (id === undefined || !key.startsWith(prefix) || !NAME.test(key.slice(prefix.length))) continue;
        const abort = new this.#sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id });
        await storing(() => this.#client.send(abort));
        count++;
      }
      if (page?.IsTruncated !== true || page.NextKeyMarker === undefined) return count;
      from = {
        KeyMarker: page.NextKeyMarker,
        ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
      };
    }
  }

  close(): Promise<void> {
    this.#windows.clear();
    this.#client.destroy();
    return Promise.resolve();
  }

  async #readPiece(name: string, offset: number, into: Uint8Array): Promise<void> {
    const window = this.#windows.get(name);
    if (window !== undefined && offset >= window.start && offset + into.length <= window.start + window.bytes.length) {
      into.set(window.bytes.subarray(offset - window.start, offset - window.start + into.length));
      return;
    }
    const bytes = await this.#fetch(name, offset, Math.max(into.length, WINDOW_BYTES));
    if (bytes.length < into.length)
      throw new EvidenceError('EVIDENCE_CORRUPT', 'A stored file is shorter than it was.');
    this.#remember(name, { start: offset, bytes });
    into.set(bytes.subarray(0, into.length));
  }

  async #fetch(name: string, offset: number, length: number): Promise<Uint8Array> {
    const range = `bytes=${offset}-${offset + length - 1}`;
    return storing(async () => {
      let answer: GetObjectCommandOutput;
      try {
        answer = await this.#client.send(new this.#sdk.GetObjectCommand({ ...this.#at(name), Range: range }));
      } catch (error) {
        if (statusOf(error) === 404)
          throw new EvidenceError('EVIDENCE_UNKNOWN', 'The content of this file is not here.');
        // Nothing begins so far behind: the object is shorter than the record says.
        if (statusOf(error) === 416) return new Uint8Array();
        throw error;
      }
      return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    });
  }

  /** @returns undefined from a store that does not tell of its uploads: it has its own rule for them, or none */
  async #listUploads(where: ListMultipartUploadsCommandInput): Promise<ListMultipartUploadsCommandOutput | undefined> {
    return storing(async () => {
      try {
        return await this.#client.send(new this.#sdk.ListMultipartUploadsCommand(where));
      } catch (error) {
        if (NOT_OFFERED.has(statusOf(error) ?? 0)) return undefined;
        throw error;
      }
    });
  }

  #remember(name: string, window: Window): void {
    this.#windows.delete(name);
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined && this.#windows.size >= MAX_WINDOWS) this.#windows.delete(oldest);
    this.#windows.set(name, window);
  }

  #at(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + name };
  }
}

/** Whatever the client throws is a store that cannot be reached or refused: it may be well again later. */
async function storing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof EvidenceError) throw cause;
    throw new EvidenceError(
      'EVIDENCE_STORE_FAILED',
      `The store of objects does not do what it is asked: ${reasonOf(cause)}.`,
      { cause },
    );
  }
}

/** A store that is not reached has a code of the system; one that refuses has a name of its own, such as NoSuchBucket, or a bare status. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'it failed';
  const { code } = cause as { readonly code?: unknown };
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code)) return code;
  // To a question about an object there is no room for the store's words in the answer.
  return /^Unknown(?:Error)?$/.test(cause.name) ? `status ${statusOf(cause) ?? 'unknown'}` : cause.name;
}

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
