/**
 * What a node does with its private keys. A provider answers operations; where it keeps the keys, and whether anyone could read them, is
 * its own affair. Only TLS gets a key itself, because Node's TLS takes no other.
 */
import type { KeyObject } from 'node:crypto';
import type { JurisdictionCode } from '../base/mod.ts';

/** What a node has keys for; never one key for two of them. */
export const KEY_USES = ['tls', 'sign', 'encrypt', 'ledger', 'witness'] as const;

/** One of the five. */
export type KeyUse = (typeof KEY_USES)[number];

/** A private Ed25519 key. */
export interface SignatureKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Ed25519 over exactly these bytes; 64 bytes. Synchronous: signatures are made inside batches. */
  sign(message: Uint8Array): Uint8Array;
}

/** A private ML-KEM-768 key. */
export interface KemKey {
  /** 1,184 bytes. */
  readonly publicKey: Uint8Array;
  /** The shared secret in a ciphertext of 1,088 bytes; for one that is not for this key, another. */
  decapsulate(ciphertext: Uint8Array): Uint8Array;
}

/** A private X25519 key. */
export interface AgreementKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The shared secret with an X25519 public key; 32 bytes.
   * @throws for a public key of small order (RFC 7748 §6.1)
   */
  agree(publicKey: KeyObject): Uint8Array;
  /** The ML-KEM-768 key beside it, for suite 2. Keys from before there was one have none. */
  readonly kem?: KemKey | undefined;
}

/** A TLS key and its certificate. */
export interface TlsKey {
  /** SHA-256 of the SubjectPublicKeyInfo in base64url, as it is pinned. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** PEM, with the intermediate certificates of its chain behind it where there are any. */
  readonly certificate: string;
}

/** A key that was just made, while its maker still has it at hand. */
export interface MadeKey {
  readonly kid: string;
  /** 32 bytes, or the SubjectPublicKeyInfo of a TLS key. */
  readonly publicKey: Uint8Array;
  /** The ML-KEM-768 key that was made with an `encrypt` key, 1,184 bytes. */
  readonly kem?: Uint8Array;
  /** Signs with it, to prove that it is held. A key that only decrypts can do this now and never again. */
  prove(message: Uint8Array): Uint8Array;
}

/** A node's private keys: for each use the one that is current, and those that are to come or have been. */
export interface KeyProvider {
  readonly kind: 'file' | 'pkcs11';
  readonly tls: readonly TlsKey[];
  readonly sign: readonly SignatureKey[];
  readonly encrypt: readonly AgreementKey[];
  readonly ledger: readonly SignatureKey[];
  readonly witness: readonly SignatureKey[];
  /** The certificate in PEM of the authority that issues the TLS certificates. */
  readonly authority: string;
  /**
   * Makes one more key for a use and keeps it. It is not used before a manifest lists it.
   * @param subject whom a TLS certificate is for
   */
  make(use: KeyUse, subject: KeySubject): Promise<MadeKey>;
  /**
   * Has the built-in authority issue another certificate for a TLS key, and keeps that.
   * @returns undefined when another authority issued the present one
   */
  renewCertificate(kid: string, subject: KeySubject): Promise<TlsKey | undefined>;
}

/** Whom a key is made for, and when. */
export interface KeySubject {
  readonly code: JurisdictionCode;
  /** Name or address in the endpoint; empty for a node that only dials out. */
  readonly host: string;
  readonly nowMs: number;
}

/** One key for each use: those that a node works with. */
export interface KeySet {
  readonly tls: TlsKey;
  readonly sign: SignatureKey;
  readonly encrypt: AgreementKey;
  readonly ledger: SignatureKey;
  readonly witness: SignatureKey;
}

/** Signs with the private key of one use, to prove that it is held. */
export type ProvePossession = (use: KeyUse, message: Uint8Array) => Uint8Array;
