/**
 * Writes the project's own test vectors from fixed keys and fixed randomness: `node scripts/vectors.mjs`. They are for programs in any
 * language; `proto/README.md` shows them, and the tests compare both with the code.
 */
import { createPrivateKey, createPublicKey, diffieHellman, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { bootstrap } from './bootstrap.mjs';

await bootstrap();
const top = new URL('../', import.meta.url);
const from = (room) => import(new URL(`.build/${room}/mod.js`, top).href);
const { bytesToBase64, bytesToBase64url, bytesToHex, bytesToJwk, jwkThumbprint } = await from('base');
const { encodeMessage, encodeLedgerEntry, encodeReceipt, toJson } = await from('wire');
const { decapsulationKey, sealMessageWith, signMessage } = await from('sealing');
const { hybridKdf } = await import(new URL('.build/sealing/hybrid-kdf.js', top).href);
const ledger = await from('ledger');

const hex = (byte, length = 32) => byte.toString(16).padStart(2, '0').repeat(length);
const PKCS8 = { ed25519: '302e020100300506032b657004220420', x25519: '302e020100300506032b656e04220420' };
const privateKey = (curve, seedHex) =>
  createPrivateKey({ key: Buffer.from(PKCS8[curve] + seedHex, 'hex'), format: 'der', type: 'pkcs8' });
const rawPublic = (key) => new Uint8Array(Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url'));
const kidOf = (curve, key) => jwkThumbprint(bytesToJwk(curve, rawPublic(key)));

const signing = privateKey('ed25519', hex(0x33));
const encryption = privateKey('x25519', hex(0x44));
const ephemeral = privateKey('x25519', hex(0x55));
const iv = new Uint8Array(12).fill(0x66);
const [signKid, encryptKid] = [kidOf('Ed25519', signing), kidOf('X25519', encryption)];

const ID = '019b0000-0000-7000-8000-000000000001';
const message = {
  header: {
    message_id: ID,
    case_id: '019b0000-0000-7000-8000-0000000000aa',
    in_reply_to: '019b0000-0000-7000-8000-000000000000',
    from: 'XA',
    to: 'XB',
    seq: 1,
    recipient_kid: encryptKid,
    issued_at: 1767225600000,
    expires_at: 0,
    manifest_version: 1,
    schema_version: 1,
  },
  body: {
    type: 'acknowledge_receipt',
    value: {
      received_at: 1767225599000,
      handler: { name: 'Section II', country: 'XA' },
      local_ref: 'EX 1/2026',
      defects: [],
      clock_estimates: [{ stage: 'DECISION', date: '2026-03-31' }],
    },
  },
};
const payload = encodeMessage(message);
const { jws, signedDigest } = signMessage(payload, { kid: signKid, sign: (message) => sign(null, message, signing) });
const parties = { key: { kid: encryptKid, publicKey: createPublicKey(encryption) }, from: 'XA', to: 'XB' };
const { sealed, sealedDigest } = sealMessageWith(jws, parties, { ephemeral, iv });
const digests = { sealed_digest: sealedDigest, signed_digest: signedDigest };

write('message', {
  source: 'scripts/vectors.mjs; keys and randomness are fixed bytes and worth nothing',
  sign: { seed: hex(0x33), public: bytesToHex(rawPublic(signing)), kid: signKid },
  encrypt: { private: hex(0x44), public: bytesToHex(rawPublic(encryption)), kid: encryptKid },
  ephemeral: { private: hex(0x55), public: bytesToHex(rawPublic(ephemeral)) },
  iv: bytesToHex(iv),
  message: toJson('Message', message),
  payload: bytesToHex(payload),
  jws,
  jwe: sealed,
  signed_digest: bytesToHex(digests.signed_digest),
  sealed_digest: bytesToHex(digests.sealed_digest),
});

const seed = new Uint8Array(64).map((_, i) => (i < 32 ? 0x77 : 0x99));
const encapsulation = new Uint8Array(32).fill(0xaa);
const kem = decapsulationKey(seed);
const hybrid = { ...parties, key: { ...parties.key, kem: kem.publicKey }, suite: 2 };
const second = sealMessageWith(jws, hybrid, { ephemeral, iv, encapsulation });
const kemCiphertext = new Uint8Array(Buffer.from(second.sealed.split('.')[1], 'base64url'));
const secrets = {
  kem: { secret: kem.decapsulate(kemCiphertext), ciphertext: kemCiphertext, publicKey: kem.publicKey },
  dh: {
    secret: diffieHellman({ privateKey: ephemeral, publicKey: createPublicKey(encryption) }),
    ephemeral: rawPublic(ephemeral),
    publicKey: rawPublic(encryption),
  },
};
write('message-suite-2', {
  source: 'scripts/vectors.mjs; the message, keys and nonce of message.json, sealed in suite 2',
  encrypt: { private: hex(0x44), public: bytesToHex(rawPublic(encryption)), kid: encryptKid },
  mlkem768: { seed: bytesToHex(seed), public: bytesToHex(kem.publicKey) },
  ephemeral: { private: hex(0x55), public: bytesToHex(rawPublic(ephemeral)) },
  encapsulation: bytesToHex(encapsulation),
  iv: bytesToHex(iv),
  jws,
  mlkem768_secret: bytesToHex(secrets.kem.secret),
  x25519_secret: bytesToHex(secrets.dh.secret),
  content_key: bytesToHex(hybridKdf('mla-X25519MLKEM768-v1', secrets, Buffer.from('XA'), Buffer.from('XB'))),
  jwe: second.sealed,
  sealed_digest: bytesToHex(second.sealedDigest),
});

const logKey = privateKey('ed25519', hex(0x11));
const key = ledger.verifierKey('node-a.example/ledger', 1, rawPublic(logKey));
const signNote = (bytes) => sign(null, bytes, logKey);
const at = (time) => ({ version: 1, time: 1767225600000 + time });
const about = { peer: 'XB', message_id: ID, seq: 1, ...digests };
const manifest = { type: 'manifest', value: { version: 1, digest: new Uint8Array(32).fill(0x77) } };
const entries = [
  encodeLedgerEntry({ ...at(0), kind: 'MANIFEST', seq: 0, detail: manifest }),
  encodeLedgerEntry({ ...at(1), kind: 'SENT', ...about }),
  encodeLedgerEntry({ ...at(2), kind: 'VOIDED', ...about, reason: 'VOIDED_EXPIRED' }),
];
const tree = new ledger.MerkleTiles(() => Promise.reject(new Error('no full tile')));
tree.append(entries.map(ledger.leafHash));
const head = { size: tree.size, root: await tree.rootAt() };
const checkpoint = ledger.signCheckpoint(head, key, signNote);
const older = ledger.signCheckpoint({ size: 2, root: await tree.rootAt(2) }, key, signNote);
const proof = ledger.encodeInclusionProofText(1, await tree.inclusionPath(1), checkpoint.note);
write('ledger', {
  source: 'scripts/vectors.mjs; the key is a fixed seed and worth nothing',
  seed: hex(0x11),
  vkey: ledger.encodeVerifierKey(key),
  entries: entries.map(bytesToHex),
  leaf_hashes: entries.map((entry) => bytesToHex(ledger.leafHash(entry))),
  root: bytesToBase64(head.root),
  checkpoint: checkpoint.note,
  entry_bundle: bytesToHex(ledger.encodeEntryBundle(entries)),
  tile: bytesToHex(await tree.tileBytes(0, 0, 3)),
  inclusion: { index: 1, proof },
  receipt: bytesToBase64url(encodeReceipt({ entry: entries[1], proof })),
  consistency: {
    old: older.note,
    proof: ledger.encodeConsistencyProofText(2, await tree.consistencyPath(2), checkpoint.note),
  },
});

function write(name, vector) {
  writeFileSync(new URL(`test/vectors/valid/${name}.json`, top), `${JSON.stringify(vector, undefined, 2)}\n`);
}
