import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { bytesToJwk, jwkThumbprint } from '../../src/base/mod.ts';
import { KEY_TYPES, verifierKey, type SignEd25519, type VerifierKey } from '../../src/ledger/mod.ts';

const PREFIX = { ed25519: '302e020100300506032b657004220420', x25519: '302e020100300506032b656e04220420' };

/** A private key out of 32 bytes in hexadecimal. */
export function privateKeyOf(curve: 'ed25519' | 'x25519', seedHex: string): KeyObject {
  return createPrivateKey({ key: Buffer.from(PREFIX[curve] + seedHex, 'hex'), format: 'der', type: 'pkcs8' });
}

/** The raw public key. */
export function publicBytes(key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x!, 'base64url'));
}

/** The kid of a key. */
export function kidOf(key: KeyObject): string {
  return jwkThumbprint(bytesToJwk(key.asymmetricKeyType === 'x25519' ? 'X25519' : 'Ed25519', publicBytes(key)));
}

/** A ledger's key pair from a seed. */
export function logKeyOf(name: string, seedHex: string): { readonly key: VerifierKey; readonly sign: SignEd25519 } {
  const privateKey = privateKeyOf('ed25519', seedHex);
  return {
    key: verifierKey(name, KEY_TYPES.ed25519, publicBytes(privateKey)),
    sign: (message) => sign(null, message, privateKey),
  };
}
