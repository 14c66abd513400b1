import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { describe, expect, test } from 'vitest';
import { isAdmissibleEd25519Key, parseHex, verifyEd25519 } from '../../src/base/mod.ts';
import { bitFlips } from '../kit/mutation.ts';
import { privateKeyOf, publicBytes } from '../kit/keys.ts';

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const sha512 = (...parts: Uint8Array[]): Uint8Array => createHash('sha512').update(Buffer.concat(parts)).digest();

/** What whoever holds a key can make beside the signature of RFC 8032: one whose R has a part of small order. */
function signedWith(part: Point, seed: string, message: Uint8Array): { signature: Uint8Array; publicKey: Uint8Array } {
  const secret = sha512(parseHex(seed)).slice(0, 32);
  secret[0]! &= 248;
  secret[31] = (secret[31]! & 127) | 64;
  const publicKey = publicBytes(privateKeyOf('ed25519', seed));
  const nonce = numberOf(sha512(message)) % ORDER;
  const r = Point.BASE.multiply(nonce).add(part).toBytes();
  const k = numberOf(sha512(r, publicKey, message)) % ORDER;
  const s = (nonce + k * numberOf(secret)) % ORDER;
  const signature = new Uint8Array(64);
  signature.set(r);
  for (let [at, rest] = [32, s]; at < 64; at++, rest >>= 8n) signature[at] = Number(rest & 255n);
  return { signature, publicKey };
}

// RFC 8032 §7.1.
const VECTORS = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    public: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    public: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

describe('Ed25519', () => {
  test.each(VECTORS)('verifies the standard’s vectors ($message)', (vector) => {
    const [key, message, signature] = [parseHex(vector.public), parseHex(vector.message), parseHex(vector.signature)];
    expect(verifyEd25519(signature, message, key)).toBe(true);
    expect(isAdmissibleEd25519Key(key)).toBe(true);
    for (const flipped of bitFlips(signature.subarray(28, 36))) {
      const changed = signature.slice();
      changed.set(flipped, 28);
      expect(verifyEd25519(changed, message, key)).toBe(false);
    }
  });

  test('agrees with OpenSSL on its own signatures', () => {
    const privateKey = privateKeyOf('ed25519', '11'.repeat(32));
    for (let i = 0; i < 20; i++) {
      const message = new Uint8Array(i).fill(i);
      const signature = sign(null, message, privateKey);
      expect(verifyEd25519(signature, message, publicBytes(privateKey))).toBe(true);
      expect(verify(null, message, createPublicKey(privateKey), signature)).toBe(true);
    }
  });

  test('refuses a signature whose S is not reduced', () => {
    const vector = VECTORS[1]!;
    const signature = parseHex(vector.signature);
    let s = numberOf(signature.subarray(32)) + ORDER;
    for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 255n);
    expect(verifyEd25519(signature, parseHex(vector.message), parseHex(vector.public))).toBe(false);
  });

  test('agrees with OpenSSL on signatures that hold with the cofactor alone', () => {
    const seed = '11'.repeat(32);
    const key = createPublicKey(privateKeyOf('ed25519', seed));
    const eighth = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
    let part = Point.ZERO;
    for (let n = 0; n < 8; n++, part = part.add(eighth)) {
      const message = Uint8Array.of(n);
      const { signature, publicKey } = signedWith(part, seed, message);
      expect(verify(null, message, key, signature)).toBe(n === 0);
      expect(verifyEd25519(signature, message, publicKey)).toBe(n === 0);
    }
  });

  // The points of small order of the curve, and encodings of them that are not canonical (“Taming the many EdDSAs”, table 1).
  test.each([
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('admits no key of small order or second spelling: %s', (text) => {
    expect(isAdmissibleEd25519Key(parseHex(text))).toBe(false);
  });

  test('admits no key with a part of small order, and none of a wrong length', () => {
    // A base-point multiple plus a point of order eight: RFC 8032 alone would let it pass.
    expect(isAdmissibleEd25519Key(parseHex('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d'))).toBe(
      false,
    );
    expect(isAdmissibleEd25519Key(new Uint8Array(31))).toBe(false);
    expect(verifyEd25519(new Uint8Array(63), new Uint8Array(), new Uint8Array(32))).toBe(false);
  });
});
