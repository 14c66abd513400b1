import { createPrivateKey, generateKeyPair, randomBytes, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ML_KEM_SEED_BYTES, bytesToJwk, jwkThumbprint, type JurisdictionCode, type OkpJwk } from '../base/mod.ts';
import { issueCertificates } from './certificate.ts';
import type { ProvePossession } from './key-provider.ts';
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

/** Makes all keys of a new node, and its certificates. */
export async function generateNodeKeys(code: JurisdictionCode, host: string, nowMs: number): Promise<NodeKeys> {
  const generate = promisify(generateKeyPair);
  const [sign, encrypt, ledger, witness, tls, ca] = await Promise.all([
    generate('ed25519'),
    generate('x25519'),
    generate('ed25519'),
    generate('ed25519'),
    generate('rsa', { modulusLength: RSA_BITS }),
    generate('rsa', { modulusLength: RSA_BITS }),
  ]);
  const certificates = issueCertificates({ code, host, nowMs, ca: ca.privateKey, tls: tls.privateKey });
  return {
    sign: sign.privateKey,
    encrypt: encrypt.privateKey,
    kem: randomBytes(ML_KEM_SEED_BYTES),
    ledger: ledger.privateKey,
    witness: witness.privateKey,
    tls: tls.privateKey,
    ca: ca.privateKey,
    certificates,
  };
}

/** Proofs by keys that are in memory. */
export function provesWith(keys: NodeKeys): ProvePossession {
  return (use, message) => {
    switch (use) {
      case 'tls':
        return sign(keys.tls.asymmetricKeyType === 'ed25519' ? null : 'sha256', message, keys.tls);
      case 'encrypt':
        return signWithX25519(keys.encrypt, message);
      case 'sign':
      case 'ledger':
      case 'witness':
        return sign(null, message, keys[use]);
      default:
        return use satisfies never;
    }
  };
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
