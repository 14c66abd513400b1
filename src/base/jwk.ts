import { parseBase64url } from './bytes.ts';
import { bytesToBase64url, sha256, utf8ToBytes } from './platform.ts';

/** A public key on one of the two curves. @see RFC 8037 §2 */
export interface OkpJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519' | 'X25519';
  /** 32 bytes in base64url. */
  readonly x: string;
}

/** The RFC 7638 thumbprint: the key's `kid`. @see RFC 7638 §3, RFC 8037 appendix A.3 */
export function jwkThumbprint({ crv, kty, x }: OkpJwk): string {
  return bytesToBase64url(sha256(utf8ToBytes(JSON.stringify({ crv, kty, x }))));
}

/** The raw public key. @throws {BaseError} BASE_BAD_BASE64 */
export function jwkToBytes(jwk: OkpJwk): Uint8Array {
  return parseBase64url(jwk.x);
}

/** A raw public key of 32 bytes as a JWK. */
export function bytesToJwk(crv: OkpJwk['crv'], publicKey: Uint8Array): OkpJwk {
  return { kty: 'OKP', crv, x: bytesToBase64url(publicKey) };
}
