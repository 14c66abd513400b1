/** One suite for every store of whole files: the file system, and a real server that speaks S3. */
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FileObjects, openS3Objects, type ObjectStore } from '../../src/evidence/mod.ts';
import { noise } from '../kit/evidence.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { S3_KEY, startS3 } from '../kit/s3-server.ts';

const ENGINES: Readonly<Record<string, () => Promise<ObjectStore>>> = {
  files: () => Promise.resolve(new FileObjects(join(temporaryFolder(), 'objects'))),
  s3: async () => openS3Objects((await startS3()).place, S3_KEY),
};

const nameOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A file that is to be taken over; the folder is not the store's, but on its file system. */
function fileWith(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'data');
  writeFileSync(path, bytes);
  return path;
}

async function readFrom(store: ObjectStore, name: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const middle = Math.floor(length / 2);
  await store.read(name, offset, [bytes.subarray(0, middle), bytes.subarray(middle)]);
  return bytes;
}

async function namesIn(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list()) names.push(name);
  return names.sort();
}

describe.each(Object.keys(ENGINES))('a store of objects: %s', (engine) => {
  const open = async (): Promise<ObjectStore> => {
    const store = await ENGINES[engine]!();
    onTestFinished(() => store.close());
    return store;
  };

  test('takes a file over, gives back any part of it, and has it once', async () => {
    const store = await open();
    // Larger than a part of an upload, and than what is read at once, and a multiple of neither.
    const bytes = noise(9 * 1024 * 1024 + 12_345, 1);
    const name = nameOf(bytes);
    expect(await store.sizeOf(name)).toBeUndefined();
    const file = fileWith(bytes);
    await store.put(name, file);
    expect(existsSync(file)).toBe(false);
    await store.put(name, fileWith(bytes));
    expect(await namesIn(store)).toEqual([name]);
    expect(await store.sizeOf(name)).toBe(bytes.length);
    for (const [offset, length] of [
      [0, 1],
      [0, 262_160],
      [4 * 1024 * 1024 - 10, 20],
      [4 * 1024 * 1024 - 100, 5 * 1024 * 1024],
      [bytes.length - 1, 1],
      [7, 262_160],
    ] as const) {
      const found = await readFrom(store, name, offset, length);
      expect(Buffer.compare(found, bytes.subarray(offset, offset + length))).toBe(0);
    }
  }, 120_000);

  test('does not give bytes that are not there, and says which of the reasons it is', async () => {
    const store = await open();
    const bytes = noise(5000, 2);
    const name = nameOf(bytes);
    await expect(readFrom(store, name, 0, 10)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
    await store.put(name, fileWith(bytes));
    await expect(readFrom(store, name, 4990, 11)).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
    await expect(readFrom(store, name, 5001, 1)).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
  }, 120_000);

  test('deletes for good, and does not mind what is not there', async () => {
    const store = await open();
    const all = [noise(100, 3), noise(200, 4), noise(300, 5)];
    for (const bytes of all) await store.put(nameOf(bytes), fileWith(bytes));
    const [first, ...rest] = all.map(nameOf);
    await readFrom(store, first!, 0, 10);
    await store.delete(first!);
    await store.delete(first!);
    expect(await store.sizeOf(first!)).toBeUndefined();
    await expect(readFrom(store, first!, 0, 10)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
    expect(await namesIn(store)).toEqual(rest.sort());
  }, 120_000);
});

describe('a store that speaks S3', () => {
  test('keeps to its own prefix, and takes nothing that is no object of its own for one', async () => {
    const { place } = await startS3();
    const [mine, theirs] = [
      await openS3Objects(place, S3_KEY),
      await openS3Objects({ ...place, prefix: 'xb/' }, S3_KEY),
    ];
    onTestFinished(() => Promise.all([mine.close(), theirs.close()]).then(() => undefined));
    const bytes = noise(10, 6);
    await mine.put(nameOf(bytes), fileWith(bytes));
    expect(await namesIn(theirs)).toEqual([]);
    expect(await theirs.sizeOf(nameOf(bytes))).toBeUndefined();
  }, 120_000);

  test('is rid of uploads that a crash broke off, and leaves those of others alone', async () => {
    const { place } = await startS3();
    const client = new S3Client({
      endpoint: place.endpoint!,
      region: place.region,
      forcePathStyle: true,
      credentials: S3_KEY,
    });
    const store = await openS3Objects(place, S3_KEY);
    onTestFinished(async () => {
      client.destroy();
      await store.close();
    });
    const name = nameOf(noise(10, 8));
    const keys = [`xa/${name}`, `xa/${nameOf(noise(10, 9))}`, `xb/${name}`, 'xa/notes.txt'];
    for (const Key of keys) {
      const begun = await client.send(new CreateMultipartUploadCommand({ Bucket: 'evidence', Key }));
      const part = { Bucket: 'evidence', Key, UploadId: begun.UploadId, PartNumber: 1, Body: noise(100, 10) };
      await client.send(new UploadPartCommand(part));
    }
    const unfinished = async (): Promise<string[]> => {
      const { Uploads: found = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'evidence' }));
      return found.map(({ Key: key }) => key!).sort();
    };
    expect(await unfinished()).toEqual(keys.toSorted());
    expect(await store.discardUnfinished()).toBe(2);
    expect(await unfinished()).toEqual(keys.slice(2).sort());
    expect(await store.discardUnfinished()).toBe(0);
    await store.put(name, fileWith(noise(10, 8)));
    expect(await namesIn(store)).toEqual([name]);
  }, 120_000);

  test('that is away, or does not know the key, is one code, and comes back', async () => {
    const { place, port, directory, stop } = await startS3();
    const stranger = await openS3Objects(place, { accessKeyId: 'STRANGER', secretAccessKey: 'wrong' });
    const store = await openS3Objects(place, S3_KEY);
    onTestFinished(() => Promise.all([stranger.close(), store.close()]).then(() => undefined));
    await expect(namesIn(stranger)).rejects.toMatchObject({ code: 'EVIDENCE_STORE_FAILED' });
    const bytes = noise(1000, 7);
    const file = fileWith(bytes);
    await stop();
    await expect(store.put(nameOf(bytes), file)).rejects.toMatchObject({ code: 'EVIDENCE_STORE_FAILED' });
    // What could not be handed over is still there.
    expect(existsSync(file)).toBe(true);
    await startS3({ port, directory });
    await store.put(nameOf(bytes), file);
    expect(Buffer.compare(await readFrom(store, nameOf(bytes), 0, 1000), bytes)).toBe(0);
  }, 120_000);
});
