import { expect, test } from 'vitest';
import * as browser from '../../src/base/platform.browser.ts';
import * as node from '../../src/base/platform.ts';
import { fc } from '../kit/property.ts';

test('a browser computes what Node computes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), (parts) => {
      expect(browser.sha256(...parts)).toEqual(node.sha256(...parts));
      for (const part of parts) {
        expect(browser.sha512(part)).toEqual(node.sha512(part));
        expect(browser.bytesToBase64(part)).toBe(node.bytesToBase64(part));
        expect(browser.bytesToBase64url(part)).toBe(node.bytesToBase64url(part));
        expect(browser.decodeBase64Leniently(node.bytesToBase64(part))).toEqual(
          node.decodeBase64Leniently(node.bytesToBase64(part)),
        );
      }
    }),
  );
  // What is short goes another way.
  for (const length of [16_383, 16_384, 16_385]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 7);
    expect(browser.sha256(bytes)).toEqual(node.sha256(bytes));
    expect(browser.bytesToBase64(bytes)).toBe(node.bytesToBase64(bytes));
    expect(browser.bytesToBase64url(bytes)).toBe(node.bytesToBase64url(bytes));
  }
  const large = new Uint8Array(100_000).map((_, i) => i);
  expect(browser.bytesToBase64(large)).toBe(node.bytesToBase64(large));
});
