/** The evidence engine by itself: chunks against an independent computation, spools that are torn, and contents that are changed. */
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bytesToHex, type Uuid } from '../../src/base/mod.ts';
import { ChunkCipher } from '../../src/evidence/chunk.ts';
import { openDirect } from '../../src/evidence/direct-file.ts';
import { geometryOf, sealedSize, verifyGeometry } from '../../src/evidence/geometry.ts';
import { FileObjects, Vault, type Receiving } from '../../src/evidence/mod.ts';
import { spoolPaths } from '../../src/evidence/spool.ts';
import type { EvidenceFile } from '../../src/wire/mod.ts';
import { noise } from '../kit/evidence.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { CAN_MOUNT, onSmallDisk } from '../kit/small-disk.ts';
import { fc } from '../kit/property.ts';
import { hex, readVector } from '../kit/vectors.ts';

interface EvidenceVector {
  readonly file_id: string;
  readonly key: string;
  readonly size: number;
  readonly chunk_bytes: number;
  readonly sha256: string;
  readonly chunks: readonly {
    readonly index: number;
    readonly last: boolean;
    readonly length: number;
    readonly sha256: string;
    readonly first_32_bytes: string;
    readonly tag: string;
  }[];
  readonly root: string;
}

const vector = readVector<EvidenceVector>('valid/evidence');
const plaintext = Uint8Array.from({ length: vector.size }, (_, i) => (7 * i + 3) % 256);
const ID = vector.file_id as Uuid;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

// What stays free for the node's own work.
const RESERVE = 256 * 1024 * 1024;

function vaultIn(
  folder: string,
  random: (n: number) => Uint8Array = randomBytes,
  freeBytes?: () => Promise<number>,
): Vault {
  const objects = new FileObjects(join(folder, 'objects'));
  const given = freeBytes === undefined ? {} : { freeBytes };
  const vault = new Vault({ objects, spool: join(folder, 'spool'), random, ...given });
  onTestFinished(() => vault.close());
  return vault;
}

async function* pieces(bytes: Uint8Array, length: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

function sealedBy(cipher: ChunkCipher, ...chunk: Parameters<ChunkCipher['seal']>): Buffer {
  const { ciphertext, tag } = cipher.seal(...chunk);
  return Buffer.concat([ciphertext, tag]);
}

/** Hands a copy of a chunk in: what is handed in is gone. */
const hand = (receiving: Receiving, sealed: Uint8Array): ReturnType<Receiving['hand']> =>
  receiving.hand(Uint8Array.from(sealed));

/** Hands one chunk in and waits for what becomes of it. */
const take = async (receiving: Receiving, sealed: Uint8Array): Promise<boolean | undefined> =>
  (await hand(receiving, sealed)).kept;

const add = (vault: Vault, bytes: Uint8Array, pieceLength = 1000, chunkBytes = 4096): Promise<EvidenceFile> =>
  vault.add(
    pieces(bytes, pieceLength),
    { file_id: ID, name: 'a.bin', media_type: 'application/octet-stream' },
    { chunkBytes },
  );

describe('the vector', () => {
  test('every chunk, and the root over them', async () => {
    const cipher = new ChunkCipher(hex(vector.key), vector.file_id);
    for (const { index, last, length, sha256: digest, first_32_bytes: first, tag } of vector.chunks) {
      const plain = plaintext.subarray(index * vector.chunk_bytes, (index + 1) * vector.chunk_bytes);
      const sealed = sealedBy(cipher, plain, index, last);
      expect(sealed.length).toBe(length);
      expect(sha256(sealed)).toBe(digest);
      expect(sealed.toString('hex').startsWith(first)).toBe(true);
      expect(sealed.toString('hex').endsWith(tag)).toBe(true);
      expect(cipher.open(sealed, index, last)?.equals(plain)).toBe(true);
    }
    const file = await add(
      vaultIn(temporaryFolder(), () => hex(vector.key)),
      plaintext,
    );
    expect(bytesToHex(file.root)).toBe(vector.root);
    expect(bytesToHex(file.sha256)).toBe(vector.sha256);
    expect(file).toMatchObject({ size: vector.size, chunk_bytes: 4096, chunk_count: 3 });
  });

  test('no chunk opens in another place, as another end, in another file, shortened or changed', () => {
    const cipher = new ChunkCipher(hex(vector.key), vector.file_id);
    const sealed = sealedBy(cipher, plaintext.subarray(0, 4096), 1, false);
    expect(cipher.open(sealed, 0, false)).toBeUndefined();
    expect(cipher.open(sealed, 1, true)).toBeUndefined();
    expect(cipher.open(sealed.subarray(0, -1), 1, false)).toBeUndefined();
    expect(cipher.open(sealed.subarray(0, 16), 1, false)).toBeUndefined();
    expect(new ChunkCipher(hex(vector.key), ID.replace('c', 'd')).open(sealed, 1, false)).toBeUndefined();
    for (let at = 0; at < sealed.length; at += 97) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(cipher.open(changed, 1, false)).toBeUndefined();
    }
  });
});

