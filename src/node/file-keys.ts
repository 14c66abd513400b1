/** Keys in files: each private key encrypted under the data key, in a file of its own. */
import { diffieHellman, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, replaceFile, sha256 } from '../base/mod.ts';
import { decapsulationKey, type DecapsulationKey } from '../sealing/mod.ts';
import { StoreError, openSecret, sealSecret } from '../store/mod.ts';
import {
  KEY_USES,
  encodePrivateKey,
  parsePrivateKey,
  publicJwk,
  rawPublicKey,
  spkiSha256,
  type AgreementKey,
  type KeyProvider,
  type KeyUse,
  type NodeKeys,
  type SignatureKey,
  type TlsKey,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
// `sign.key`, and `sign-1f0c….key` for every later one: named by its public key, so that making one again is writing it again.
const KEY_FILE = new RegExp(`^(${KEY_USES.join('|')})(-[0-9a-f]{16})?\\.key$`);

/** A signature key out of a private Ed25519 key. */
function signatureKey(privateKey: KeyObject): SignatureKey {
  return {
    kid: publicJwk(privateKey).kid,
    publicKey: rawPublicKey(privateKey),
    sign: (message) => sign(null, message, privateKey),
  };
}

/** An agreement key out of a private X25519 key. */
function agreementKey(privateKey: KeyObject, kem: DecapsulationKey | undefined): AgreementKey {
  return {
    kid: publicJwk(privateKey).kid,
    publicKey: rawPublicKey(privateKey),
    agree: (publicKey) => diffieHellman({ privateKey, publicKey }),
    kem,
  };
}

/** The name of the file for the ML-KEM key that belongs to an X25519 key. */
function kemName(x25519: Uint8Array): string {
  return `kem-${bytesToHex(sha256(x25519)).slice(0, 16)}`;
}

/** Writes the keys of a new node: those of `uses`, the authority's, and the ML-KEM half of its encryption key. */
export async function createFileKeys(
  folder: string,
  dataKey: Uint8Array,
  keys: NodeKeys,
  uses: readonly KeyUse[] = KEY_USES,
): Promise<KeyProvider> {
  // The half of the encryption key first: without it the key would be half a key.
  if (keys.kem !== undefined) await writeSecret(folder, dataKey, kemName(rawPublicKey(keys.encrypt)), keys.kem);
  for (const name of [...uses, 'ca'] as const) await writePrivateKey(folder, dataKey, name, keys[name]);
  await replaceFile(join(folder, 'tls.pem'), keys.certificates.tls, PUBLIC_MODE);
  await replaceFile(join(folder, 'ca.pem'), keys.certificates.ca, PUBLIC_MODE);
  return readFileKeys(folder, dataKey, uses);
}

/**
 * Reads every key in a node's folder.
 * @param uses those that have their keys here
 * @throws {NodeError} NODE_INCOMPLETE when a use has none
 * @throws {StoreError} STORE_CORRUPT
 */
export async function readFileKeys(
  folder: string,
  dataKey: Uint8Array,
  uses: readonly KeyUse[] = KEY_USES,
): Promise<KeyProvider> {
  const found: Record<KeyUse, string[]> = { tls: [], sign: [], encrypt: [], ledger: [], witness: [] };
  for (const file of (await readdir(folder)).sort()) {
    const match = KEY_FILE.exec(file);
    if (match !== null) found[match[1] as KeyUse].push(file.slice(0, -'.key'.length));
  }
  const open = (names: readonly string[]): Promise<KeyObject[]> =>
    Promise.all(names.map((name) => readPrivateKey(folder, dataKey, name)));
  for (const use of uses) {
    if (found[use].length === 0) throw new NodeError('NODE_INCOMPLETE', `There is no ${use} key in ${folder}.`);
  }
  const authority = await readText(folder, 'ca.pem');
  return {
    kind: 'file',
    tls: await readTlsKeys(folder, dataKey, found.tls, authority),
    sign: (await open(found.sign)).map(signatureKey),
    encrypt: await Promise.all(
      (await open(found.encrypt)).map(async (key) =>
        agreementKey(key, await kemOf(folder, dataKey, rawPublicKey(key))),
      ),
    ),
    ledger: (await open(found.ledger)).map(signatureKey),
    witness: (await open(found.witness)).map(signatureKey),
    authority,
  };
}

/** Writes one private key, encrypted under the data key. */
async function writePrivateKey(folder: string, dataKey: Uint8Array, name: string, key: KeyObject): Promise<void> {
  await writeSecret(folder, dataKey, name, encodePrivateKey(key));
}

async function writeSecret(folder: string, dataKey: Uint8Array, name: string, secret: Uint8Array): Promise<void> {
  await replaceFile(join(folder, `${name}.key`), sealSecret(dataKey, name, secret), SECRET_MODE);
}

/** The ML-KEM key that belongs to an X25519 key, wherever that is; one that was made before there were any has none. */
export async function kemOf(
  folder: string,
  dataKey: Uint8Array,
  x25519: Uint8Array,
): Promise<DecapsulationKey | undefined> {
  const name = kemName(x25519);
  if (!(await readdir(folder)).includes(`${name}.key`)) return undefined;
  return decapsulationKey(openSecret(dataKey, name, await readKeyFile(folder, `${name}.key`)));
}

/** @throws {NodeError} NODE_INCOMPLETE @throws {StoreError} STORE_CORRUPT */
async function readPrivateKey(folder: string, dataKey: Uint8Array, name: string): Promise<KeyObject> {
  return parsePrivateKey(openSecret(dataKey, name, await readKeyFile(folder, `${name}.key`)));
}

/** @throws {NodeError} NODE_INCOMPLETE when it cannot be read */
export async function readKeyFile(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new NodeError('NODE_INCOMPLETE', `The key file ${join(folder, name)} cannot be read.`, { cause });
  }
}

