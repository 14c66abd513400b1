import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/**
 * The RFC 7638 thumbprint of an Ed25519 or X25519 key: its `kid`.
 * @see RFC 7638 §3, RFC 8037 §2
 */
export function jwkThumbprint(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const { crv, kty, x } = publicKey.export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}
