import { describe, expect, test } from 'vitest';
import {
  BaseError,
  bytesToBase64,
  bytesToBase64url,
  bytesToHex,
  concatBytes,
  equalBytes,
  parseBase64,
  parseBase64url,
  parseHex,
  parseUtf8,
  sha256,
  uint32ToBytes,
  uint64ToBytes,
  utf8ToBytes,
} from '../../src/base/mod.ts';
import { fc } from '../kit/property.ts';

// Short and long texts are decoded in two ways.
const bytes = fc.uint8Array({ maxLength: 200 });

describe('encodings', () => {
  test('what is encoded is decoded to the same bytes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(parseBase64(bytesToBase64(value))).toEqual(value);
        expect(parseBase64url(bytesToBase64url(value))).toEqual(value);
        expect(parseHex(bytesToHex(value))).toEqual(value);
      }),
    );
  });

  // RFC 4648 §10.
  test.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
  ])('base64 of %j is %j', (text, encoded) => {
    expect(bytesToBase64(utf8ToBytes(text))).toBe(encoded);
  });

  test.each(['Zg', 'Zh==', 'Zg= =', 'Zg==\n', ' Zg==', 'Zg==Zg==', 'Z', '-_==', 'Zm9=v', '====', 'Zg==='])(
    'refuses base64 %j',
    (text) => {
      expect(() => parseBase64(text)).toThrow(expect.objectContaining({ code: 'BASE_BAD_BASE64' }) as BaseError);
    },
  );

  test.each(['Zg==', 'Zh', 'Z', '+/', 'Zg\n', 'Z g'])('refuses base64url %j', (text) => {
    expect(() => parseBase64url(text)).toThrow(expect.objectContaining({ code: 'BASE_BAD_BASE64' }) as BaseError);
  });

  test.each([
    ['base64', parseBase64, 'AQgwZz09+/-_=. \u00c1'],
    ['base64url', parseBase64url, 'AQgwZz09+/-_=. \u00c1'],
  ] as const)('of all texts, %s is what the bytes give back', (encoding, parse, alphabet) => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), maxLength: 12 });
    const filler = fc.nat(70).map((count) => 'Zm9v'.repeat(count));
    fc.assert(
      fc.property(filler, text, (before, end) => {
        const whole = before + end;
        const canonical = Buffer.from(whole, encoding).toString(encoding) === whole;
        let parsed: string | undefined;
        try {
          parsed = Buffer.from(parse(whole)).toString(encoding);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BASE_BAD_BASE64' });
        }
        expect(parsed).toBe(canonical ? whole : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['0', 'AA', '0g', ' 00'])('refuses hexadecimal %j', (text) => {
    expect(() => parseHex(text)).toThrow(expect.objectContaining({ code: 'BASE_BAD_HEX' }) as BaseError);
  });

  test('refuses what is not UTF-8, and keeps a byte-order mark', () => {
    expect(() => parseUtf8(Uint8Array.of(0xff))).toThrow(
      expect.objectContaining({ code: 'BASE_BAD_UTF8' }) as BaseError,
    );
    expect(() => parseUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(BaseError);
    expect(parseUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  test('numbers are big-endian', () => {
    expect(bytesToHex(uint32ToBytes(0x01020304))).toBe('01020304');
    expect(bytesToHex(uint64ToBytes(Number.MAX_SAFE_INTEGER))).toBe('001fffffffffffff');
  });

  test('equality looks at every byte and at the length', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, b)).toBe(bytesToHex(a) === bytesToHex(b));
        expect(bytesToHex(concatBytes(a, b))).toBe(bytesToHex(a) + bytesToHex(b));
      }),
    );
  });

  // FIPS 180-4, example values of NIST.
  test('SHA-256 over parts is SHA-256 over the whole', () => {
    expect(bytesToHex(sha256(utf8ToBytes('a'), utf8ToBytes('bc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});