describe('a geometry', () => {
  const file = (size: number, chunk_bytes: number, chunk_count: number): EvidenceFile =>
    ({ size, chunk_bytes, chunk_count }) as EvidenceFile;

  test.each([
    [1, 4096, 1],
    [4096, 4096, 1],
    [4097, 4096, 2],
    [2 ** 40, 262_144, 2 ** 22],
  ])('%i bytes in chunks of %i are %i chunks', (size, chunkBytes, count) => {
    expect(verifyGeometry(file(size, chunkBytes, count))).toMatchObject({ ok: true });
    expect(verifyGeometry(file(size, chunkBytes, count + 1))).toMatchObject({ ok: false });
  });

  test.each([
    [10_000, 4095, 3],
    [10_000, 524_289, 1],
    [10_000, 4096, 2],
    [Number.MAX_SAFE_INTEGER, 4096, Math.ceil(Number.MAX_SAFE_INTEGER / 4096)],
  ])('%i bytes, %i a chunk, %i chunks are refused', (size, chunkBytes, count) => {
    expect(verifyGeometry(file(size, chunkBytes, count))).toMatchObject({ ok: false, reason: 'EVIDENCE_MALFORMED' });
  });
});

describe('a vault', () => {
  test('gives back what was taken in, however it came in pieces', async () => {
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 9000 }), async (size, length) => {
        const bytes = randomBytes(size);
        const file = await add(vault, bytes, length);
        expect(bytesToHex(file.sha256)).toBe(sha256(bytes));
        expect(Buffer.compare(await collect(vault.plaintext(file)), bytes)).toBe(0);
        expect(readdirSync(join(folder, 'spool'))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test('rests as ciphertext', async () => {
    const folder = temporaryFolder();
    await add(vaultIn(folder), new TextEncoder().encode('CANARY '.repeat(2000)));
    const stored = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    expect(stored.length).toBe(1);
    expect(stored[0]!.includes('CANARY')).toBe(false);
  });

  test('an empty source, and one that fails half-way, leave nothing behind', async () => {
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    await expect(add(vault, new Uint8Array(0))).rejects.toMatchObject({ code: 'EVIDENCE_EMPTY' });
    async function* broken(): AsyncIterable<Uint8Array> {
      yield plaintext;
      throw new Error('the source is gone');
    }
    await expect(
      vault.add(broken(), { file_id: ID, name: 'a', media_type: 'text/plain' }, { chunkBytes: 4096 }),
    ).rejects.toThrow('the source is gone');
    const left = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(left).toEqual([]);
  });

  test('any changed byte, a swapped and a missing chunk are noticed when it is read back', async () => {
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    const file = await add(vault, plaintext);
    const name = bytesToHex(file.root);
    const path = join(folder, 'objects', name.slice(0, 2), name.slice(2));
    const right = readFileSync(path);
    const corrupt = async (bytes: Uint8Array): Promise<void> => {
      writeFileSync(path, bytes);
      await expect(vault.verify(file)).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
    };
    for (let at = 0; at < right.length; at += 211) {
      const changed = Buffer.from(right);
      changed[at]! ^= 1 << (at % 8);
      await corrupt(changed);
    }
    await corrupt(Buffer.concat([right.subarray(4112, 8224), right.subarray(0, 4112), right.subarray(8224)]));
    await corrupt(right.subarray(0, right.length - 1));
    writeFileSync(path, right);
    await vault.verify(file);
    await expect(vault.verify({ ...file, sha256: new Uint8Array(32) })).rejects.toMatchObject({
      code: 'EVIDENCE_CORRUPT',
    });
  });

  test('what no record names is swept away', async () => {
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    const file = await add(vault, plaintext);
    await (await vaultIn(folder).receive({ ...file, file_id: '019b0000-0000-7000-8000-0000000000dd' })).close();
    const nobody = { isAwaited: () => Promise.resolve(false), isKept: () => Promise.resolve(true) };
    expect(await vault.sweep(nobody)).toEqual({ spools: 1, objects: 0, uploads: 0 });
    expect(await vault.holds(file)).toBe(true);
    expect(await vault.sweep({ ...nobody, isKept: () => Promise.resolve(false) })).toEqual({
      spools: 0,
      objects: 1,
      uploads: 0,
    });
    expect(await vault.holds(file)).toBe(false);
  });
});

describe('receiving', () => {
  const there = async (): Promise<{ file: EvidenceFile; chunks: Uint8Array[] }> => {
    const vault = vaultIn(temporaryFolder());
    const file = await add(vault, plaintext);
    return { file, chunks: await Promise.all([0, 1, 2].map((index) => vault.sealedChunk(file, index))) };
  };

  test('takes the awaited chunk and no other, and goes on where it stopped', async () => {
    const { file, chunks } = await there();
    const folder = temporaryFolder();
    let receiving = await vaultIn(folder).receive(file);
    expect(await take(receiving, chunks[1]!)).toBe(false);
    expect(await take(receiving, chunks[0]!.subarray(1))).toBe(false);
    expect(await take(receiving, chunks[0]!)).toBe(true);
    expect(await take(receiving, chunks[0]!)).toBe(false);
    expect(await take(receiving, chunks[1]!)).toBe(true);
    await receiving.close();
    receiving = await vaultIn(folder).receive(file);
    expect(receiving.next).toBe(2);
    expect(await take(receiving, chunks[2]!)).toBe(true);
    expect(await take(receiving, chunks[2]!)).toBe(false);
    expect(await receiving.finish()).toBe(true);
    expect(Buffer.compare(await collect(vaultIn(folder).plaintext(file)), plaintext)).toBe(0);
  });

  test('memory in which more lies than a chunk is left to whoever has it', async () => {
    const chunkBytes = 131_072;
    const bytes = new Uint8Array(3 * chunkBytes).map((_, i) => i % 251);
    const sender = vaultIn(temporaryFolder());
    const file = await add(sender, bytes, chunkBytes, chunkBytes);
    const chunks = await Promise.all([0, 1, 2].map((index) => sender.sealedChunk(file, index)));
    const piece = new Uint8Array(Buffer.concat(chunks));
    const length = chunkBytes + 16;
    const folder = temporaryFolder();
    const receiving = await vaultIn(folder).receive(file);
    const handed = [];
    for (const i of [0, 1, 2]) handed.push(await receiving.hand(piece.subarray(i * length, (i + 1) * length)));
    expect(await Promise.all(handed.map(({ kept }) => kept))).toEqual([true, true, true]);
    expect(piece).toHaveLength(3 * length);
    expect(await receiving.finish()).toBe(true);
    expect(Buffer.compare(await collect(vaultIn(folder).plaintext(file)), bytes)).toBe(0);
  });

  test('chunks are handed in before the one in front is judged: a bad one takes those behind it with it', async () => {
    const { file, chunks } = await there();
    const folder = temporaryFolder();
    const receiving = await vaultIn(folder).receive(file);
    const bad = Uint8Array.from(chunks[1]!);
    bad[9]! ^= 1;
    const first = await hand(receiving, chunks[0]!);
    const second = await hand(receiving, bad);
    const third = await hand(receiving, chunks[2]!);
    expect(receiving.awaited).toBe(3);
    expect(await Promise.all([first.kept, second.kept, third.kept])).toEqual([true, false, undefined]);
    expect([receiving.awaited, receiving.next]).toEqual([1, 1]);
    for (const chunk of chunks.slice(1)) expect(await take(receiving, chunk)).toBe(true);
    expect(await receiving.finish()).toBe(true);
    expect(Buffer.compare(await collect(vaultIn(folder).plaintext(file)), plaintext)).toBe(0);
  });

  test('a node that stops in the middle keeps what was kept, and says so of the rest', async () => {
    const { file, chunks } = await there();
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    const receiving = await vault.receive(file);
    expect(await take(receiving, chunks[0]!)).toBe(true);
    await vault.close();
    await expect(hand(receiving, chunks[1]!)).rejects.toMatchObject({ code: 'EVIDENCE_STOPPED' });
    await receiving.close();
    const again = await vaultIn(folder).receive(file);
    expect(again.next).toBe(1);
    await again.close();
  });

  test('stops when others have filled the disk meanwhile, and goes on from there with room again', async () => {
    const source = vaultIn(temporaryFolder());
    const file = await add(source, noise(4096 * 200 + 5, 1), 100_000);
    const folder = temporaryFolder();
    let free = Infinity;
    const open = (): Vault => vaultIn(folder, randomBytes, () => Promise.resolve(free));
    let receiving = await open().receive(file);
    const taken = async (): Promise<void> => {
      while (!receiving.isWhole) await take(receiving, await source.sealedChunk(file, receiving.next));
    };
    expect(await take(receiving, await source.sealedChunk(file, 0))).toBe(true);
    free = RESERVE + 4112 * 100;
    await expect(taken()).rejects.toMatchObject({
      code: 'EVIDENCE_NO_SPACE',
      message: expect.stringContaining('have to stay free') as string,
    });
    expect(receiving.next).toBe(64);
    await receiving.close();
    // Nothing is begun either that would not find room.
    await expect(open().receive(file)).rejects.toMatchObject({ code: 'EVIDENCE_NO_SPACE' });
    free = RESERVE + file.size * 2;
    receiving = await open().receive(file);
    expect(receiving.next).toBe(64);
    await taken();
    expect(await receiving.finish()).toBe(true);
    expect(Buffer.compare(await collect(open().plaintext(file)), noise(4096 * 200 + 5, 1))).toBe(0);

    // Nor is a file taken in that outgrows the disk; nothing of it stays.
    free = RESERVE + 4096;
    async function* growing(): AsyncIterable<Uint8Array> {
      for (let i = 0; i < 200; i++) {
        if (i === 100) free = RESERVE;
        yield noise(4096, i);
      }
    }
    const label = { file_id: ID, name: 'b.bin', media_type: 'application/octet-stream' };
    await expect(open().add(growing(), label, { chunkBytes: 4096 })).rejects.toMatchObject({
      code: 'EVIDENCE_NO_SPACE',
    });
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
  });

  test('a node that is killed has lost no more than what had not left its memory, and fetches that again', async () => {
    const bytes = noise(5_000_000, 9);
    const source = vaultIn(temporaryFolder());
    const file = await add(source, bytes, 100_000, 65_536);
    const folder = temporaryFolder();
    const receiving = await vaultIn(folder).receive(file);
    const direct = await openDirect(spoolPaths(join(folder, 'spool', file.file_id)).data, 'r');
    await direct?.close();
    let lag = 0;
    for (const count of [10, 30, 50, 76]) {
      while (receiving.next < count) await take(receiving, await source.sealedChunk(file, receiving.next));
      // What the system has of it at this moment is what a death would leave.
      const left = temporaryFolder();
      cpSync(folder, left, { recursive: true });
      const vault = vaultIn(left);
      const held = await vault.heldBytes(file);
      const again = await vault.receive(file);
      // What is told before anything is read: a tag a chunk, and no more than the chunks that have not left memory, from the truth.
      expect(held).toBeGreaterThanOrEqual(again.next * 65_536);
      expect(held).toBeLessThanOrEqual(count * 65_536);
      expect(await vault.heldBytes(file)).toBe(again.next * 65_536);
      expect(again.next).toBeGreaterThan(count - (3 * 1024 * 1024) / 65_536);
      expect(again.next).toBeLessThanOrEqual(count);
      lag = Math.max(lag, count - again.next);
      // A small file is kept chunk by chunk.
      if (count === 10) expect(again.next).toBe(count);
      while (!again.isWhole) expect(await take(again, await source.sealedChunk(file, again.next))).toBe(true);
      expect(await again.finish()).toBe(true);
      expect(Buffer.compare(await collect(vault.plaintext(file)), bytes)).toBe(0);
      await vault.verify(file);
    }
    // Were this always nothing, no byte would ever have gone past the page cache.
    expect(lag > 0).toBe(direct !== undefined);
    await receiving.close();
    // Whoever stops in good order has lost nothing.
    const after = await vaultIn(folder).receive(file);
    expect(after.next).toBe(76);
    await after.close();
  });

  test.runIf(CAN_MOUNT).each([
    ['chunk by chunk', 4096 * 200 + 5, 4096, 1],
    ['in blocks', 4096 * 1100 + 5, 65_536, 5],
  ])('a disk that is really full loses nothing that was kept before, %s', async (_, size, chunkBytes, mebibytes) => {
    const source = vaultIn(temporaryFolder());
    const file = await add(source, noise(size, 2), 100_000, chunkBytes);
    const folder = temporaryFolder();
    onSmallDisk(folder, `${mebibytes}m`);
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(400_000 * mebibytes));
    const open = (): Vault => vaultIn(folder, randomBytes, () => Promise.resolve(Infinity));
    const taken = async (receiving: Receiving): Promise<boolean> => {
      while (!receiving.isWhole) await take(receiving, await source.sealedChunk(file, receiving.next));
      return receiving.finish();
    };
    const first = await open().receive(file);
    await expect(taken(first)).rejects.toMatchObject({ code: 'EVIDENCE_NO_SPACE' });
    await first.close();
    rmSync(join(folder, 'ballast'));
    const again = await open().receive(file);
    expect(again.next).toBeGreaterThan(15);
    expect(await taken(again)).toBe(true);
    expect(Buffer.compare(await collect(open().plaintext(file)), noise(size, 2))).toBe(0);
  });

  test('keeps nothing of a whole that is not the announced one', async () => {
    const { file, chunks } = await there();
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    const receiving = await vault.receive({ ...file, root: new Uint8Array(32).fill(7) });
    for (const chunk of chunks) expect(await take(receiving, chunk)).toBe(true);
    expect(await receiving.finish()).toBe(false);
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
    await expect(vault.receive({ ...file, chunk_count: 9 })).rejects.toMatchObject({ code: 'EVIDENCE_MALFORMED' });
  });

  test('a spool cut off anywhere, or changed, is what its whole and right chunks are', async () => {
    const { file, chunks } = await there();
    const geometry = geometryOf(file.size, 4096);
    const cuts = [0, 1, 4111, 4112, 4113, 8223, 8224, 9000, sealedSize(geometry)];
    const folder = temporaryFolder();
    const vault = vaultIn(folder);
    const spooled = async (): Promise<ReturnType<typeof spoolPaths>> => {
      const receiving = await vault.receive(file);
      for (const chunk of chunks) await take(receiving, chunk);
      await receiving.close();
      return spoolPaths(join(folder, 'spool', file.file_id));
    };
    for (const file_ of ['data', 'leaves'] as const) {
      for (const cut of file_ === 'data' ? cuts : [0, 1, 31, 32, 33, 64, 95, 96]) {
        truncateSync((await spooled())[file_], cut);
        const again = await vault.receive(file);
        const whole =
          file_ === 'data'
            ? cuts.filter((at) => at <= cut && [4112, 8224, sealedSize(geometry)].includes(at)).length
            : Math.floor(cut / 32);
        expect([file_, cut, again.next]).toEqual([file_, cut, whole]);
        for (const chunk of chunks.slice(again.next)) expect(await take(again, chunk)).toBe(true);
        expect(await again.finish()).toBe(true);
        await vault.delete(file);
        await vault.abandon(file.file_id);
      }
    }
    const { data } = await spooled();
    const bytes = readFileSync(data);
    bytes[5000]! ^= 1;
    writeFileSync(data, bytes);
    appendFileSync(data, 'more');
    const again = await vault.receive(file);
    expect(again.next).toBe(1);
    expect(statSync(data).size).toBe(4112);
    await again.close();
  });
});
