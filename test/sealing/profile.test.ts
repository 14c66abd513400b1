import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { bytesToHex, utf8ToBytes, type JurisdictionCode } from '../../src/base/mod.ts';
import {
  MAX_JWE_CHARS,
  MAX_JWS_CHARS,
  concatKdf,
  openMessage,
  sealMessage,
  sealMessageWith,
  sealedDigest,
  signMessage,
  signedDigest,
  verifyMessage,
} from '../../src/sealing/mod.ts';
import { decryptionKeyOf, kidOf, privateKeyOf } from '../kit/keys.ts';
import { textMutations } from '../kit/mutation.ts';
import { hex, readVector, type MessageVector } from '../kit/vectors.ts';

const vector = readVector<MessageVector>('valid/message');
const signing = privateKeyOf('ed25519', vector.sign.seed);
const encryption = privateKeyOf('x25519', vector.encrypt.private);
const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const recipient = { kid: vector.encrypt.kid, publicKey: createPublicKey(encryption) };
const keyFor = (kid: string) => (kid === vector.sign.kid ? createPublicKey(signing) : undefined);
const openKeyFor = (kid: string) => (kid === vector.encrypt.kid ? decryptionKeyOf(encryption) : undefined);

const b64u = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');
const reasonOf = (verdict: { readonly ok: boolean; readonly reason?: string }): string | undefined =>
  verdict.ok ? 'accepted' : verdict.reason;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Of a canonical text's last character: the same, with its lowest bit set, which means nothing. */
const nextCharacter = (last: string): string => ALPHABET[ALPHABET.indexOf(last) + 1]!;

describe('the vector', () => {
  test('is what the code makes', () => {
    expect(kidOf(signing)).toBe(vector.sign.kid);
    const { jws, signedDigest: ofSigned } = signMessage(hex(vector.payload), {
      kid: vector.sign.kid,
      sign: (message) => sign(null, message, signing),
    });
    expect(jws).toBe(vector.jws);
    expect(bytesToHex(ofSigned)).toBe(vector.signed_digest);
    const randomness = { ephemeral: privateKeyOf('x25519', vector.ephemeral.private), iv: hex(vector.iv) };
    const { sealed, sealedDigest: digest } = sealMessageWith(jws, { key: recipient, from: XA, to: XB }, randomness);
    expect(sealed).toBe(vector.jwe);
    expect(bytesToHex(digest)).toBe(vector.sealed_digest);
    expect(bytesToHex(signedDigest(jws))).toBe(vector.signed_digest);
  });

  test('opens and verifies', () => {
    const opened = openMessage(vector.jwe, openKeyFor);
    expect(opened).toMatchObject({
      ok: true,
      value: { jws: vector.jws, from: 'XA', to: 'XB', kid: vector.encrypt.kid },
    });
    const verified = verifyMessage(vector.jws, keyFor);
    expect(verified).toMatchObject({ ok: true, value: { kid: vector.sign.kid } });
    expect(verified.ok && bytesToHex(verified.value.payload)).toBe(vector.payload);
    expect(verified.ok && bytesToHex(verified.value.signedDigest)).toBe(vector.signed_digest);
  });

  test('no text but this one is this message', () => {
    for (const jws of textMutations(vector.jws)) expect(verifyMessage(jws, keyFor).ok).toBe(false);
    for (const jwe of textMutations(vector.jwe)) expect(openMessage(jwe, openKeyFor).ok).toBe(false);
  });
});

describe('beside jose', () => {
  test('jose verifies and opens what is made here', async () => {
    const { payload, protectedHeader } = await compactVerify(vector.jws, createPublicKey(signing), {
      algorithms: ['Ed25519'],
    });
    expect(bytesToHex(payload)).toBe(vector.payload);
    expect(protectedHeader.typ).toBe('mla-message+jws');
    const opened = await compactDecrypt(
      sealMessage(vector.jws, { key: recipient, from: XA, to: XB }).sealed,
      encryption,
    );
    expect(Buffer.from(opened.plaintext).toString()).toBe(vector.jws);
  });

  test('what jose makes with the profile’s header is accepted here', async () => {
    const jws = await new CompactSign(hex(vector.payload))
      .setProtectedHeader({ alg: 'Ed25519', kid: vector.sign.kid, typ: 'mla-message+jws' })
      .sign(signing);
    expect(jws).toBe(vector.jws);
    const jwe = await new CompactEncrypt(utf8ToBytes(jws))
      .setProtectedHeader({
        alg: 'ECDH-ES',
        enc: 'A256GCM',
        kid: vector.encrypt.kid,
        typ: 'mla-sealed+jwe',
        cty: 'mla-message+jws',
      })
      .setKeyManagementParameters({ apu: utf8ToBytes('XA'), apv: utf8ToBytes('XB') })
      .encrypt(createPublicKey(encryption));
    // jose orders the members otherwise; the profile has one order, so this is refused although it would open.
    expect(reasonOf(openMessage(jwe, openKeyFor))).toBe('JWE_MALFORMED');
  });

  test('what jose lets pass in a signature segment is refused here', async () => {
    const altered = `${vector.jws}=`;
    expect(reasonOf(verifyMessage(altered, keyFor))).toBe('JWS_MALFORMED');
    const spaced = vector.jws.replace(/.$/, (last) => ` ${last}`);
    expect(reasonOf(verifyMessage(spaced, keyFor))).toBe('JWS_MALFORMED');
  });
});

