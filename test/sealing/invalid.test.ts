/** The vectors of what must be refused, each for its own reason. */
import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { openMessage, verifyMessage, type SealingReason } from '../../src/sealing/mod.ts';
import { decryptionKeyOf, privateKeyOf } from '../kit/keys.ts';
import { readVector, type InvalidVectors, type MessageVector } from '../kit/vectors.ts';

const vector = readVector<MessageVector>('valid/message');
const privateKey = privateKeyOf('x25519', vector.encrypt.private);
const decryptKey = decryptionKeyOf(privateKey);
const signKey = createPublicKey(privateKeyOf('ed25519', vector.sign.seed));

const REASONS: Readonly<Record<SealingReason, string>> = {
  TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  JWE_MALFORMED: 'SEALED_MALFORMED',
  JWE_KEY_UNKNOWN: 'RECIPIENT_KEY_UNKNOWN',
  JWE_DECRYPT_FAILED: 'SEALED_UNDECRYPTABLE',
  JWE_PARTY_INVALID: 'SEALED_PARTY_MISMATCH',
  JWS_MALFORMED: 'SIGNED_MALFORMED',
  JWS_KEY_UNKNOWN: 'SIGNING_KEY_UNKNOWN',
  JWS_SIGNATURE_INVALID: 'SIGNATURE_INVALID',
};

test.each(readVector<InvalidVectors>('invalid/jws').cases)('JWS: $name ($source)', ({ text, expected }) => {
  const verdict = verifyMessage(text, (kid) => (kid === vector.sign.kid ? signKey : undefined));
  expect(verdict.ok ? 'accepted' : REASONS[verdict.reason]).toBe(expected);
});

test.each(readVector<InvalidVectors>('invalid/jwe').cases)('JWE: $name ($source)', ({ text, expected }) => {
  const opened = openMessage(text, (kid) => (kid === vector.encrypt.kid ? decryptKey : undefined));
  // Whom it is from and to is for the caller to compare with the envelope.
  const isForOthers = opened.ok && (opened.value.from !== 'XA' || opened.value.to !== 'XB');
  const reason = opened.ok ? (isForOthers ? 'SEALED_PARTY_MISMATCH' : 'accepted') : REASONS[opened.reason];
  expect(reason).toBe(expected);
});

test('the right ones beside them are accepted', () => {
  expect(verifyMessage(vector.jws, () => signKey).ok).toBe(true);
  expect(openMessage(vector.jwe, () => decryptKey).ok).toBe(true);
});
