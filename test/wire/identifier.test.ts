import { describe, expect, test } from 'vitest';
import { formatOf } from '../../src/wire/format.ts';
import { parseJson, WireError } from '../../src/wire/mod.ts';

const matches = (format: string, text: string): boolean => formatOf(format).matches(text);

/** Published examples of each standard, and what is wrong with the others. */
const EXAMPLES: Readonly<Record<string, { readonly right: readonly string[]; readonly wrong: readonly string[] }>> = {
  iban: {
    right: ['GB82WEST12345698765432', 'DE89370400440532013000', 'NO9386011117947'],
    wrong: [
      'GB82WEST12345698765433',
      'DE8937040044053201300',
      'GB82 WEST 1234 5698 7654 32',
      'XX89370400440532013000',
      '',
    ],
  },
  bic: { right: ['DEUTDEFF', 'DEUTDEFF500'], wrong: ['DEUTDEF', 'deutdeff', 'DEUTDEFF50', 'DE1TDEFF'] },
  lei: { right: ['5493001KJTIIGC8Y1R12'], wrong: ['5493001KJTIIGC8Y1R13', '5493001kjtiigc8y1r12'] },
  vin: {
    right: ['1M8GDM9AXKP042788', '11111111111111111', 'WVWZZZ1JZXW000001'],
    wrong: ['1M8GDM9A1KP042788', '1M8GDM9AXKP04278', 'WVWZZZ1JZXWO00001', 'wvwzzz1jzxw000001'],
  },
  imo: { right: ['IMO 9074729'], wrong: ['IMO 9074728', '9074729', 'IMO9074729'] },
  imei: { right: ['490154203237518'], wrong: ['490154203237517', '49-015420-323751-8', '4901542032375180'] },
  wallet: {
    right: [
      'eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb',
      'eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      'eip155:137:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
      'bip122:000000000019d6689c085ae165831e93:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6',
      'bip122:000000000019d6689c085ae165831e93:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      'cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0',
    ],
    wrong: [
      'eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD',
      'eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA',
      'eip155:x:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
      'bip122:000000000019d6689c085ae165831e93:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p7',
      'bip122:000000000019d6689c085ae165831e93:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      'cosmos:cosmoshub-3:',
    ],
  },
  ip: {
    right: ['192.0.2.1', '0.0.0.0', '2001:db8::1', '::'],
    wrong: [
      '192.0.2.01',
      '192.0.2',
      '192.0.2.256',
      '0x7f.0.0.1',
      '2001:0db8::1',
      '2001:DB8::1',
      'fe80::1%eth0',
      '[::1]',
      ':',
    ],
  },
  country: { right: ['IT', 'GB-SCT', 'XA', 'XK'], wrong: ['AA', 'UK', 'it', 'ITA', 'ZZ'] },
  e164: { right: ['+390612345678'], wrong: ['00390612345678', '+0123456789', '+39 06 12345678', '+123'] },
  currency: { right: ['EUR', 'COP'], wrong: ['EURO', 'eur', 'QQQ'] },
  language: { right: ['en', 'pt-BR', 'sr-Latn', 'zh-Hant-TW'], wrong: ['EN', 'english', 'pt_BR', 'pt-br', ''] },
};

describe.each(Object.entries(EXAMPLES))('%s', (format, { right, wrong }) => {
  test.each(right)('%s is one', (text) => {
    expect(matches(format, text)).toBe(true);
  });
  test.each(wrong)('“%s” is none', (text) => {
    expect(matches(format, text)).toBe(false);
  });
});

test.each([
  ['iban', 'DE89370400440532013000', 4],
  ['lei', '5493001KJTIIGC8Y1R12', 0],
  ['imei', '490154203237518', 0],
])('one wrong digit in an %s never passes', (format, text, first) => {
  for (let at = first; at < text.length; at++) {
    if (!/[0-9]/.test(text[at]!)) continue;
    for (const digit of '0123456789') {
      const changed = text.slice(0, at) + digit + text.slice(at + 1);
      expect(matches(format, changed)).toBe(changed === text);
    }
  }
});

describe('an identifier', () => {
  const faultsOf = (value: object): string[] => {
    try {
      parseJson('Identifier', value);
      return [];
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return error.faults.map(({ path, code }) => `${path} ${code}`);
    }
  };

  test('is checked by the format of its scheme', () => {
    expect(faultsOf({ scheme: 'IBAN', value: 'DE89370400440532013000' })).toEqual([]);
    expect(faultsOf({ scheme: 'IBAN', value: 'DE89370400440532013001' })).toEqual(['value BAD_FORMAT']);
    expect(faultsOf({ scheme: 'IMEI', value: 'DE89370400440532013000' })).toEqual(['value BAD_FORMAT']);
    expect(faultsOf({ scheme: 'OTHER', value: 'Harbour Bank 004417' })).toEqual([]);
    expect(faultsOf({ scheme: 'CONSTRUCTOR', value: 'x' })).toEqual(['scheme BAD_VALUE']);
    expect(faultsOf({ value: 'x' })).toEqual(['scheme REQUIRED']);
  });

  test('of a connection has a port that exists', () => {
    const connection = { ip: '192.0.2.7', port: 65_535, at: '2026-03-01T10:00:00Z' };
    expect(parseJson('NetworkAddress', connection).at).toBe(Date.UTC(2026, 2, 1, 10));
    expect(() => parseJson('NetworkAddress', { ...connection, port: 65_536 })).toThrow(WireError);
  });
});

// UTR #36, and Unicode's own tables, which the quick look at Latin letters must not contradict.
describe('text', () => {
  const SCRIPTS = /\p{Script=Cyrillic}|\p{Script=Greek}|\p{Script=Armenian}|\p{Script=Cherokee}/u;
  const characters = Array.from({ length: 0x370 }, (_, code) => String.fromCharCode(code));

  test('of any character up to U+036F is text, a line and a name just where it is no control, and in its one form', () => {
    for (const character of characters) {
      const text = `Ma${character}lta`;
      const isControl = /\p{Cc}/u.test(character);
      const isOneForm = text.normalize('NFC') === text;
      const found = [character, matches('line', text), matches('name', text), matches('text', text)];
      const isText = /[\t\n]/.test(character) || !isControl;
      expect(found).toEqual([character, !isControl && isOneForm, !isControl && isOneForm, isText && isOneForm]);
    }
  });

  test('has a second script where a letter of one stands among Latin ones', () => {
    const letters = Array.from({ length: 0x590 - 0x370 }, (_, i) => String.fromCodePoint(0x370 + i));
    const foreign = letters.filter(
      (letter) => SCRIPTS.test(letter) && /\p{L}/u.test(letter) && letter.normalize('NFC') === letter,
    );
    expect(foreign.length).toBeGreaterThan(300);
    for (const letter of foreign) {
      expect([letter, matches('name', `Ma${letter}lta`)]).toEqual([letter, false]);
      expect([letter, matches('line', `Ma${letter}lta`)]).toEqual([letter, true]);
      expect([letter, matches('name', `Malta ${letter}`)]).toEqual([letter, true]);
    }
  });
});
