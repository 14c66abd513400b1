/** Suite 2: ML-KEM-768 and X25519 together. */
import crypto, {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bytesToHex, mlKemKeyWeakness, type JurisdictionCode } from '../../src/base/mod.ts';
import { decapsulationKey, openMessage, sealMessage, sealMessageWith } from '../../src/sealing/mod.ts';
import { decryptionKeyOf, privateKeyOf } from '../kit/keys.ts';
import { textMutations } from '../kit/mutation.ts';
import { hex, readVector, type Suite2Vector } from '../kit/vectors.ts';

const vector = readVector<Suite2Vector>('valid/message-suite-2');
const encryption = privateKeyOf('x25519', vector.encrypt.private);
const ephemeral = privateKeyOf('x25519', vector.ephemeral.private);
const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const recipient = {
  kid: vector.encrypt.kid,
  publicKey: createPublicKey(encryption),
  kem: hex(vector.mlkem768.public),
};
const own = decryptionKeyOf(encryption, hex(vector.mlkem768.seed));
const segments = vector.jwe.split('.') as [string, string, string, string, string];

const reasonOf = (jwe: string, key: Parameters<typeof openMessage>[1] = () => own): string => {
  const verdict = openMessage(jwe, key);
  return verdict.ok ? `opened in suite ${verdict.value.suite}` : verdict.reason;
};

/** Part 4 of the protocol’s page once more, with other means: HKDF written out, and no code of the project. */
function contentKeyBy(kemSecret: Buffer, dhSecret: Buffer): Buffer {
  const parts = ['mla-X25519MLKEM768-v1', 'A256GCM', 'XA', 'XB'].map((text) => Buffer.from(text));
  const [kemCiphertext, kemPublic] = [
    Buffer.from(segments[1], 'base64url'),
    Buffer.from(vector.mlkem768.public, 'hex'),
  ];
  const [epk, dhPublic] = [vector.ephemeral.public, vector.encrypt.public].map((text) => Buffer.from(text, 'hex'));
  const context = createHash('sha256');
  for (const part of [...parts, kemCiphertext, kemPublic, epk!, dhPublic!]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    context.update(length).update(part);
  }
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(kemSecret).update(dhSecret).digest();
  return createHmac('sha256', extracted).update(context.digest()).update(Buffer.of(1)).digest();
}

function openBy(contentKey: Buffer): string {
  const [header, , iv, ciphertext, tag] = segments;
  const decipher = createDecipheriv('aes-256-gcm', contentKey, Buffer.from(iv, 'base64url'));
  decipher.setAAD(Buffer.from(header, 'latin1'));
  decipher.setAuthTag(Buffer.from(tag, 'base64url'));
  return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]).toString('latin1');
}

describe('the vector', () => {
  test('is what the code makes, and opens', () => {
    const randomness = { ephemeral, iv: hex(vector.iv), encapsulation: hex(vector.encapsulation) };
    const made = sealMessageWith(vector.jws, { key: recipient, from: XA, to: XB, suite: 2 }, randomness);
    expect(made.sealed).toBe(vector.jwe);
    expect(bytesToHex(made.sealedDigest)).toBe(vector.sealed_digest);
    expect(openMessage(vector.jwe, () => own)).toMatchObject({
      ok: true,
      value: { jws: vector.jws, suite: 2, from: 'XA', to: 'XB', kid: vector.encrypt.kid },
    });
  });

  test('derives its content key as the page says', () => {
    const secret = diffieHellman({ privateKey: ephemeral, publicKey: createPublicKey(encryption) });
    expect(secret.toString('hex')).toBe(vector.x25519_secret);
    const contentKey = contentKeyBy(Buffer.from(vector.mlkem768_secret, 'hex'), secret);
    expect(contentKey.toString('hex')).toBe(vector.content_key);
    expect(openBy(contentKey)).toBe(vector.jws);
  });

  // OpenSSL 3.5 has ML-KEM, and Node from 24.7 on gives it out.
  const { decapsulate } = crypto as unknown as { readonly decapsulate?: (key: unknown, ciphertext: Buffer) => Buffer };
  test.skipIf(decapsulate === undefined)('OpenSSL finds the same ML-KEM secret and public key', () => {
    const pkcs8 = Buffer.from(`3054020100300b060960864801650304040204428040${vector.mlkem768.seed}`, 'hex');
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    expect(spki.subarray(-1184).toString('hex')).toBe(vector.mlkem768.public);
    const secret = decapsulate!(privateKey, Buffer.from(segments[1], 'base64url'));
    expect(secret.toString('hex')).toBe(vector.mlkem768_secret);
  });

  test('no text but this one is this message', () => {
    // Opening takes a millisecond here: one in so many, and all of them in the deep run.
    const step = process.env['SLOW'] === '1' ? 1 : 47;
    const changed = [...textMutations(vector.jwe)].filter((_, i) => i % step === 0);
    expect(changed.length).toBeGreaterThan(100);
    for (const jwe of changed) expect(openMessage(jwe, () => own).ok).toBe(false);
  });
});

