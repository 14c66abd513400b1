import { createPrivateKey, generateKeyPair, randomBytes, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ML_KEM_SEED_BYTES, bytesToJwk, jwkThumbprint, type JurisdictionCode, type OkpJwk } from '../base/mod.ts';
import { issueCertificates } from './certificate.ts';
import type { KeyUse, ProvePossession } from './key-provider.ts';
import { rawPublicKey, signWithX25519 } from './possession.ts';

/** Keys as they are made: five, none for two uses, and the jurisdiction's certificate authority where it has no national one. */
export interface NodeKeys {
  /** Ed25519: messages. */
  readonly sign: KeyObject;
  /** X25519: messages to this node. */
  readonly encrypt: KeyObject;
  /** The seed of the ML-KEM-768 key beside it; keys from before there was one have none. */
  readonly kem?: Uint8Array;
  /** Ed25519: checkpoints. */
  readonly ledger: KeyObject;
  /** Ed25519: cosignatures of peers' checkpoints. */
  readonly witness: KeyObject;
  /** RSA-3072: mutual TLS. */
  readonly tls: KeyObject;
  /** RSA-3072: issues the TLS certificate. Needed again only to issue the next one. */
  readonly ca: KeyObject;
  readonly certificates: NodeCertificates;
}

/** Certificates in PEM. */
export interface NodeCertificates {
  readonly tls: string;
  readonly ca: string;
}

const RSA_BITS = 3072;

/** Makes one private key of the kind that its use asks for. */
export async function generateKey(use: KeyUse | 'ca'): Promise<KeyObject> {
  const generate = promisify(generateKeyPair);
  switch (use) {
    case 'tls':
    case 'ca':
      return (await generate('rsa', { modulusLength: RSA_BITS })).privateKey;
    case 'encrypt':
      return (await generate('x25519')).privateKey;
    case 'sign':
    case 'ledger':
    case 'witness':
      return (await generate('ed25519')).privateKey;
    default:
      return use satisfies never;
  }
}

/** Makes all keys of a new node, and its certificates. */
export async function generateNodeKeys(
  code: JurisdictionCode,
  host: string,
  nowMs: number,
): Promise<NodeKeys & { readonly kem: Uint8Array }> {
  const [signKey, encrypt, ledger, witness, tls, ca] = await Promise.all([
    generateKey('sign'),
    generateKey('encrypt'),
    generateKey('ledger'),
    generateKey('witness'),
    generateKey('tls'),
    generateKey('ca'),
  ]);
  const certificates = issueCertificates({ code, host, nowMs, ca, tls });
  return { sign: signKey, encrypt, kem: randomBytes(ML_KEM_SEED_BYTES), ledger, witness, tls, ca, certificates };
}

/** Proofs by keys that are in memory. */
export function provesWith(keys: NodeKeys): ProvePossession {
  return (use, message) => provePossession(keys[use], message);
}

/** A signature by any private key that is in memory: Ed25519, X25519 (as XEdDSA), or over SHA-256 by RSA and ECDSA. */
export function provePossession(key: KeyObject, message: Uint8Array): Uint8Array {
  const type = key.asymmetricKeyType;
  if (type === 'x25519') return signWithX25519(key, message);
  return sign(type === 'ed25519' ? null : 'sha256', message, key);
}

/** A private key as PKCS #8 DER, for its file. */
export function encodePrivateKey(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' });
}

/** A private key from its file. */
export function parsePrivateKey(der: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
}

/** The public half of an Ed25519 or X25519 key, and its name. */
export function publicJwk(key: KeyObject): { readonly kid: string; readonly jwk: OkpJwk } {
  const jwk = bytesToJwk(key.asymmetricKeyType === 'x25519' ? 'X25519' : 'Ed25519', rawPublicKey(key));
  return { kid: jwkThumbprint(jwk), jwk };
}
