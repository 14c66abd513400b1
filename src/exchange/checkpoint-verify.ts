import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { TransientMap, bytesToBase64url, type VerifyEd25519 } from '../base/mod.ts';

// Every receipt of a batch lies under one checkpoint: remembering the last few signatures saves most verifications.
const REMEMBERED = 256;

/**
 * Ed25519 verification of checkpoints by OpenSSL, for the hot path; the auditor's own verifier is ten times slower. Keys were admitted
 * only when canonical and torsion-free, so both give the same answers.
 */
export function createCheckpointVerify(): VerifyEd25519 {
  const keyObjects = new Map<string, KeyObject>();
  const verified = new TransientMap<string, boolean>();
  return (signature, message, publicKey) => {
    const keyId = bytesToBase64url(publicKey);
    const id = `${keyId}.${bytesToBase64url(signature)}.${bytesToBase64url(message)}`;
    const known = verified.get(id);
    if (known !== undefined) return known;
    let key = keyObjects.get(keyId);
    if (key === undefined) {
      key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: keyId }, format: 'jwk' });
      keyObjects.set(keyId, key);
    }
    const answer = verify(null, message, key, signature);
    const oldest = verified.size < REMEMBERED ? undefined : verified.keys().next().value;
    if (oldest !== undefined) verified.delete(oldest);
    verified.set(id, answer);
    return answer;
  };
}
