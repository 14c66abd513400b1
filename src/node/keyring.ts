import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { KEY_TYPES, verifierKey, type VerifierKey } from '../ledger/mod.ts';
import { DATA_KEY_BYTES, unwrapDataKey, wrapDataKey } from '../store/mod.ts';
import type { KeyProvider, NodeKeys } from '../trust/mod.ts';
import { readFileKeys, readKeyFile, writeFileKeys } from './file-keys.ts';

/** A node's keys, and the key its records rest under. */
export interface Keyring {
  readonly dataKey: Uint8Array;
  readonly keys: KeyProvider;
}

const DATA_KEY_FILE = 'data-key.json';
const SECRET_MODE = 0o600;

/** Writes the keys of a new node: each private key in a file of its own, encrypted under the data key, which the passphrase wraps. */
export async function writeKeyring(folder: string, made: NodeKeys, passphrase: string | undefined): Promise<Keyring> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const dataKey = randomBytes(DATA_KEY_BYTES);
  await replaceFile(join(folder, DATA_KEY_FILE), wrapDataKey(dataKey, passphrase), SECRET_MODE);
  await writeFileKeys(folder, dataKey, made);
  return { dataKey, keys: await readFileKeys(folder, dataKey) };
}

/**
 * Reads the keys of a node.
 * @throws {NodeError} NODE_INCOMPLETE
 * @throws {StoreError} STORE_PASSPHRASE_NEEDED, STORE_PASSPHRASE_WRONG, STORE_CORRUPT
 */
export async function readKeyring(folder: string, passphrase: string | undefined): Promise<Keyring> {
  const dataKey = unwrapDataKey((await readKeyFile(folder, DATA_KEY_FILE)).toString('utf8'), passphrase);
  return { dataKey, keys: await readFileKeys(folder, dataKey) };
}

/** A ledger key under its origin. */
export function ledgerKeyOf(
  { ledgerOrigin }: Pick<NodeConfig, 'ledgerOrigin'>,
  { publicKey }: { readonly publicKey: Uint8Array },
): VerifierKey {
  return verifierKey(ledgerOrigin, KEY_TYPES.ed25519, publicKey);
}

/** A witness key under its name. */
export function witnessKeyOf(
  { witnessName }: Pick<NodeConfig, 'witnessName'>,
  { publicKey }: { readonly publicKey: Uint8Array },
): VerifierKey {
  return verifierKey(witnessName, KEY_TYPES.cosignature, publicKey);
}
