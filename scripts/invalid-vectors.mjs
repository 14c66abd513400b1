/**
 * Writes the vectors of messages that must be refused: `node scripts/invalid-vectors.mjs`. Each is as right as it can be made but for one
 * thing, and most would be accepted by a general JOSE library: signed or encrypted under the keys of `test/vectors/valid/message.json`.
 * RSA and P-256 keys are made anew each time; nothing depends on which.
 */
import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  sign,
} from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { bootstrap } from './bootstrap.mjs';

await bootstrap();
const top = new URL('../', import.meta.url);
const { concatKdf } = await import(new URL('.build/sealing/mod.js', top).href);
const vector = JSON.parse(readFileSync(new URL('test/vectors/valid/message.json', top), 'utf8'));

const PKCS8 = { ed25519: '302e020100300506032b657004220420', x25519: '302e020100300506032b656e04220420' };
const privateKey = (curve, seed) =>
  createPrivateKey({ key: Buffer.from(PKCS8[curve] + seed, 'hex'), format: 'der', type: 'pkcs8' });
const b64u = (bytes) => Buffer.from(bytes).toString('base64url');
const signing = privateKey('ed25519', vector.sign.seed);
const stranger = privateKey('ed25519', '99'.repeat(32));
const encryption = privateKey('x25519', vector.encrypt.private);
const ephemeral = privateKey('x25519', vector.ephemeral.private);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const cases = { jws: [], jwe: [] };
const add = (kind, name, expected, source, text) => cases[kind].push({ name, expected, source, text });

