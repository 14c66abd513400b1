/** Files that are written past the page cache: whole whatever the pieces, never said to be written before they are, and right where that cannot be done. */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileObjects } from '../../src/evidence/mod.ts';
import { GrowingFile } from '../../src/evidence/growing-file.ts';
import { noise } from '../kit/evidence.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { fc } from '../kit/property.ts';

const MIB = 1024 * 1024;
const CONTENT = noise(5 * MIB + 777, 5);

function opened(path: string, flags: number): number {
  const descriptor = openSync(path, flags);
  onTestFinished(() => {
    closeSync(descriptor);
  });
  return descriptor;
}

/** A file of which so many bytes are there already. */
function begin(start: number, way: 'direct' | 'cached'): { readonly path: string; readonly file: GrowingFile } {
  const path = join(temporaryFolder(), 'data');
  writeFileSync(path, CONTENT.subarray(0, start));
  const data = opened(path, constants.O_RDWR);
  const direct = way === 'direct' ? opened(path, constants.O_WRONLY | constants.O_DIRECT) : undefined;
  return { path, file: new GrowingFile({ data, direct, leaves: -1 }, start) };
}

function appendPieces(file: GrowingFile, start: number, lengths: readonly number[], onPiece?: () => void): void {
  for (let at = start, i = 0; at < CONTENT.length; i++) {
    const length = lengths[i % lengths.length]!;
    file.append(CONTENT.subarray(at, at + length));
    at += length;
    onPiece?.();
  }
}

test.each(['direct', 'cached'] as const)(
  'is what was appended, in pieces of any length, from anywhere (%s)',
  async (way) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 * MIB }),
        fc.array(fc.integer({ min: 1, max: 700_000 }), { minLength: 1, maxLength: 6 }),
        async (start, lengths) => {
          fc.pre(Math.max(...lengths) > 50_000);
          const { path, file } = begin(start, way);
          appendPieces(file, start, lengths);
          await file.finish();
          expect(readFileSync(path).equals(CONTENT)).toBe(true);
        },
      ),
      { numRuns: 12 },
    );
  },
);

test('what it says is settled is in the file at that moment, and it lags behind', async () => {
  const { path, file } = begin(0, 'direct');
  const reader = opened(path, constants.O_RDONLY);
  let [appended, checks, lag] = [0, 0, 0];
  const chunk = 262_160;
  for (let at = 0; at < CONTENT.length; at += chunk) {
    file.append(CONTENT.subarray(at, at + chunk));
    appended = Math.min(CONTENT.length, at + chunk);
    if (checks % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    const settled = file.settledBytes;
    expect(settled).toBeLessThanOrEqual(appended);
    lag = Math.max(lag, appended - settled);
    const there = Buffer.alloc(settled);
    expect(readSync(reader, there, 0, settled, 0)).toBe(settled);
    expect(there.equals(CONTENT.subarray(0, settled))).toBe(true);
    checks++;
  }
  // Not more than is filled, and two that are being written.
  expect(lag).toBeGreaterThan(0);
  expect(lag).toBeLessThanOrEqual(3 * MIB + chunk);
  await file.finish();
});

test('more files at once than there are blocks', async () => {
  const files = Array.from({ length: 11 }, () => begin(0, 'direct'));
  for (let at = 0; at < CONTENT.length; at += 500_000)
    for (const { file } of files) file.append(CONTENT.subarray(at, at + 500_000));
  await Promise.all(files.map(({ file }) => file.finish()));
  for (const { path } of files) expect(readFileSync(path).equals(CONTENT)).toBe(true);
});

// A file of the system's that takes numbers refuses a megabyte of anything with EINVAL, as some file systems do with direct writes.
test.runIf(process.platform === 'linux')(
  'where direct writes are refused, the file is written as files are',
  async () => {
    const { path } = begin(0, 'cached');
    const direct = opened('/proc/self/oom_score_adj', constants.O_WRONLY);
    const file = new GrowingFile({ data: opened(path, constants.O_RDWR), direct, leaves: -1 }, 0);
    appendPieces(file, 0, [262_160]);
    await file.finish();
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
  },
);

test('a write that fails is told, then and ever after, and takes no block with it', async () => {
  for (let i = 0; i < 12; i++) {
    const { path } = begin(0, 'cached');
    const direct = opened(path, constants.O_RDONLY);
    const file = new GrowingFile({ data: opened(path, constants.O_RDWR), direct, leaves: -1 }, 0);
    const failing = async (): Promise<void> => {
      for (let at = 0; at < CONTENT.length; at += 262_160) {
        file.append(CONTENT.subarray(at, at + 262_160));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await file.finish();
    };
    await expect(failing()).rejects.toMatchObject({ code: 'EBADF' });
    expect(() => {
      file.append(CONTENT.subarray(0, 1));
    }).toThrow('EBADF');
    await expect(file.finish()).rejects.toMatchObject({ code: 'EBADF' });
  }
  const { file } = begin(MIB, 'direct');
  file.append(CONTENT.subarray(MIB, MIB + 10));
  // It lies in a block.
  expect(file.settledBytes).toBe(MIB);
  await file.finish();
});

test('reading once gives what reading gives, from anywhere and up to the end', async () => {
  const folder = temporaryFolder();
  const objects = new FileObjects(folder);
  onTestFinished(() => objects.close());
  const name = 'ab'.repeat(32);
  const source = join(temporaryFolder(), 'whole');
  writeFileSync(source, CONTENT);
  await objects.put(name, source);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: CONTENT.length - 1 }),
      fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 9 }),
      async (offset, lengths) => {
        const into = lengths.map((length) => new Uint8Array(length));
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const read = objects.read(name, offset, into, 'ONCE');
        if (offset + total > CONTENT.length) await expect(read).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
        else {
          await read;
          expect(Buffer.concat(into).equals(CONTENT.subarray(offset, offset + total))).toBe(true);
        }
      },
    ),
    { numRuns: 40 },
  );
  const last = new Uint8Array(100);
  await objects.read(name, CONTENT.length - 100, [last], 'ONCE');
  expect(Buffer.from(last).equals(CONTENT.subarray(-100))).toBe(true);
});

// Who has a file open is known on Linux alone.
test.runIf(existsSync('/proc/self/fd'))(
  'whatever is let go of while it is read is read to the end, and closed',
  async () => {
    const folder = temporaryFolder();
    const contentOf = (n: number): Uint8Array => CONTENT.subarray(n * 1000, n * 1000 + 300_000);
    const names = Array.from({ length: 40 }, (_, n) => n.toString(16).padStart(64, '0'));
    const objects = new FileObjects(folder);
    for (const [n, name] of names.entries()) {
      const source = join(temporaryFolder(), 'whole');
      writeFileSync(source, contentOf(n));
      await objects.put(name, source);
    }
    const read = async (n: number): Promise<void> => {
      const into = new Uint8Array(300_000);
      await objects.read(names[n]!, 0, [into], 'ONCE');
      expect(Buffer.compare(into, contentOf(n))).toBe(0);
    };
    // More than it keeps open; one is deleted, and then all is closed, while they are read.
    const reading = names.map((_, n) => read(n));
    const deleted = objects.delete(names[39]!);
    await new Promise(setImmediate);
    const closed = objects.close();
    await Promise.all([...reading, deleted, closed, read(3)]);
    const open = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    });
    expect(open.filter((path) => path.startsWith(folder))).toEqual([]);
  },
);
