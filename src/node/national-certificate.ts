/** A certificate of the jurisdiction's own PKI in place of the built-in authority's: the request, and what the PKI answers. */
import { X509Certificate, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { access, readFile, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bytesToHex,
  bytesToJwk,
  parseUtf8,
  replaceFile,
  sha256,
  utf8ToBytes,
  type JurisdictionCode,
} from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { openSecret, sealSecret } from '../store/mod.ts';
import {
  encodePrivateKey,
  parseMemberStatement,
  parsePrivateKey,
  provePossession,
  provesWith,
  signCertificateRequest,
  signEnrolment,
  spkiOf,
  verifyIssuedCertificate,
  type IssuedCertificate,
  type KeyProvider,
  type MemberStatement,
  type NodeKeys,
  type TlsKeyType,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';
import { kemEntry } from './key-rotation.ts';
import { readKeyring, type Keyring } from './keyring.ts';

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
// The key of a request that is not answered yet. It is no TLS key before it has a certificate.
const REQUESTED = 'csr';

/**
 * Makes a TLS key and the request for its certificate. Asked again before it is answered, it requests for the same key.
 * @param sameKey requests a new certificate for the present TLS key instead: the manifest then needs no change
 * @throws {NodeError} NODE_INCOMPLETE
 */
export async function requestCertificate(
  config: NodeConfig,
  passphrase: string | undefined,
  { keyType, sameKey }: { readonly keyType: TlsKeyType; readonly sameKey: boolean },
): Promise<string> {
  const { dataKey, keys } = await readKeyring(config, passphrase);
  const host = config.endpoint === '' ? '' : new URL(config.endpoint).hostname.replace(/^\[|\]$/g, '');
  const present = keys.tls.toSorted((a, b) => endOf(a.certificate) - endOf(b.certificate)).at(-1)!;
  if (sameKey) return signCertificateRequest({ code: config.code, host, key: present.privateKey });
  const path = join(config.paths.keys, `${REQUESTED}.key`);
  let key = await readRequested(path, dataKey);
  if (key === undefined || !isOfType(key, keyType)) {
    key = generateTlsKey(keyType);
    await replaceFile(path, sealSecret(dataKey, REQUESTED, encodePrivateKey(key)), SECRET_MODE);
  }
  return signCertificateRequest({ code: config.code, host, key });
}

/** What was installed, and whether the council has to hear of it. */
export interface InstalledCertificate extends IssuedCertificate {
  /** True when the key or the authority is another than before: the new enrolment has to go to the council. */
  readonly needsCouncil: boolean;
}

/**
 * Takes the certificate that the PKI has issued, after checking all that peers will check. With another key or another authority than the
 * manifest names, the enrolment is written anew.
 * @throws {NodeError} NODE_CERTIFICATE_REFUSED, NODE_INCOMPLETE
 */
export async function installCertificate(
  config: NodeConfig,
  passphrase: string | undefined,
  pem: { readonly certificate: string; readonly authority: string },
  nowMs: number,
): Promise<InstalledCertificate> {
  const { keys: folder, enrolment } = config.paths;
  const { dataKey, keys } = await readKeyring(config, passphrase);
  const path = join(folder, `${REQUESTED}.key`);
  const requested = await readRequested(path, dataKey);
  const kids = [...keys.tls.map(({ kid }) => kid), ...(requested === undefined ? [] : [spkiOf(requested)])];
  const verdict = verifyIssuedCertificate(pem.certificate, pem.authority, { code: config.code, kids, nowMs });
  if (!verdict.ok)
    throw new NodeError(
      'NODE_CERTIFICATE_REFUSED',
      `The certificate is refused (${verdict.reason}): ${verdict.detail}.`,
    );
  const issued = verdict.value;
  const isRequested = requested !== undefined && spkiOf(requested) === issued.kid;
  const present = keys.tls.find(({ kid }) => kid === issued.kid);
  const isSameAuthority = new X509Certificate(keys.authority).raw.equals(new X509Certificate(issued.authority).raw);
  const needsCouncil = isRequested || !isSameAuthority;
  if (!needsCouncil) {
    await replaceFile(
      join(folder, `${await fileOf(folder, present!.certificate)}.pem`),
      issued.certificate,
      PUBLIC_MODE,
    );
    return { ...issued, needsCouncil };
  }
  const tls = isRequested ? requested : present!.privateKey;
  const text = await renewedEnrolment(config, { dataKey, keys }, tls, issued, nowMs);
  // Beside what the node has until then, so that it starts whenever this is cut short: the authority decides which of the two it takes, and
  // comes after all else but the request, by which the whole can be done again.
  const name = `tls-${bytesToHex(sha256(utf8ToBytes(`${issued.kid} ${issued.authority}`))).slice(0, 16)}`;
  await replaceFile(join(folder, `${name}.pem`), issued.certificate, PUBLIC_MODE);
  await replaceFile(join(folder, `${name}.key`), sealSecret(dataKey, name, encodePrivateKey(tls)), SECRET_MODE);
  await replaceFile(enrolment, text, PUBLIC_MODE);
  await replaceFile(join(folder, 'ca.pem'), issued.authority, PUBLIC_MODE);
  if (isRequested) await unlink(path);
  return { ...issued, needsCouncil };
}

/** The enrolment with the new TLS key and authority, and everything else as it was, proved again by every key. */
async function renewedEnrolment(
  config: NodeConfig,
  { dataKey, keys: provider }: Keyring,
  tls: KeyObject,
  issued: IssuedCertificate,
  nowMs: number,
): Promise<string> {
  const { keys: folder, enrolment } = config.paths;
  await refuseRotated(config, provider);
  const former = JSON.parse(await readFile(enrolment, 'utf8')) as { readonly statement: string };
  const statement = parseMemberStatement(utf8ToBytes(former.statement));
  const pin = { sha256: issued.kid, not_before: nowMs, not_after: issued.notAfter };
  const authority = new X509Certificate(issued.authority).raw.toString('base64');
  const own = { ...statement, endpoint: config.endpoint, tls: { ca: authority, spki_sha256: [pin] } };
  if (provider.kind === 'pkcs11') return tokenEnrolment(own, provider, tls, issued, config.code, nowMs);
  const secret = async (name: 'sign' | 'encrypt' | 'ledger' | 'witness'): Promise<KeyObject> =>
    parsePrivateKey(openSecret(dataKey, name, await readFile(join(folder, `${name}.key`))));
  const [signKey, encrypt, ledger, witness] = await Promise.all([
    secret('sign'),
    secret('encrypt'),
    secret('ledger'),
    secret('witness'),
  ]);
  const certificates = { tls: issued.certificate, ca: issued.authority };
  const keys: NodeKeys = { sign: signKey, encrypt, ledger, witness, tls, ca: tls, certificates };
  return signEnrolment(own, issued.certificate, provesWith(keys));
}

/** A key in a token that only decrypts proves nothing any more: the enrolment brings the next one, while it is at hand. */
async function tokenEnrolment(
  statement: MemberStatement,
  keys: KeyProvider,
  tls: KeyObject,
  issued: IssuedCertificate,
  code: JurisdictionCode,
  nowMs: number,
): Promise<string> {
  const made = await keys.make('encrypt', { code, host: '', nowMs });
  const [former] = statement.encrypt;
  const validity = { not_before: nowMs, not_after: former!.not_after };
  const encrypt = [{ kid: made.kid, jwk: bytesToJwk('X25519', made.publicKey), ...kemEntry(made.kem), ...validity }];
  return signEnrolment({ ...statement, encrypt }, issued.certificate, (use, message) => {
    if (use === 'encrypt') return made.prove(message);
    return use === 'tls' ? provePossession(tls, message) : keys[use][0]!.sign(message);
  });
}

/** An enrolment speaks for the keys that a node began with; later ones are the council's to know from their rotation. */
async function refuseRotated({ paths }: NodeConfig, keys: KeyProvider): Promise<void> {
  const files = (await readdir(paths.keys)).filter((name) => /^(sign|encrypt|ledger|witness)-.*\.key$/.test(name));
  const inToken = (['sign', 'ledger', 'witness'] as const).filter((use) => keys[use].length > 1);
  const rotated = [...files, ...inToken];
  if (rotated.length === 0) return;
  throw new NodeError(
    'NODE_CERTIFICATE_REFUSED',
    'This node’s keys have been rotated since it enrolled: bring the new TLS key in as a rotation, or have the present one certified again.',
  );
}

async function readRequested(path: string, dataKey: Uint8Array): Promise<KeyObject | undefined> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  return isThere ? parsePrivateKey(openSecret(dataKey, REQUESTED, await readFile(path))) : undefined;
}

function generateTlsKey(type: TlsKeyType): KeyObject {
  switch (type) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey;
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    default:
      return type satisfies never;
  }
}

function isOfType(key: KeyObject, type: TlsKeyType): boolean {
  return key.asymmetricKeyType === (type === 'p256' ? 'ec' : type);
}

function endOf(certificate: string): number {
  return Date.parse(new X509Certificate(certificate).validTo);
}

/** The name that a certificate of this node is kept under. */
async function fileOf(folder: string, certificate: string): Promise<string> {
  for (const name of (await readdir(folder)).filter((file) => /^tls(-[0-9a-f]{16})?\.pem$/.test(file))) {
    if (parseUtf8(await readFile(join(folder, name))) === certificate) return name.slice(0, -'.pem'.length);
  }
  throw new NodeError('NODE_INCOMPLETE', `There is no certificate in ${folder}.`);
}