// RFC 7518 appendix C, computed with its ephemeral P-256 secret Z.
test('the Concat KDF of the standard’s example', () => {
  const z = hex('9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4');
  const key = concatKdf(z, 'A128GCM', 16, utf8ToBytes('Alice'), utf8ToBytes('Bob'));
  expect(Buffer.from(key).toString('base64url')).toBe('VqqN6vgjbSBcIijNcacQGg');
});

describe('headers', () => {
  const [, payload, signature] = vector.jws.split('.') as [string, string, string];
  const withHeader = (header: string): string => `${b64u(header)}.${payload}.${signature}`;
  const kid = vector.sign.kid;
  test.each([
    ['none', `{"alg":"none","kid":"${kid}","typ":"mla-message+jws"}`],
    ['HMAC', `{"alg":"HS256","kid":"${kid}","typ":"mla-message+jws"}`],
    ['RSA', `{"alg":"RS256","kid":"${kid}","typ":"mla-message+jws"}`],
    ['PSS', `{"alg":"PS256","kid":"${kid}","typ":"mla-message+jws"}`],
    ['ECDSA', `{"alg":"ES256","kid":"${kid}","typ":"mla-message+jws"}`],
    ['ML-DSA', `{"alg":"ML-DSA-44","kid":"${kid}","typ":"mla-message+jws"}`],
    ['EdDSA', `{"alg":"EdDSA","kid":"${kid}","typ":"mla-message+jws"}`],
    ['another typ', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-manifest+jws"}`],
    ['no typ', `{"alg":"Ed25519","kid":"${kid}"}`],
    ['duplicate member', `{"alg":"Ed25519","alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws"}`],
    ['another order', `{"kid":"${kid}","alg":"Ed25519","typ":"mla-message+jws"}`],
    ['white space', `{"alg":"Ed25519", "kid":"${kid}","typ":"mla-message+jws"}`],
    ['escape', `{"alg":"Ed2551\\u0039","kid":"${kid}","typ":"mla-message+jws"}`],
    ['jwk', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","jwk":{"kty":"OKP"}}`],
    ['crit', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","crit":["b64"],"b64":false}`],
    ['x5c', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","x5c":[]}`],
    ['x5u', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","x5u":"https://elsewhere.example/"}`],
    ['x5t', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","x5t":"AA"}`],
    ['jku', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","jku":"https://elsewhere.example/"}`],
    ['b64', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","b64":false}`],
    ['an empty crit', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","crit":[]}`],
    ['zip', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","zip":"DEF"}`],
    ['cty', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","cty":"x"}`],
    ['an extra member', `{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws","extra":1}`],
    ['no kid', `{"alg":"Ed25519","typ":"mla-message+jws"}`],
    ['a kid that is no text', `{"alg":"Ed25519","kid":1,"typ":"mla-message+jws"}`],
    ['a kid that is a path', `{"alg":"Ed25519","kid":"../../keys/sign","typ":"mla-message+jws"}`],
    ['a list', `["Ed25519"]`],
    ['nothing', `{}`],
    ['byte-order mark', `\u00ef\u00bb\u00bf{"alg":"Ed25519","kid":"${kid}","typ":"mla-message+jws"}`],
  ])('a JWS is refused before any key is asked for: %s', (_name, header) => {
    const asked: string[] = [];
    const verdict = verifyMessage(withHeader(header), (name) => {
      asked.push(name);
      return keyFor(name);
    });
    expect(reasonOf(verdict)).toBe('JWS_MALFORMED');
    expect(asked).toEqual([]);
  });

  const right = Buffer.from(vector.jwe.split('.')[0]!, 'base64url').toString('latin1');
  test.each([
    ['RSA', (header: string) => header.replace('ECDH-ES', 'RSA-OAEP')],
    ['PBES2', (header: string) => header.replace('ECDH-ES', 'PBES2-HS256+A128KW')],
    ['dir', (header: string) => header.replace('ECDH-ES', 'dir')],
    ['another enc', (header: string) => header.replace('A256GCM', 'A128GCM')],
    ['zip', (header: string) => header.replace('}', '},"zip":"DEF"')],
    ['another curve', (header: string) => header.replace('X25519', 'P-256')],
    ['private part in epk', (header: string) => header.replace('"crv"', '"d":"AAAA","crv"')],
    ['no apu', (header: string) => header.replace('"apu":"WEE",', '')],
    ['no apv', (header: string) => header.replace(/,"apv":"[^"]+"/, '')],
    ['key wrapping', (header: string) => header.replace('ECDH-ES', 'ECDH-ES+A256KW')],
    ['AES key wrap', (header: string) => header.replace('ECDH-ES', 'A256KW')],
    ['AES-GCM key wrap', (header: string) => header.replace('ECDH-ES', 'A256GCMKW')],
    ['RSA 1.5', (header: string) => header.replace('ECDH-ES', 'RSA1_5')],
    ['none', (header: string) => header.replace('ECDH-ES', 'none')],
    ['CBC', (header: string) => header.replace('A256GCM', 'A256CBC-HS512')],
    ['another typ', (header: string) => header.replace('mla-sealed+jwe', 'mla-message+jws')],
    ['another cty', (header: string) => header.replace('"cty":"mla-message+jws"', '"cty":"mla-sealed+jwe"')],
    ['no typ', (header: string) => header.replace('"typ":"mla-sealed+jwe",', '')],
    ['no cty', (header: string) => header.replace('"cty":"mla-message+jws",', '')],
    ['no kid', (header: string) => header.replace(/"kid":"[^"]+",/, '')],
    ['no epk', (header: string) => header.replace(/"epk":\{[^}]+\},/, '')],
    ['jwk', (header: string) => header.replace(/\}$/, ',"jwk":{"kty":"OKP"}}')],
    ['jku', (header: string) => header.replace(/\}$/, ',"jku":"https://elsewhere.example/"}')],
    ['x5u', (header: string) => header.replace(/\}$/, ',"x5u":"https://elsewhere.example/"}')],
    ['x5c', (header: string) => header.replace(/\}$/, ',"x5c":[]}')],
    ['crit', (header: string) => header.replace(/\}$/, ',"crit":["exp"],"exp":1}')],
    ['b64', (header: string) => header.replace(/\}$/, ',"b64":false}')],
    ['p2c', (header: string) => header.replace(/\}$/, ',"p2s":"AA","p2c":1000000000}')],
    ['an extra member', (header: string) => header.replace(/\}$/, ',"extra":1}')],
    ['a member twice', (header: string) => header.replace('"alg":"ECDH-ES"', '"alg":"ECDH-ES","alg":"ECDH-ES"')],
    ['another order', (header: string) => header.replace(/("alg":"[^"]+"),("enc":"[^"]+")/, '$2,$1')],
    ['white space', (header: string) => header.replace(',', ', ')],
  ])('a JWE is refused before any key is asked for: %s', (_name, change) => {
    const asked: string[] = [];
    expect(change(right)).not.toBe(right);
    const jwe = [b64u(change(right)), ...vector.jwe.split('.').slice(1)].join('.');
    const verdict = openMessage(jwe, (name) => {
      asked.push(name);
      return openKeyFor(name);
    });
    expect(reasonOf(verdict)).toBe('JWE_MALFORMED');
    expect(asked).toEqual([]);
  });

  test('parties that are not codes, and keys that are not there, have their own reasons', () => {
    const parties = (apu: string): string =>
      [b64u(right.replace('"apu":"WEE"', `"apu":"${b64u(apu)}"`)), ...vector.jwe.split('.').slice(1)].join('.');
    expect(reasonOf(openMessage(parties('xa'), openKeyFor))).toBe('JWE_PARTY_INVALID');
    expect(reasonOf(openMessage(parties('XC'), openKeyFor))).toBe('JWE_DECRYPT_FAILED');
    // Between whom it is stands outside the seal, and is compared before a key is used.
    expect(reasonOf(openMessage(parties('XC'), () => undefined, { from: 'XA', to: 'XB' }))).toBe('JWE_PARTY_INVALID');
    expect(reasonOf(openMessage(vector.jwe, openKeyFor, { from: 'XA', to: 'XC' }))).toBe('JWE_PARTY_INVALID');
    expect(reasonOf(openMessage(vector.jwe, openKeyFor, { from: 'XA', to: 'XB' }))).toBe('accepted');
    expect(reasonOf(openMessage(vector.jwe, () => undefined))).toBe('JWE_KEY_UNKNOWN');
    expect(reasonOf(verifyMessage(vector.jws, () => undefined))).toBe('JWS_KEY_UNKNOWN');
    const stranger = generateKeyPairSync('ed25519').publicKey;
    expect(reasonOf(verifyMessage(vector.jws, () => stranger))).toBe('JWS_SIGNATURE_INVALID');
  });

  test('an ephemeral key of small order is refused', () => {
    const zero = right.replace(/"x":"[^"]+"/, `"x":"${Buffer.alloc(32).toString('base64url')}"`);
    const jwe = [b64u(zero), ...vector.jwe.split('.').slice(1)].join('.');
    expect(reasonOf(openMessage(jwe, openKeyFor))).toBe('JWE_DECRYPT_FAILED');
  });
});

describe('sizes and shapes', () => {
  test('too long is refused undecoded', () => {
    expect(reasonOf(verifyMessage('a'.repeat(MAX_JWS_CHARS + 1), keyFor))).toBe('TOO_LARGE');
    expect(reasonOf(openMessage('a'.repeat(MAX_JWE_CHARS + 1), openKeyFor))).toBe('TOO_LARGE');
    expect(reasonOf(sealedDigest('a'.repeat(MAX_JWE_CHARS + 1)))).toBe('TOO_LARGE');
  });

  test('the largest payload fits', () => {
    const { jws } = signMessage(new Uint8Array(524_288), {
      kid: vector.sign.kid,
      sign: (message) => sign(null, message, signing),
    });
    expect(reasonOf(verifyMessage(jws, keyFor))).toBe('accepted');
    const { sealed } = sealMessage(jws, { key: recipient, from: XA, to: 'GB-SCT' as JurisdictionCode });
    expect(reasonOf(openMessage(sealed, openKeyFor))).toBe('accepted');
  });

  test.each(['', '.', '..', '....', '.....', 'a', `${vector.jwe}.`, `.${vector.jws}`, vector.jwe])(
    '%# is no JWS',
    (text) => {
      expect(reasonOf(verifyMessage(text, keyFor))).toBe('JWS_MALFORMED');
    },
  );

  test.each(['', '..', '....', '......', vector.jws])('%# is no JWE', (text) => {
    expect(reasonOf(openMessage(text, openKeyFor))).toBe('JWE_MALFORMED');
  });

  test('the JSON serialisations are neither', () => {
    const [protectedHeader, payload, signature] = vector.jws.split('.');
    const jws = { payload, protected: protectedHeader, signature };
    const { payload: text, ...one } = jws;
    for (const json of [jws, { payload: text, signatures: [one] }])
      expect(reasonOf(verifyMessage(JSON.stringify(json), keyFor))).toBe('JWS_MALFORMED');
    const [header, key, iv, ciphertext, tag] = vector.jwe.split('.');
    const jwe = { protected: header, encrypted_key: key, iv, ciphertext, tag };
    const { encrypted_key: wrapped, ...shared } = jwe;
    for (const json of [jwe, { ...shared, recipients: [{ encrypted_key: wrapped }] }])
      expect(reasonOf(openMessage(JSON.stringify(json), openKeyFor))).toBe('JWE_MALFORMED');
  });

  test('T09: a part whose last character has bits that are not used is another spelling, and refused', () => {
    for (const [text, judge, reason] of [
      [vector.jws, (changed: string) => reasonOf(verifyMessage(changed, keyFor)), 'JWS_MALFORMED'],
      [vector.jwe, (changed: string) => reasonOf(openMessage(changed, openKeyFor)), 'JWE_MALFORMED'],
    ] as const) {
      const parts = text.split('.');
      const loose = parts.flatMap((part, i) => (part.length % 4 < 2 ? [] : [i]));
      expect(loose.length).toBeGreaterThan(0);
      for (const i of loose) {
        const changed = parts.with(i, `${parts[i]!.slice(0, -1)}${nextCharacter(parts[i]!.at(-1)!)}`);
        expect(Buffer.from(changed[i]!, 'base64url').equals(Buffer.from(parts[i]!, 'base64url'))).toBe(true);
        expect(judge(changed.join('.'))).toBe(reason);
      }
    }
  });

  test('two sealings of one message share nothing', () => {
    const seal = (): string => sealMessage(vector.jws, { key: recipient, from: XA, to: XB }).sealed;
    const [a, b] = [seal().split('.'), seal().split('.')];
    for (const i of [0, 2, 3, 4]) expect(a[i]).not.toBe(b[i]);
  });
});
