import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes, sign } from 'node:crypto';
import { replaceFile } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { KEY_TYPES, verifierKey, type SignEd25519, type VerifierKey } from '../ledger/mod.ts';
import { DATA_KEY_BYTES, openSecret, sealSecret, unwrapDataKey, wrapDataKey } from '../store/mod.ts';
import {
  PRIVATE_KEYS,
  encodePrivateKey,
  parsePrivateKey,
  rawPublicKey,
  type NodeKeys,
  type PrivateKeyName,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';

/** A node's keys, and the key its records rest under. */
export interface Keyring {
  readonly dataKey: Uint8Array;
  readonly keys: NodeKeys;
}

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Writes the keys of a new node: each private key in a file of its own, encrypted under the data key, which the passphrase wraps. */
export async function writeKeyring(folder: string, keys: NodeKeys, passphrase: string | undefined): Promise<Keyring> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const dataKey = randomBytes(DATA_KEY_BYTES);
  await replaceFile(join(folder, 'data-key.json'), wrapDataKey(dataKey, passphrase), SECRET_MODE);
  for (const name of PRIVATE_KEYS) {
    await replaceFile(
      join(folder, `${name}.key`),
      sealSecret(dataKey, name, encodePrivateKey(keys[name])),
      SECRET_MODE,
    );
  }
  await replaceFile(join(folder, 'tls.pem'), keys.certificates.tls, PUBLIC_MODE);
  await replaceFile(join(folder, 'ca.pem'), keys.certificates.ca, PUBLIC_MODE);
  return { dataKey, keys };
}

/**
 * Reads the keys of a node.
 * @throws {NodeError} NODE_INCOMPLETE
 * @throws {StoreError} STORE_PASSPHRASE_NEEDED, STORE_PASSPHRASE_WRONG, STORE_CORRUPT
 */
export async function readKeyring(folder: string, passphrase: string | undefined): Promise<Keyring> {
  const dataKey = unwrapDataKey((await readKeyFile(folder, 'data-key.json')).toString('utf8'), passphrase);
  const read = async (name: PrivateKeyName): Promise<NodeKeys[PrivateKeyName]> =>
    parsePrivateKey(openSecret(dataKey, name, await readKeyFile(folder, `${name}.key`)));
  const [signing, encrypt, ledger, witness, tls, ca] = await Promise.all(PRIVATE_KEYS.map(read));
  const certificates = {
    tls: (await readKeyFile(folder, 'tls.pem')).toString('utf8'),
    ca: (await readKeyFile(folder, 'ca.pem')).toString('utf8'),
  };
  return {
    dataKey,
    keys: { sign: signing!, encrypt: encrypt!, ledger: ledger!, witness: witness!, tls: tls!, ca: ca!, certificates },
  };
}

/** The ledger's public key under its origin. */
export function ledgerKeyOf(config: Pick<NodeConfig, 'ledgerOrigin'>, keys: NodeKeys): VerifierKey {
  return verifierKey(config.ledgerOrigin, KEY_TYPES.ed25519, rawPublicKey(keys.ledger));
}

/** The witness's public key under its name. */
export function witnessKeyOf(config: Pick<NodeConfig, 'witnessName'>, keys: NodeKeys): VerifierKey {
  return verifierKey(config.witnessName, KEY_TYPES.cosignature, rawPublicKey(keys.witness));
}

/** Signs checkpoints. */
export function ledgerSigner(keys: NodeKeys): SignEd25519 {
  return (message) => sign(null, message, keys.ledger);
}

async function readKeyFile(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new NodeError('NODE_INCOMPLETE', `The key file ${join(folder, name)} cannot be read.`, { cause });
  }
}
