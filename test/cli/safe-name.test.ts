import { expect, test } from 'vitest';
import { safeNames } from '../../src/cli/safe-name.ts';
import { fc } from '../kit/property.ts';

test.each([
  ['../../etc/passwd', '_.._etc_passwd'],
  ['C:\\boot.ini', 'C__boot.ini'],
  ['.bashrc', 'bashrc'],
  ['-rf', 'rf'],
  ['CON', '_CON'],
  ['nul.txt', '_nul.txt'],
  ['a\u202egpj.exe', 'a_gpj.exe'],
  ['a\u0000b', 'a_b'],
  ['trailing. ', 'trailing'],
  ['', 'file'],
  ['sha256sums', 'file-sha256sums'],
  ['Μαρία 1.tif', 'Μαρία 1.tif'],
  [`${'x'.repeat(300)}.tif`, `${'x'.repeat(196)}.tif`],
  [`${'\ufdfa'.repeat(80)}.tif`, expect.stringMatching(/^.{90,120}\.tif$/u)],
])('%j becomes %j', (name, expected) => {
  expect(safeNames([name])).toEqual([expected]);
});

test('names that differ only by case, or by what is taken out, stay apart', () => {
  expect(safeNames(['A.txt', 'a.TXT', 'a/txt', 'a\\txt'])).toEqual(['A.txt', 'a-2.TXT', 'a_txt', 'a_txt-2']);
});

test('whatever a name is, it is one plain name, and no two are one', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 8 }), (names) => {
      const safe = safeNames(names);
      expect(new Set(safe.map((name) => name.toLowerCase())).size).toBe(names.length);
      for (const name of safe) {
        expect(name).toMatch(/^[\p{L}\p{N}_][\p{L}\p{N}._ -]*$/u);
        expect(Buffer.byteLength(name)).toBeLessThan(220);
      }
    }),
  );
});
