import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, parseUtf8, replaceFile, utf8ToBytes } from '../base/mod.ts';
import { ConfigError, loadPin, type NodeConfig, type TokenConfig } from '../config/mod.ts';
import { KEY_TYPES, verifierKey, type LedgerSigner, type VerifierKey } from '../ledger/mod.ts';
import { DATA_KEY_BYTES, openSecret, sealSecret, unwrapDataKey, wrapDataKey } from '../store/mod.ts';
import { provesWith, type KeyProvider, type NodeKeys, type ProvePossession, type SignatureKey } from '../trust/mod.ts';
import { FileKeys, readKeyFile } from './file-keys.ts';
import { Token } from './token.ts';
import { TokenKeys } from './token-keys.ts';

/** A node's keys, and the key its records rest under. */
export interface Keyring {
  readonly dataKey: Uint8Array;
  readonly keys: KeyProvider;
}

const DATA_KEY_FILE = 'data-key.json';
const PIN_FILE = 'pin.key';
const SECRET_MODE = 0o600;

/** Where a new node's keys go. */
export interface NewKeyring {
  readonly passphrase: string | undefined;
  /** Left out when all keys are files. */
  readonly token?: { readonly config: TokenConfig; readonly pin: string; readonly keepPin: boolean } | undefined;
}

/**
 * Keeps the keys of a new node: each private key in a file of its own, encrypted under the data key, which the passphrase wraps; or in a
 * token where there is one. A token makes its own signing keys, and those given for that are forgotten.
 * @returns also proofs of possession by all of them
 * @throws {NodeError} NODE_EXISTS, NODE_TOKEN_UNAVAILABLE, NODE_TOKEN_PIN, NODE_TOKEN_FAILED
 */
export async function writeKeyring(
  { code, paths }: Pick<NodeConfig, 'code' | 'paths'>,
  made: NodeKeys,
  { passphrase, token }: NewKeyring,
): Promise<Keyring & { readonly prove: ProvePossession }> {
  // A token that refuses leaves nothing behind.
  const opened = token && Token.open(token.config, token.pin);
  const folder = paths.keys;
  makeFolder(folder, 0o700);
  const dataKey = randomBytes(DATA_KEY_BYTES);
  await replaceFile(join(folder, DATA_KEY_FILE), wrapDataKey(dataKey, passphrase), SECRET_MODE);
  const proveInMemory = provesWith(made);
  if (opened === undefined)
    return { dataKey, keys: await FileKeys.create(folder, dataKey, made), prove: proveInMemory };
  const files = await FileKeys.create(folder, dataKey, made, ['tls']);
  const { keys, prove } = await TokenKeys.create(opened, code, files, made.encrypt);
  if (token?.keepPin === true)
    await replaceFile(join(folder, PIN_FILE), sealSecret(dataKey, 'pin', utf8ToBytes(token.pin)), SECRET_MODE);
  return { dataKey, keys, prove: (use, message) => (use === 'tls' ? proveInMemory : prove)(use, message) };
}

/**
 * Opens the keys of a node.
 * @param pin of its token; the one that is kept under the data key where this is left out
 * @throws {NodeError} NODE_INCOMPLETE, NODE_TOKEN_UNAVAILABLE, NODE_TOKEN_PIN, NODE_TOKEN_FAILED
 * @throws {StoreError} STORE_PASSPHRASE_NEEDED, STORE_PASSPHRASE_WRONG, STORE_CORRUPT
 * @throws {ConfigError} CONFIG_SECRET_MISSING when the PIN is nowhere
 */
export async function readKeyring(
  { code, paths, pkcs11 }: Pick<NodeConfig, 'code' | 'paths' | 'pkcs11'>,
  passphrase: string | undefined,
  pin: string | undefined = loadPin(process.env),
): Promise<Keyring> {
  const folder = paths.keys;
  const dataKey = unwrapDataKey((await readKeyFile(folder, DATA_KEY_FILE)).toString('utf8'), passphrase);
  if (pkcs11 === undefined) return { dataKey, keys: await FileKeys.open(folder, dataKey) };
  const token = Token.open(pkcs11, pin ?? (await keptPin(folder, dataKey)));
  return { dataKey, keys: await TokenKeys.open(token, code, await FileKeys.open(folder, dataKey, ['tls'])) };
}

async function keptPin(folder: string, dataKey: Uint8Array): Promise<string> {
  if (!(await readdir(folder)).includes(PIN_FILE))
    throw new ConfigError('CONFIG_SECRET_MISSING', 'The token needs its PIN: ROGATORY_PIN_FILE, for example.');
  return parseUtf8(openSecret(dataKey, 'pin', await readKeyFile(folder, PIN_FILE)));
}

/** A ledger key under its origin. */
export function ledgerKeyOf(
  { ledgerOrigin }: Pick<NodeConfig, 'ledgerOrigin'>,
  { publicKey }: { readonly publicKey: Uint8Array },
): VerifierKey {
  return verifierKey(ledgerOrigin, KEY_TYPES.ed25519, publicKey);
}

/** The keys that sign for a node's ledger: the one that it began with, and all that were made later. */
export function ledgerSignersOf(
  config: Pick<NodeConfig, 'ledgerOrigin'>,
  { ledger }: Pick<KeyProvider, 'ledger'>,
): LedgerSigner & { readonly successors: readonly LedgerSigner[] } {
  const [first, ...successors] = ledger.map((key) => ledgerSignerOf(config, key));
  return { ...first!, successors };
}

/** How a key signs for a node's ledger. */
export function ledgerSignerOf(config: Pick<NodeConfig, 'ledgerOrigin'>, key: SignatureKey): LedgerSigner {
  return { key: ledgerKeyOf(config, key), sign: (message) => key.sign(message) };
}

/** A witness key under its name. */
export function witnessKeyOf(
  { witnessName }: Pick<NodeConfig, 'witnessName'>,
  { publicKey }: { readonly publicKey: Uint8Array },
): VerifierKey {
  return verifierKey(witnessName, KEY_TYPES.cosignature, publicKey);
}

/**
 * Puts the data key under another passphrase, or under none. What rests under the data key stays as it is. The file is replaced in one step: a
 * crash leaves the old one or the new one.
 * @throws {NodeError} NODE_INCOMPLETE
 * @throws {StoreError} STORE_PASSPHRASE_NEEDED, STORE_PASSPHRASE_WRONG
 */
export async function rewrapKeyring(
  folder: string,
  passphrase: string | undefined,
  next: string | undefined,
): Promise<void> {
  const dataKey = unwrapDataKey((await readKeyFile(folder, DATA_KEY_FILE)).toString('utf8'), passphrase);
  await replaceFile(join(folder, DATA_KEY_FILE), wrapDataKey(dataKey, next), SECRET_MODE);
}