// --- JWS -----------------------------------------------------------------------------------------------------------------------
const { kid } = vector.sign;
const HEADER = { alg: 'Ed25519', kid, typ: 'mla-message+jws' };
const byKey = (input) => sign(null, Buffer.from(input), signing);
const jws = (header, signWith = byKey, payload = Buffer.from(vector.payload, 'hex')) => {
  const input = `${b64u(typeof header === 'string' ? header : JSON.stringify(header))}.${b64u(payload)}`;
  return `${input}.${b64u(signWith(input))}`;
};
const malformed = (name, source, text) => add('jws', name, 'SIGNED_MALFORMED', source, text);
const T08 = (rfc) => `T08; ${rfc}`;
malformed(
  'alg none, unsigned',
  T08('RFC 7515 §6, RFC 8725 §3.2'),
  jws({ ...HEADER, alg: 'none' }, () => ''),
);
malformed('alg none, with the right signature', T08('RFC 8725 §3.2'), jws({ ...HEADER, alg: 'none' }));
malformed(
  'HS256 keyed with the public key',
  T08('RFC 8725 §2.1'),
  jws({ ...HEADER, alg: 'HS256' }, (input) =>
    createHmac('sha256', Buffer.from(vector.sign.public, 'hex')).update(input).digest(),
  ),
);
malformed(
  'RS256',
  T08('RFC 7518 §3.3'),
  jws({ ...HEADER, alg: 'RS256' }, (input) => sign('sha256', Buffer.from(input), rsa)),
);
malformed(
  'ES256',
  T08('RFC 7518 §3.4'),
  jws({ ...HEADER, alg: 'ES256' }, (input) =>
    sign('sha256', Buffer.from(input), { key: p256, dsaEncoding: 'ieee-p1363' }),
  ),
);
malformed('EdDSA, the name that RFC 9864 replaced', T08('RFC 9864 §4.1.2'), jws({ ...HEADER, alg: 'EdDSA' }));
malformed('Ed448', T08('RFC 9864 §2.2'), jws({ ...HEADER, alg: 'Ed448' }));
malformed('PBES2', T08('RFC 7518 §4.8'), jws({ ...HEADER, alg: 'PBES2-HS256+A128KW', p2c: 1, p2s: 'AA' }));
malformed('dir', T08('RFC 7518 §4.5'), jws({ ...HEADER, alg: 'dir' }));
malformed('the type of a manifest', T08('RFC 8725 §3.11'), jws({ ...HEADER, typ: 'mla-manifest+jws' }));
malformed('no type', T08('RFC 8725 §3.11'), jws({ alg: 'Ed25519', kid }));
malformed('no kid', T08('RFC 7515 §4.1.4'), jws({ alg: 'Ed25519', typ: HEADER.typ }));
malformed('b64 false', T08('RFC 7797 §3'), jws({ ...HEADER, b64: false, crit: ['b64'] }));
malformed('crit', T08('RFC 7515 §4.1.11'), jws({ ...HEADER, crit: ['exp'], exp: 4102444800 }));
malformed('zip', 'T13; RFC 7516 §4.1.3', jws({ ...HEADER, zip: 'DEF' }));
const own = createPublicKey(signing).export({ format: 'jwk' });
malformed('jwk, the right one', T08('RFC 7515 §4.1.3'), jws({ ...HEADER, jwk: own }));
malformed(
  'jwk, a stranger’s',
  T08('RFC 7515 §4.1.3, CVE-2018-0114'),
  jws({ ...HEADER, jwk: createPublicKey(stranger).export({ format: 'jwk' }) }, (input) =>
    sign(null, Buffer.from(input), stranger),
  ),
);
malformed('jku', T08('RFC 7515 §4.1.2'), jws({ ...HEADER, jku: 'https://keys.example/jwks.json' }));
malformed('x5u', T08('RFC 7515 §4.1.5'), jws({ ...HEADER, x5u: 'https://keys.example/cert.pem' }));
malformed('x5c', T08('RFC 7515 §4.1.6'), jws({ ...HEADER, x5c: ['AA=='] }));
malformed('an extra member', 'T09; proto/README.md part 4', jws({ ...HEADER, iat: 1 }));
const text = JSON.stringify(HEADER);
malformed('alg twice', 'T09; RFC 7515 §4', jws(text.replace('{', '{"alg":"none",')));
malformed('kid twice', 'T09; RFC 7515 §4', jws(text.replace('"typ"', `"kid":"${kid}","typ"`)));
malformed('another order', 'T09; proto/README.md part 4', jws({ kid, alg: 'Ed25519', typ: HEADER.typ }));
malformed('white space in the header', 'T09; proto/README.md part 4', jws(text.replace(',', ', ')));
malformed('an escape in the header', 'T09; RFC 8259 §7', jws(text.replace('Ed25519', 'Ed2551\\u0039')));
malformed('a byte-order mark', 'T09; RFC 8259 §8.1', jws(`\ufeff${text}`));
const [head, body, signature] = vector.jws.split('.');
malformed(
  'flattened JSON serialisation',
  'T09; RFC 7515 §7.2.2',
  JSON.stringify({ payload: body, protected: head, signature }),
);
malformed(
  'general JSON serialisation',
  'T09; RFC 7515 §7.2.1',
  JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
);
// The last character of 64 bytes carries four bits of data; the other two have to be zero.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const loose = (segment) => segment.slice(0, -1) + ALPHABET[ALPHABET.indexOf(segment.at(-1)) + 1];
malformed('bits after the end of the signature', 'T09; RFC 4648 §3.5', `${head}.${body}.${loose(signature)}`);
malformed('padding', 'T09; RFC 7515 §2', `${vector.jws}==`);
malformed('a line feed at the end', 'T09; RFC 7515 §2', `${vector.jws}\n`);
malformed('a space inside', 'T09; RFC 7515 §2', `${head}.${body}. ${signature}`);
malformed(
  'the other alphabet',
  'T09; RFC 4648 §4',
  `${head}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}`,
);
malformed('four segments', 'T09; RFC 7515 §7.1', `${vector.jws}.AA`);
malformed('detached payload', 'T09; RFC 7515 appendix F', `${head}..${signature}`.replace('..', '.=.'));
malformed(
  'a signature of 63 bytes',
  'T09; RFC 8032 §5.1.6',
  `${head}.${body}.${b64u(Buffer.from(signature, 'base64url').subarray(1))}`,
);
malformed('a receipt in place of a message', T08('RFC 8725 §3.11'), 'CgEB.EgF4.AA');
add(
  'jws',
  'another key’s signature',
  'SIGNATURE_INVALID',
  'T03',
  jws(HEADER, (input) => sign(null, Buffer.from(input), stranger)),
);
add('jws', 'another payload', 'SIGNATURE_INVALID', 'T03', `${head}.${b64u(Buffer.from('another'))}.${signature}`);
add(
  'jws',
  'an empty payload under the right signature',
  'SIGNATURE_INVALID',
  'T03; RFC 7515 appendix F',
  `${head}..${signature}`,
);
add('jws', 'a kid that nobody has', 'SIGNING_KEY_UNKNOWN', 'T03', jws({ ...HEADER, kid: 'A'.repeat(43) }));

