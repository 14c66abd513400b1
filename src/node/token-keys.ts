/** Keys in a token behind PKCS #11: those that sign, decrypt, and speak for the ledger and the witness. */
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { ML_KEM_SEED_BYTES, bytesToJwk, jwkThumbprint, type JurisdictionCode } from '../base/mod.ts';
import type { DecapsulationKey } from '../sealing/mod.ts';
import {
  provePossession,
  rawPublicKey,
  type AgreementKey,
  type KeyProvider,
  type KeySubject,
  type KeyUse,
  type MadeKey,
  type ProvePossession,
  type SignatureKey,
  type TlsKey,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';
import type { FileKeys } from './file-keys.ts';
import type { Token, TokenPair } from './token.ts';

/** The uses whose keys are in the token. TLS keys are files, because Node's TLS takes no other, and so are the ML-KEM halves. */
export const TOKEN_USES = ['sign', 'encrypt', 'ledger', 'witness'] as const;

type TokenUse = (typeof TOKEN_USES)[number];

/** The keys of one node in a token, and beside it those that must be files. */
export class TokenKeys implements KeyProvider {
  readonly kind = 'pkcs11';
  readonly sign: SignatureKey[] = [];
  readonly encrypt: AgreementKey[] = [];
  readonly ledger: SignatureKey[] = [];
  readonly witness: SignatureKey[] = [];
  readonly #files: FileKeys;
  readonly #token: Token;
  readonly #code: JurisdictionCode;

  private constructor(token: Token, code: JurisdictionCode, files: FileKeys) {
    this.#token = token;
    this.#code = code;
    this.#files = files;
  }

  /** Finds a node's keys in a token. @throws {NodeError} NODE_INCOMPLETE when a use has none, NODE_TOKEN_FAILED */
  static async open(token: Token, code: JurisdictionCode, files: FileKeys): Promise<TokenKeys> {
    const keys = new TokenKeys(token, code, files);
    for (const use of TOKEN_USES) {
      for (const pair of token.pairs(labelOf(code, use))) {
        if (use === 'encrypt') keys.encrypt.push(agreementKey(token, pair, await files.kemOf(pair.publicKey)));
        else keys[use].push(signatureKey(token, pair));
      }
      if (keys[use].length === 0)
        throw new NodeError('NODE_INCOMPLETE', `There is no ${use} key of ${code} in the token.`);
    }
    return keys;
  }

  /**
   * Makes the keys of a new node.
   * @param encrypt made outside, because only whoever has it at hand can prove possession of a key that does nothing but decrypt
   * @returns the keys, and proofs by all of them but TLS
   * @throws {NodeError} NODE_EXISTS when the token has keys of this node
   */
  static async create(
    token: Token,
    code: JurisdictionCode,
    files: FileKeys,
    encrypt: KeyObject,
  ): Promise<{ readonly keys: TokenKeys; readonly prove: ProvePossession }> {
    if (TOKEN_USES.some((use) => token.pairs(labelOf(code, use)).length > 0))
      throw new NodeError('NODE_EXISTS', `The token holds keys of ${code} already.`);
    for (const use of ['sign', 'ledger', 'witness'] as const) token.generate(labelOf(code, use));
    token.take(labelOf(code, 'encrypt'), ...rawPair(encrypt));
    const keys = await TokenKeys.open(token, code, files);
    const prove: ProvePossession = (use, message) => {
      if (use === 'tls') throw new TypeError('a TLS key is not in the token');
      return use === 'encrypt' ? provePossession(encrypt, message) : keys[use][0]!.sign(message);
    };
    return { keys, prove };
  }

  get tls(): readonly TlsKey[] {
    return this.#files.tls;
  }

  get authority(): string {
    return this.#files.authority;
  }

  async make(use: KeyUse, subject: KeySubject): Promise<MadeKey> {
    if (use === 'tls') return this.#files.make(use, subject);
    const label = labelOf(this.#code, use);
    if (use !== 'encrypt') {
      const key = signatureKey(this.#token, this.#token.generate(label));
      this[use].push(key);
      return { kid: key.kid, publicKey: key.publicKey, prove: (message) => key.sign(message) };
    }
    const { privateKey } = generateKeyPairSync('x25519');
    const seed = randomBytes(ML_KEM_SEED_BYTES);
    const [secret, publicKey] = rawPair(privateKey);
    const kem = await this.#files.keepKem(publicKey, seed);
    const key = agreementKey(this.#token, this.#token.take(label, secret, publicKey), kem);
    this.encrypt.push(key);
    return { kid: key.kid, publicKey, kem: kem.publicKey, prove: (message) => provePossession(privateKey, message) };
  }

  renewCertificate(kid: string, subject: KeySubject): Promise<TlsKey | undefined> {
    return this.#files.renewCertificate(kid, subject);
  }
}

/** Several nodes may share a token: the code tells their keys apart. */
function labelOf(code: JurisdictionCode, use: TokenUse): string {
  return `rogatory ${code} ${use}`;
}

function signatureKey(token: Token, pair: TokenPair): SignatureKey {
  const { publicKey } = pair;
  const kid = jwkThumbprint(bytesToJwk('Ed25519', publicKey));
  return { kid, publicKey, sign: (message) => token.sign(pair, message) };
}

function agreementKey(token: Token, pair: TokenPair, kem: DecapsulationKey | undefined): AgreementKey {
  const { publicKey } = pair;
  const kid = jwkThumbprint(bytesToJwk('X25519', publicKey));
  return { kid, publicKey, agree: (other) => token.agree(pair, rawPublicKey(other)), kem };
}

function rawPair(privateKey: KeyObject): [Uint8Array, Uint8Array] {
  return [Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'), rawPublicKey(privateKey)];
}
