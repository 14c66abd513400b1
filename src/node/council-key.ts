/** The files of a council member: the private key, which never leaves the member's machine, and the public one, which the council gets. */
import { createPrivateKey, randomBytes, type KeyObject } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { codeOf, replaceFile, utf8ToBytes } from '../base/mod.ts';
import { DATA_KEY_BYTES, openSecret, sealSecret, unwrapDataKey, wrapDataKey } from '../store/mod.ts';
import {
  TrustError,
  encodePrivateKey,
  generateCouncilKey,
  parseMemberKey,
  parsePrivateKey,
  type MemberKey,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
const SECRET_NAME = 'council';

/** A private key under a passphrase: as a node keeps its own, in one file. */
interface SealedKeyFile {
  readonly version: 1;
  readonly wrapped: string;
  readonly sealed: string;
}

/** Path of the public file beside a private one: `council-1.key` has `council-1.pub`. */
export function councilPublicPath(path: string): string {
  return `${path.replace(/\.key$/, '')}.pub`;
}

/**
 * Makes a council key: the private file, encrypted when there is a passphrase, and the public one beside it.
 * @throws {NodeError} NODE_EXISTS
 */
export async function writeCouncilKey(path: string, passphrase: string | undefined, nowMs: number): Promise<MemberKey> {
  // The public file too: it may be what a member has handed in, and then their key would be forgotten for this one.
  for (const file of [path, councilPublicPath(path)]) {
    const isTaken = await access(file).then(
      () => true,
      () => false,
    );
    if (isTaken) throw new NodeError('NODE_EXISTS', `${file} exists already.`);
  }
  const { privateKey, entry } = generateCouncilKey(nowMs);
  await replaceFile(path, encodeKeyFile(privateKey, passphrase), SECRET_MODE);
  await replaceFile(councilPublicPath(path), `${JSON.stringify(entry)}\n`, PUBLIC_MODE);
  return entry;
}

/**
 * Reads a council member's private key.
 * @throws {TrustError} TRUST_COUNCIL_KEY
 * @throws {StoreError} STORE_PASSPHRASE_NEEDED, STORE_PASSPHRASE_WRONG
 */
export async function readCouncilKey(path: string, passphrase: string | undefined): Promise<KeyObject> {
  const text = await readKeyText(path);
  try {
    const key = text.startsWith('-----BEGIN') ? createPrivateKey(text) : openKeyFile(text, passphrase);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    if (codeOf(cause).startsWith('STORE_PASSPHRASE')) throw cause;
    throw new TrustError('TRUST_COUNCIL_KEY', `${path} is not a council key, or was changed.`, { cause });
  }
  throw new TrustError('TRUST_COUNCIL_KEY', `${path} is not an Ed25519 key.`);
}

/** Reads what a council member hands to the council. @throws {TrustError} TRUST_COUNCIL_KEY, TRUST_MALFORMED */
export async function readCouncilPublicKey(path: string): Promise<MemberKey> {
  return parseMemberKey(utf8ToBytes((await readKeyText(path)).trimEnd()));
}

async function readKeyText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TrustError('TRUST_COUNCIL_KEY', `${path} cannot be read.`, { cause });
  }
}

function encodeKeyFile(key: KeyObject, passphrase: string | undefined): string {
  if (passphrase === undefined) return key.export({ format: 'pem', type: 'pkcs8' }).toString();
  const dataKey = randomBytes(DATA_KEY_BYTES);
  const file: SealedKeyFile = {
    version: 1,
    wrapped: wrapDataKey(dataKey, passphrase),
    sealed: Buffer.from(sealSecret(dataKey, SECRET_NAME, encodePrivateKey(key))).toString('base64'),
  };
  return `${JSON.stringify(file)}\n`;
}

function openKeyFile(text: string, passphrase: string | undefined): KeyObject {
  const { version, wrapped, sealed } = JSON.parse(text) as Partial<SealedKeyFile>;
  // Another file, such as the public one, has no passphrase that could be wrong.
  if (version !== 1 || wrapped === undefined || sealed === undefined) throw new TypeError('not a sealed key');
  const dataKey = unwrapDataKey(wrapped, passphrase);
  return parsePrivateKey(openSecret(dataKey, SECRET_NAME, Buffer.from(sealed, 'base64')));
}