describe('both halves are needed', () => {
  const { sealed } = sealMessage(vector.jws, { key: recipient, from: XA, to: XB, suite: 2 });

  test('the right ones open, and one of them does not', () => {
    const otherDh = generateKeyPairSync('x25519').privateKey;
    expect(reasonOf(sealed)).toBe('opened in suite 2');
    expect(reasonOf(sealed, () => decryptionKeyOf(encryption, randomBytes(64)))).toBe('JWE_DECRYPT_FAILED');
    expect(reasonOf(sealed, () => decryptionKeyOf(otherDh, hex(vector.mlkem768.seed)))).toBe('JWE_DECRYPT_FAILED');
    expect(reasonOf(sealed, () => decryptionKeyOf(encryption))).toBe('JWE_KEY_UNKNOWN');
  });

  test('whoever learns the X25519 secret, and whoever learns the ML-KEM secret, has no content key', () => {
    const [kem, dh] = [vector.mlkem768_secret, vector.x25519_secret].map((text) => Buffer.from(text, 'hex'));
    for (const guess of [Buffer.alloc(32), kem!, dh!]) {
      expect(() => openBy(contentKeyBy(guess.equals(kem!) ? Buffer.alloc(32) : guess, dh!))).toThrow();
      expect(() => openBy(contentKeyBy(kem!, guess.equals(dh!) ? Buffer.alloc(32) : guess))).toThrow();
    }
    expect(openBy(contentKeyBy(kem!, dh!))).toBe(vector.jws);
  });

  test('a key without an ML-KEM half cannot be sealed to', () => {
    const { kid, publicKey } = recipient;
    expect(() => sealMessage(vector.jws, { key: { kid, publicKey }, from: XA, to: XB, suite: 2 })).toThrow(TypeError);
  });
});

describe('T01: a suite cannot be taken away from a message', () => {
  const [header, , ...rest] = segments;
  const text = Buffer.from(header, 'base64url').toString('latin1');
  const stripped = Buffer.from(text.replace('mla-X25519MLKEM768-v1', 'ECDH-ES'), 'latin1').toString('base64url');

  test.each([
    ['the header of suite 1 over the ciphertext of suite 2', [stripped, segments[1], ...rest], 'JWE_MALFORMED'],
    ['the header of suite 1 and no ciphertext', [stripped, '', ...rest], 'JWE_DECRYPT_FAILED'],
    ['the header of suite 2 and no ciphertext', [header, '', ...rest], 'JWE_MALFORMED'],
    ['a ciphertext that is too short', [header, segments[1].slice(0, -4), ...rest], 'JWE_MALFORMED'],
    ['a ciphertext of zeros', [header, Buffer.alloc(1088).toString('base64url'), ...rest], 'JWE_DECRYPT_FAILED'],
  ])('%s', (_name, parts, reason) => {
    expect(reasonOf(parts.join('.'))).toBe(reason);
  });

  test('another version of the suite is none that is known', () => {
    const next = Buffer.from(text.replace('-v1', '-v2'), 'latin1').toString('base64url');
    expect(reasonOf([next, segments[1], ...rest].join('.'))).toBe('JWE_MALFORMED');
  });
});

test('the largest payload fits', () => {
  const jws = 'A'.repeat(699_200);
  const { sealed } = sealMessage(jws, { key: recipient, from: XA, to: 'GB-SCT' as JurisdictionCode, suite: 2 });
  expect(reasonOf(sealed)).toBe('opened in suite 2');
});

test('T10: an ML-KEM key with a coefficient that is not reduced is not admitted', () => {
  const { publicKey } = decapsulationKey(randomBytes(64));
  expect(mlKemKeyWeakness(publicKey)).toBeUndefined();
  for (const [at, bytes] of [
    [0, [0x01, 0x0d]],
    [1, [0x10, 0xd0]],
    [1149, [0xff, 0xff, 0xff]],
  ] as const) {
    const spoiled = Uint8Array.from(publicKey);
    // 0xd01 is the modulus: the least value that is not reduced, in either half of three bytes.
    spoiled.set(bytes, at);
    expect(mlKemKeyWeakness(spoiled)).toBe('KEY_NOT_CANONICAL');
  }
});