// --- JWE -----------------------------------------------------------------------------------------------------------------------
const SEAL = {
  alg: 'ECDH-ES',
  enc: 'A256GCM',
  kid: vector.encrypt.kid,
  typ: 'mla-sealed+jwe',
  cty: 'mla-message+jws',
  epk: { kty: 'OKP', crv: 'X25519', x: b64u(Buffer.from(vector.ephemeral.public, 'hex')) },
  apu: b64u('XA'),
  apv: b64u('XB'),
};
const iv = Buffer.from(vector.iv, 'hex');
/** Encrypted for real, with whatever the header says of the parties. */
const jwe = (header, options = {}) => {
  const { plaintext = Buffer.from(vector.jws), encryptedKey = '', nonce = iv, tagLength = 16 } = options;
  const first = b64u(typeof header === 'string' ? header : JSON.stringify(header));
  const z = diffieHellman({ privateKey: ephemeral, publicKey: createPublicKey(encryption) });
  const [apu, apv] = [header.apu ?? SEAL.apu, header.apv ?? SEAL.apv].map((item) => Buffer.from(item, 'base64url'));
  const cipher = createCipheriv('aes-256-gcm', concatKdf(z, 'A256GCM', 32, apu, apv), nonce, {
    authTagLength: tagLength,
  });
  cipher.setAAD(Buffer.from(first));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [first, b64u(encryptedKey), b64u(nonce), b64u(ciphertext), b64u(cipher.getAuthTag())].join('.');
};
const unsealed = (name, source, value) => add('jwe', name, 'SEALED_MALFORMED', source, value);
for (const alg of ['RSA-OAEP', 'RSA1_5', 'PBES2-HS256+A128KW', 'dir', 'A256KW', 'ECDH-ES+A256KW', 'none'])
  unsealed(`alg ${alg}`, T08('RFC 7518 §4'), jwe({ ...SEAL, alg }));
for (const enc of ['A128GCM', 'A256CBC-HS512', 'none'])
  unsealed(`enc ${enc}`, T08('RFC 7518 §5'), jwe({ ...SEAL, enc }));
