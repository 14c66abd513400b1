import { readFileSync } from 'node:fs';

/** A vector file of `test/vectors/`. */
export function readVector<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${path}.json`, import.meta.url), 'utf8')) as T;
}

/** `test/vectors/valid/message.json`. */
export interface MessageVector {
  readonly sign: { readonly seed: string; readonly public: string; readonly kid: string };
  readonly encrypt: { readonly private: string; readonly public: string; readonly kid: string };
  readonly ephemeral: { readonly private: string; readonly public: string };
  readonly iv: string;
  readonly message: Readonly<Record<string, unknown>>;
  readonly payload: string;
  readonly jws: string;
  readonly jwe: string;
  readonly signed_digest: string;
  readonly sealed_digest: string;
}

/** `test/vectors/valid/message-suite-2.json`. */
export interface Suite2Vector {
  readonly encrypt: { readonly private: string; readonly public: string; readonly kid: string };
  /** The seed is d ‖ z of FIPS 203. */
  readonly mlkem768: { readonly seed: string; readonly public: string };
  readonly ephemeral: { readonly private: string; readonly public: string };
  /** The random m of ML-KEM.Encaps. */
  readonly encapsulation: string;
  readonly iv: string;
  readonly jws: string;
  readonly mlkem768_secret: string;
  readonly x25519_secret: string;
  readonly content_key: string;
  readonly jwe: string;
  readonly sealed_digest: string;
}

/** `test/vectors/valid/ledger.json`. */
export interface LedgerVector {
  readonly seed: string;
  readonly vkey: string;
  readonly entries: readonly string[];
  readonly leaf_hashes: readonly string[];
  readonly root: string;
  readonly checkpoint: string;
  readonly entry_bundle: string;
  readonly tile: string;
  readonly inclusion: { readonly index: number; readonly proof: string };
  readonly receipt: string;
  readonly consistency: { readonly old: string; readonly proof: string };
}

/** `test/vectors/invalid/jws.json` and `jwe.json`. */
export interface InvalidVectors {
  readonly cases: readonly {
    readonly name: string;
    /** The reason of the protocol's page, part 6. */
    readonly expected: string;
    /** Threat, and the section that says why. */
    readonly source: string;
    readonly text: string;
  }[];
}

/** Bytes of hexadecimal. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