/**
 * The keys whose certificates stem from the authority. After a change of authority the former certificate stays beside the new one, and is
 * of no use; where none holds, something was changed on disk.
 */
async function readTlsKeys(
  folder: string,
  dataKey: Uint8Array,
  names: readonly string[],
  authority: string,
): Promise<TlsKey[]> {
  const read = await Promise.allSettled(names.map((name) => readTlsKey(folder, dataKey, name, authority)));
  const keys = read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = read.find((result) => result.status === 'rejected');
  if (keys.length === 0 && failed !== undefined) throw failed.reason as Error;
  return keys;
}

async function readTlsKey(folder: string, dataKey: Uint8Array, name: string, authority: string): Promise<TlsKey> {
  const certificate = await readText(folder, `${name}.pem`);
  const privateKey = await readPrivateKey(folder, dataKey, name);
  try {
    return { kid: checkedCertificate(certificate, privateKey, authority), privateKey, certificate };
  } catch (cause) {
    const message = `${name}.pem or ca.pem in ${folder} was changed on disk, or they do not belong together.`;
    throw new StoreError('STORE_CORRUPT', message, { cause });
  }
}

/** No data key seals certificates: their own signatures tell whether they are as they were issued. */
function checkedCertificate(certificate: string, privateKey: KeyObject, authority: string): string {
  const [leaf, issuer] = [new X509Certificate(certificate), new X509Certificate(authority)];
  // An authority may have intermediates, which follow the leaf in its file.
  const isDirect = certificate.split('-----BEGIN CERTIFICATE-----').length === 2;
  const holds =
    leaf.checkPrivateKey(privateKey) &&
    issuer.checkIssued(issuer) &&
    issuer.verify(issuer.publicKey) &&
    (!isDirect || (leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)));
  if (!holds) throw new TypeError('the signatures do not hold');
  return spkiSha256(leaf);
}

async function readText(folder: string, name: string): Promise<string> {
  return (await readKeyFile(folder, name)).toString('utf8');
}