unsealed(
  'compressed',
  'T13; RFC 7516 §4.1.3',
  jwe({ ...SEAL, zip: 'DEF' }, { plaintext: deflateRawSync(Buffer.from(vector.jws)) }),
);
unsealed('crit', T08('RFC 7516 §4.1.13'), jwe({ ...SEAL, crit: ['exp'], exp: 4102444800 }));
unsealed('b64', T08('RFC 7797 §3'), jwe({ ...SEAL, b64: false, crit: ['b64'] }));
unsealed('jwk', T08('RFC 7516 §4.1.5'), jwe({ ...SEAL, jwk: own }));
unsealed('jku', T08('RFC 7516 §4.1.4'), jwe({ ...SEAL, jku: 'https://keys.example/jwks.json' }));
unsealed('x5u', T08('RFC 7516 §4.1.7'), jwe({ ...SEAL, x5u: 'https://keys.example/cert.pem' }));
unsealed('x5c', T08('RFC 7516 §4.1.8'), jwe({ ...SEAL, x5c: ['AA=='] }));
unsealed('p2c and p2s', T08('RFC 7518 §4.8.1'), jwe({ ...SEAL, p2c: 2000000000, p2s: 'AAAA' }));
unsealed('an extra member', 'T09; proto/README.md part 4', jwe({ ...SEAL, iat: 1 }));
const sealText = JSON.stringify(SEAL);
unsealed('alg twice', 'T09; RFC 7516 §4', jwe(sealText.replace('{', '{"alg":"dir",')));
unsealed('apu twice', 'T09; RFC 7516 §4', jwe(sealText.replace('"apu"', '"apu":"WEM","apu"')));
unsealed('another order', 'T09; proto/README.md part 4', jwe({ enc: 'A256GCM', ...SEAL }));
unsealed('white space in the header', 'T09; proto/README.md part 4', jwe(sealText.replace(',', ', ')));
unsealed('the type of a message', T08('RFC 8725 §3.11'), jwe({ ...SEAL, typ: 'mla-message+jws' }));
unsealed('no content type', T08('RFC 7516 §4.1.12'), jwe({ ...SEAL, cty: undefined }));
unsealed('no apu', 'T06; RFC 7518 §4.6.1.2', jwe({ ...SEAL, apu: undefined }));
unsealed('no apv', 'T06; RFC 7518 §4.6.1.3', jwe({ ...SEAL, apv: undefined }));
unsealed('no kid', T08('RFC 7516 §4.1.6'), jwe({ ...SEAL, kid: undefined }));
unsealed('epk on another curve', T08('RFC 7518 §4.6.1.1'), jwe({ ...SEAL, epk: { ...SEAL.epk, crv: 'X448' } }));
unsealed('epk with its private part', T08('RFC 7518 §4.6.1.1'), jwe({ ...SEAL, epk: { ...SEAL.epk, d: SEAL.epk.x } }));
unsealed(
  'an encrypted key in direct agreement',
  T08('RFC 7516 §5.2 step 10'),
  jwe(SEAL, { encryptedKey: Buffer.alloc(8) }),
);
unsealed('a nonce of 16 bytes', T08('RFC 7518 §5.3'), jwe(SEAL, { nonce: Buffer.alloc(16, 0x66) }));
unsealed('a tag of 12 bytes', T08('RFC 7518 §5.3'), jwe(SEAL, { tagLength: 12 }));
const parts = vector.jwe.split('.');
for (const [i, name] of [
  [3, 'ciphertext'],
  [4, 'tag'],
]) {
  const padded = i === 3 ? `${parts[i]}=` : loose(parts[i]);
  unsealed(`a second spelling of the ${name}`, 'T09; RFC 4648 §3.5', parts.with(i, padded).join('.'));
}
unsealed(
  'general JSON serialisation',
  'T09; RFC 7516 §7.2.1',
  JSON.stringify({ protected: parts[0], recipients: [{}], iv: parts[2], ciphertext: parts[3], tag: parts[4] }),
);
unsealed(
  'flattened JSON serialisation',
  'T09; RFC 7516 §7.2.2',
  JSON.stringify({ protected: parts[0], iv: parts[2], ciphertext: parts[3], tag: parts[4] }),
);
unsealed('a signed message that is not sealed', T08('RFC 8725 §3.11'), vector.jws);
unsealed('six segments', 'T09; RFC 7516 §7.1', `${vector.jwe}.AA`);
const opens = (name, expected, source, value) => add('jwe', name, expected, source, value);
opens(
  'apu of another sender, sealed anew',
  'SEALED_PARTY_MISMATCH',
  'T06; to be compared with the envelope',
  jwe({ ...SEAL, apu: b64u('XC') }),
);
opens(
  'apv of another recipient, sealed anew',
  'SEALED_PARTY_MISMATCH',
  'T06; to be compared with the envelope',
  jwe({ ...SEAL, apv: b64u('XC') }),
);
opens('apu that is no code', 'SEALED_PARTY_MISMATCH', 'T06', jwe({ ...SEAL, apu: b64u('xa') }));
const changed = (change) => parts.with(0, b64u(JSON.stringify({ ...SEAL, ...change }))).join('.');
opens('apu changed afterwards', 'SEALED_UNDECRYPTABLE', 'T06; RFC 7516 §5.2 step 14', changed({ apu: b64u('XC') }));
opens(
  'epk changed afterwards',
  'SEALED_UNDECRYPTABLE',
  'T05',
  changed({ epk: { ...SEAL.epk, x: b64u(Buffer.alloc(32, 9)) } }),
);
opens(
  'epk of small order',
  'SEALED_UNDECRYPTABLE',
  'T05; RFC 7748 §6.1',
  changed({ epk: { ...SEAL.epk, x: b64u(Buffer.alloc(32)) } }),
);
opens('a kid that is not the recipient’s', 'RECIPIENT_KEY_UNKNOWN', 'T06', changed({ kid: 'A'.repeat(43) }));
const flipped = Buffer.from(parts[3], 'base64url');
flipped[0] ^= 1;
opens(
  'a flipped bit of the ciphertext',
  'SEALED_UNDECRYPTABLE',
  'T03; RFC 7516 §5.2 step 16',
  parts.with(3, b64u(flipped)).join('.'),
);

mkdirSync(new URL('test/vectors/invalid/', top), { recursive: true });
for (const [kind, list] of Object.entries(cases)) {
  const file = {
    source: 'scripts/invalid-vectors.mjs; keys, sender XA and recipient XB as in ../valid/message.json',
    expected: 'the reason of proto/README.md part 6',
    cases: list,
  };
  writeFileSync(new URL(`test/vectors/invalid/${kind}.json`, top), `${JSON.stringify(file, undefined, 2)}\n`);
}
