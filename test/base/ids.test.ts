import { describe, expect, test } from 'vitest';
import {
  isJurisdictionCode,
  isUuid,
  jwkThumbprint,
  newUuid,
  parseJurisdictionCode,
  parseUuid,
} from '../../src/base/mod.ts';
import { fc } from '../kit/property.ts';

describe('ids', () => {
  // RFC 9562 appendix A.6: the time and random bits of its UUIDv7 example.
  test('a UUIDv7 as in the standard’s example', () => {
    const random = Uint8Array.from(Buffer.from('0cc318c4dc0c0c07398f', 'hex'));
    expect(newUuid(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  test('ids sort by their time', () => {
    const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 1, max: 2 ** 31 }), random, random, (time, later, a, b) => {
        const [first, second] = [newUuid(time, a), newUuid(time + later, b)];
        expect(isUuid(first) && isUuid(second)).toBe(true);
        expect(first < second).toBe(true);
      }),
    );
  });

  test.each(['IT', 'XA', 'GB-SCT', 'US-NY', 'XZ-9'])('%s is a code', (code) => {
    expect(isJurisdictionCode(code)).toBe(true);
  });

  test.each(['it', 'I', 'ITA', 'GB-', 'GB-SCOT', 'IT ', '\nIT', 'IT\n', 'ІТ', ''])('%j is no code', (code) => {
    expect(() => parseJurisdictionCode(code)).toThrow(
      expect.objectContaining({ code: 'BASE_BAD_JURISDICTION' }) as Error,
    );
  });

  test.each([
    '019b0000-0000-4000-8000-000000000001',
    '019B0000-0000-7000-8000-000000000001',
    '019b0000-0000-7000-c000-000000000001',
    '019b000000007000800000000000001',
  ])('%s is no UUIDv7 in lower case', (text) => {
    expect(() => parseUuid(text)).toThrow(expect.objectContaining({ code: 'BASE_BAD_UUID' }) as Error);
  });

  // RFC 8037 appendix A.3.
  test('the thumbprint of the standard’s example key', () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
    expect(jwkThumbprint(jwk)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });
});
