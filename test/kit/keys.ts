import { createPrivateKey, createPublicKey, diffieHellman, sign, type KeyObject } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytesToJwk, jwkThumbprint } from '../../src/base/mod.ts';
import { KEY_TYPES, verifierKey, type SignEd25519, type VerifierKey } from '../../src/ledger/mod.ts';
import { decapsulationKey, type DecryptionKey } from '../../src/sealing/mod.ts';
import { openSecret, unwrapDataKey } from '../../src/store/mod.ts';
import { parsePrivateKey, type NodeKeys } from '../../src/trust/mod.ts';

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

/** What opens messages with a private X25519 key, and with an ML-KEM-768 key where its seed is given. */
export function decryptionKeyOf(privateKey: KeyObject, mlKemSeed?: Uint8Array): DecryptionKey {
  return {
    publicKey: publicBytes(privateKey),
    agree: (publicKey) => diffieHellman({ privateKey, publicKey }),
    kem: mlKemSeed && decapsulationKey(mlKemSeed),
  };
}

/** A ledger's key pair from a seed. */
export function logKeyOf(name: string, seedHex: string): { readonly key: VerifierKey; readonly sign: SignEd25519 } {
  const privateKey = privateKeyOf('ed25519', seedHex);
  return {
    key: verifierKey(name, KEY_TYPES.ed25519, publicBytes(privateKey)),
    sign: (message) => sign(null, message, privateKey),
  };
}

/** The private keys of a node that was made without a passphrase, as only a thief would read them. */
export function readPrivateKeys(folder: string): NodeKeys {
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const dataKey = unwrapDataKey(text('data-key.json'), undefined);
  const secret = (name: string): Uint8Array => openSecret(dataKey, name, readFileSync(join(folder, `${name}.key`)));
  const key = (name: string): KeyObject => parsePrivateKey(secret(name));
  const kem = readdirSync(folder).find((name) => name.startsWith('kem-'));
  return {
    sign: key('sign'),
    encrypt: key('encrypt'),
    ...(kem === undefined ? {} : { kem: secret(kem.slice(0, -'.key'.length)) }),
    ledger: key('ledger'),
    witness: key('witness'),
    tls: key('tls'),
    ca: key('ca'),
    certificates: { tls: text('tls.pem'), ca: text('ca.pem') },
  };
}
