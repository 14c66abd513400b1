/** The zip of a bundle: any tool opens it, and there is one for the same files. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Archive } from '../../src/audit/archive.ts';
import { ArchiveWriter } from '../../src/audit/archive-writer.ts';
import { bytesAccess, type RandomAccess } from '../../src/audit/mod.ts';
import { concatBytes, utf8ToBytes } from '../../src/base/mod.ts';
import { packFiles } from '../kit/bundle.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { fc } from '../kit/property.ts';

const deep = process.env['SLOW'] === '1';
const NOT_A_BUNDLE = expect.objectContaining({ code: 'AUDIT_NOT_A_BUNDLE' }) as Error;
const files = new Map([
  ['checkpoint', utf8ToBytes('a note\n')],
  ['tile/entries/000.p/1', Uint8Array.of(0, 1, 2)],
  ['empty', new Uint8Array()],
]);

async function contentOf(archive: Archive): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const path of archive.paths) {
    const { bytes, isIntact } = (await archive.read(path))!;
    if (!isIntact) throw new Error(path);
    found.push([path, Buffer.from(bytes).toString('hex')]);
  }
  return found;
}

/** Python’s own reader, which knows nothing of this one. */
function pythonList(path: string): { readonly count: number; readonly bad: string | null } | undefined {
  const script =
    'import json,sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(json.dumps({"count":len(z.infolist()),"bad":z.testzip()}))';
  const { status, stdout } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as { count: number; bad: string | null }) : undefined;
}

describe('an archive', () => {
  test('gives back what was packed, in its order', async () => {
    const archive = await Archive.open(bytesAccess(packFiles(files)));
    expect(await contentOf(archive)).toEqual(
      [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('hex')]),
    );
    expect(await archive.read('nothing')).toBeUndefined();
  });

  test('of any files is read as they were', async () => {
    const path = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 300 })), { selector: ([name]) => name }),
        async (list) => {
          const archive = await Archive.open(bytesAccess(packFiles(new Map(list))));
          expect(await contentOf(archive)).toEqual(
            list.map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
          );
        },
      ),
    );
  });

  test('with any one bit changed is refused, or the changed file is known', async () => {
    const bytes = packFiles(files);
    for (let at = 0; at < bytes.length * 8; at++) {
      const changed = bytes.slice();
      changed[Math.floor(at / 8)]! ^= 1 << (at % 8);
      const outcome = Archive.open(bytesAccess(changed)).then(contentOf);
      await expect(outcome, `bit ${at}`).rejects.toThrow();
    }
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['cut short', (bytes) => bytes.subarray(0, -1)],
    ['longer by a byte', (bytes) => concatBytes(bytes, Uint8Array.of(0))],
    ['with a byte before it', (bytes) => concatBytes(Uint8Array.of(0), bytes)],
    ['of nothing', () => new Uint8Array()],
    ['of zeros', () => new Uint8Array(5000)],
    ['behind itself', (bytes) => concatBytes(bytes, bytes)],
  ])('%s is none', async (_name, change) => {
    await expect(Archive.open(bytesAccess(change(packFiles(files))))).rejects.toThrow(NOT_A_BUNDLE);
  });

  test.each(['/etc/passwd', '../x', 'A', '', 'a\u0000b', 'x'.repeat(101)])('holds no file named %j', async (path) => {
    await expect(Archive.open(bytesAccess(packFiles(new Map([[path, new Uint8Array()]]))))).rejects.toThrow(
      NOT_A_BUNDLE,
    );
  });
});

describe('a large archive', () => {
  test('of more files than a plain zip can count', async () => {
    const many = new Map(Array.from({ length: 66_000 }, (_, n) => [`proofs/${n}`, Uint8Array.of(n % 256)] as const));
    const bytes = packFiles(many);
    const archive = await Archive.open(bytesAccess(bytes));
    expect(archive.paths).toHaveLength(66_000);
    expect(await archive.read('proofs/65999')).toEqual({ bytes: Uint8Array.of(65_999 % 256), isIntact: true });
    for (const at of [bytes.length - 90, bytes.length - 60, bytes.length - 30, bytes.length - 5]) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      await expect(Archive.open(bytesAccess(changed)), `byte ${at}`).rejects.toThrow(NOT_A_BUNDLE);
    }
    const path = join(temporaryFolder(), 'many.zip');
    writeFileSync(path, bytes);
    expect(pythonList(path) ?? { count: 66_000, bad: null }).toEqual({ count: 66_000, bad: null });
  });

  test.runIf(deep)('of more than four gibibytes, never held whole', async () => {
    const content = new Uint8Array(2 ** 27).map((_, i) => i);
    const writer = new ArchiveWriter();
    const pieces: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
    let size = 0;
    const keep = (bytes: Uint8Array): void => {
      pieces.push({ offset: size, bytes });
      size += bytes.length;
    };
    for (let n = 0; n < 34; n++) for (const bytes of writer.add(`proofs/${n}`, content)) keep(bytes);
    for (const bytes of writer.end()) keep(bytes);
    expect(size).toBeGreaterThan(2 ** 32);
    const access: RandomAccess = {
      size,
      read: (offset, length) => {
        const found = pieces
          .filter((piece) => piece.offset < offset + length && piece.offset + piece.bytes.length > offset)
          .map(({ offset: at, bytes }) => bytes.subarray(Math.max(0, offset - at), offset + length - at));
        return Promise.resolve(concatBytes(...found));
      },
    };
    const archive = await Archive.open(access);
    expect(archive.paths).toHaveLength(34);
    const last = (await archive.read('proofs/33'))!;
    expect([last.isIntact, last.bytes.length, last.bytes[1000]]).toEqual([true, 2 ** 27, 1000 % 256]);
  });
});
