/** Keys in a token behind PKCS #11: those that sign, decrypt, and speak for the ledger and the witness. */
import type { KeyObject } from 'node:crypto';
import { bytesToJwk, jwkThumbprint, type JurisdictionCode } from '../base/mod.ts';
import {
  rawPublicKey,
  signWithX25519,
  type AgreementKey,
  type KemKey,
  type KeyProvider,
  type ProvePossession,
  type SignatureKey,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';
import type { Token, TokenPair } from './token.ts';

// TLS keys are files, because Node's TLS takes no other, and so are the ML-KEM halves.
const TOKEN_USES = ['sign', 'encrypt', 'ledger', 'witness'] as const;

type TokenUse = (typeof TOKEN_USES)[number];
type KemOf = (x25519: Uint8Array) => Promise<KemKey | undefined>;

/**
 * Finds a node's keys in a token.
 * @param files what has to be files
 * @param kemOf the ML-KEM half of an X25519 key
 * @throws {NodeError} NODE_INCOMPLETE when a use has none, NODE_TOKEN_FAILED
 */
export async function openTokenKeys(
  token: Token,
  code: JurisdictionCode,
  { tls, authority }: KeyProvider,
  kemOf: KemOf,
): Promise<KeyProvider> {
  const pairsOf = (use: TokenUse): TokenPair[] => {
    const pairs = token.pairs(labelOf(code, use));
    if (pairs.length > 0) return pairs;
    throw new NodeError('NODE_INCOMPLETE', `There is no ${use} key of ${code} in the token.`);
  };
  const signing = (use: TokenUse): SignatureKey[] => pairsOf(use).map((pair) => signatureKey(token, pair));
  const encrypt = pairsOf('encrypt').map(async (pair) => agreementKey(token, pair, await kemOf(pair.publicKey)));
  return {
    kind: 'pkcs11',
    tls,
    authority,
    sign: signing('sign'),
    encrypt: await Promise.all(encrypt),
    ledger: signing('ledger'),
    witness: signing('witness'),
  };
}

/**
 * Makes the keys of a new node in a token.
 * @param encrypt made outside, because only whoever has it at hand can prove possession of a key that does nothing but decrypt
 * @returns the keys, and proofs by all of them but TLS
 * @throws {NodeError} NODE_EXISTS when the token has keys of this node
 */
export async function createTokenKeys(
  token: Token,
  code: JurisdictionCode,
  files: KeyProvider,
  encrypt: KeyObject,
  kemOf: KemOf,
): Promise<{ readonly keys: KeyProvider; readonly prove: ProvePossession }> {
  if (TOKEN_USES.some((use) => token.pairs(labelOf(code, use)).length > 0))
    throw new NodeError('NODE_EXISTS', `The token holds keys of ${code} already.`);
  for (const use of ['sign', 'ledger', 'witness'] as const) token.generate(labelOf(code, use));
  const secret = Buffer.from(encrypt.export({ format: 'jwk' }).d!, 'base64url');
  token.take(labelOf(code, 'encrypt'), secret, rawPublicKey(encrypt));
  const keys = await openTokenKeys(token, code, files, kemOf);
  const prove: ProvePossession = (use, message) => {
    if (use === 'tls') throw new TypeError('a TLS key is not in the token');
    return use === 'encrypt' ? signWithX25519(encrypt, message) : keys[use][0]!.sign(message);
  };
  return { keys, prove };
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

function agreementKey(token: Token, pair: TokenPair, kem: KemKey | undefined): AgreementKey {
  const { publicKey } = pair;
  const kid = jwkThumbprint(bytesToJwk('X25519', publicKey));
  return { kid, publicKey, agree: (other) => token.agree(pair, rawPublicKey(other)), kem };
}
