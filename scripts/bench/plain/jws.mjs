/** Stands in for `sealing/jws`: a digest to identify the message by, and no signature. */
import { createHash } from 'node:crypto';

export function signMessage(payload, key) {
  const jws = `${key.kid}.${Buffer.from(payload).toString('base64url')}`;
  return { jws, signedDigest: signedDigest(jws) };
}

export function verifyMessage(jws) {
  const [signer, payload] = jws.split('.');
  return {
    ok: true,
    value: { payload: new Uint8Array(Buffer.from(payload, 'base64url')), kid: signer, signedDigest: signedDigest(jws) },
  };
}

export function signedDigest(jws) {
  return new Uint8Array(createHash('sha256').update(jws).digest());
}
