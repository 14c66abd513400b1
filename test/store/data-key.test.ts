import { describe, expect, test } from 'vitest';
import { openSecret, sealSecret, unwrapDataKey, wrapDataKey } from '../../src/store/mod.ts';

const DATA_KEY = new Uint8Array(32).map((_, i) => i);

describe('data key', () => {
  test('opens with its passphrase, in whichever way the passphrase is composed', () => {
    const file = wrapDataKey(DATA_KEY, 'caf\u00e9');
    expect(file).not.toContain(Buffer.from(DATA_KEY).toString('base64'));
    expect(new Uint8Array(unwrapDataKey(file, 'cafe\u0301'))).toEqual(DATA_KEY);
    expect(() => unwrapDataKey(file, 'cafe')).toThrow(
      expect.objectContaining({ code: 'STORE_PASSPHRASE_WRONG' }) as Error,
    );
    expect(() => unwrapDataKey(file, undefined)).toThrow(
      expect.objectContaining({ code: 'STORE_PASSPHRASE_NEEDED' }) as Error,
    );
  });

  test('without a passphrase it is kept as it is', () => {
    expect(new Uint8Array(unwrapDataKey(wrapDataKey(DATA_KEY, undefined), undefined))).toEqual(DATA_KEY);
  });

  test.each(['', '{}', 'null', '{"version":1,"kdf":"none","key":"AAAA"}', '{"version":1,"kdf":"scrypt","key":"AAAA"}'])(
    'refuses the file %j',
    (file) => {
      expect(() => unwrapDataKey(file, 'x')).toThrow(
        expect.objectContaining({ code: 'STORE_PASSPHRASE_WRONG' }) as Error,
      );
    },
  );
});

describe('secrets', () => {
  test('open under their own name and key only, and unchanged', () => {
    const sealed = sealSecret(DATA_KEY, 'sign', Uint8Array.of(1, 2, 3));
    expect(new Uint8Array(openSecret(DATA_KEY, 'sign', sealed))).toEqual(Uint8Array.of(1, 2, 3));
    const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' }) as Error;
    expect(() => openSecret(DATA_KEY, 'ledger', sealed)).toThrow(corrupt);
    expect(() => openSecret(new Uint8Array(32), 'sign', sealed)).toThrow(corrupt);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i]! ^= 1;
      expect(() => openSecret(DATA_KEY, 'sign', changed)).toThrow(corrupt);
      expect(() => openSecret(DATA_KEY, 'sign', sealed.subarray(0, i))).toThrow(corrupt);
    }
  });
});
