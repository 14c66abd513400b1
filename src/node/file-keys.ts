/** Keys in files: each private key encrypted under the data key, in a file of its own. */
import { X509Certificate, createPublicKey, diffieHellman, randomBytes, sign, type KeyObject } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ML_KEM_SEED_BYTES, bytesToHex, replaceFile, sha256 } from '../base/mod.ts';
import { decapsulationKey, type DecapsulationKey } from '../sealing/mod.ts';
import { StoreError, openSecret, sealSecret } from '../store/mod.ts';
import {
  KEY_USES,
  certificatesIn,
  encodePrivateKey,
  generateKey,
  isIssuedUnder,
  isRoot,
  issueTlsCertificate,
  parsePrivateKey,
  provePossession,
  publicJwk,
  rawPublicKey,
  spkiSha256,
  type AgreementKey,
  type KeyProvider,
  type KeySubject,
  type KeyUse,
  type MadeKey,
  type NodeKeys,
  type SignatureKey,
  type TlsKey,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
// `sign.key`, and `sign-1f0c….key` for every later one: named by its public key, so that making one again is writing it again.
const KEY_FILE = new RegExp(`^(${KEY_USES.join('|')})(-[0-9a-f]{16})?\\.key$`);

/** The keys in a node's folder. */
export class FileKeys implements KeyProvider {
  readonly kind = 'file';
  readonly tls: TlsKey[] = [];
  readonly sign: SignatureKey[] = [];
  readonly encrypt: AgreementKey[] = [];
  readonly ledger: SignatureKey[] = [];
  readonly witness: SignatureKey[] = [];
  readonly authority: string;
  readonly #folder: string;
  readonly #dataKey: Uint8Array;

  private constructor(folder: string, dataKey: Uint8Array, authority: string) {
    this.#folder = folder;
    this.#dataKey = dataKey;
    this.authority = authority;
  }

  /**
   * Reads every key in a folder.
   * @param uses those that have their keys here
   * @throws {NodeError} NODE_INCOMPLETE when a use has none
   * @throws {StoreError} STORE_CORRUPT
   */
  static async open(folder: string, dataKey: Uint8Array, uses: readonly KeyUse[] = KEY_USES): Promise<FileKeys> {
    const keys = new FileKeys(folder, dataKey, await readText(folder, 'ca.pem'));
    let failed: StoreError | undefined;
    const found = (await readdir(folder)).filter((file) => KEY_FILE.test(file));
    // Those that the node began with come first: they are worked with until a manifest and the ledger say otherwise.
    for (const name of found.map((file) => file.slice(0, -'.key'.length)).sort()) {
      const use = KEY_FILE.exec(`${name}.key`)![1] as KeyUse;
      const certificate = use === 'tls' ? await readText(folder, `${name}.pem`) : '';
      const privateKey = await keys.#readPrivateKey(name);
      if (use === 'encrypt') {
        keys.encrypt.push(agreementKey(privateKey, await keys.kemOf(rawPublicKey(privateKey))));
        continue;
      }
      try {
        keys.#add(use, privateKey, certificate);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failed = error;
      }
    }
    // After a change of authority the former certificate stays beside the new one, and is of no use; where none holds, one was changed on disk.
    if (keys.tls.length === 0 && failed !== undefined) throw failed;
    for (const use of uses) {
      if (keys[use].length === 0) throw new NodeError('NODE_INCOMPLETE', `There is no ${use} key in ${folder}.`);
    }
    return keys;
  }

  /** Writes the keys of a new node: those of `uses`, the authority's, and the ML-KEM half of its encryption key. */
  static async create(
    folder: string,
    dataKey: Uint8Array,
    made: NodeKeys,
    uses: readonly KeyUse[] = KEY_USES,
  ): Promise<FileKeys> {
    const keys = new FileKeys(folder, dataKey, made.certificates.ca);
    if (made.kem !== undefined) await keys.keepKem(rawPublicKey(made.encrypt), made.kem);
    for (const name of [...uses, 'ca'] as const) await keys.#writePrivateKey(name, made[name]);
    await replaceFile(join(folder, 'tls.pem'), made.certificates.tls, PUBLIC_MODE);
    await replaceFile(join(folder, 'ca.pem'), made.certificates.ca, PUBLIC_MODE);
    return FileKeys.open(folder, dataKey, uses);
  }

  async make(use: KeyUse, subject: KeySubject): Promise<MadeKey> {
    const privateKey = await generateKey(use);
    const publicKey =
      use === 'tls' ? createPublicKey(privateKey).export({ format: 'der', type: 'spki' }) : rawPublicKey(privateKey);
    const name = `${use}-${bytesToHex(sha256(publicKey)).slice(0, 16)}`;
    const certificate = use === 'tls' ? await this.#certify(privateKey, subject) : '';
    // The certificate first: a key without one would be half a key.
    if (use === 'tls') await replaceFile(join(this.#folder, `${name}.pem`), certificate, PUBLIC_MODE);
    const prove = (message: Uint8Array): Uint8Array => provePossession(privateKey, message);
    if (use === 'encrypt') {
      // Its other half first, likewise.
      const kem = await this.keepKem(publicKey, randomBytes(ML_KEM_SEED_BYTES));
      const key = agreementKey(privateKey, kem);
      await this.#writePrivateKey(name, privateKey);
      this.encrypt.push(key);
      return { kid: key.kid, publicKey, kem: kem.publicKey, prove };
    }
    await this.#writePrivateKey(name, privateKey);
    this.#add(use, privateKey, certificate);
    const { kid } = this[use].at(-1)!;
    return { kid, publicKey, prove };
  }

  async renewCertificate(kid: string, subject: KeySubject): Promise<TlsKey | undefined> {
    const index = this.tls.findIndex((key) => key.kid === kid);
    const old = this.tls[index];
    if (old === undefined || !(await this.#hasAuthority())) return undefined;
    const renewed = { ...old, certificate: await this.#certify(old.privateKey, subject) };
    await replaceFile(join(this.#folder, `${await this.#nameOfTls(kid)}.pem`), renewed.certificate, PUBLIC_MODE);
    this.tls[index] = renewed;
    return renewed;
  }

  /** The ML-KEM key that belongs to an X25519 key, wherever that is; one that was made before there were any has none. */
  async kemOf(x25519: Uint8Array): Promise<DecapsulationKey | undefined> {
    const name = kemName(x25519);
    if (!(await readdir(this.#folder)).includes(`${name}.key`)) return undefined;
    return decapsulationKey(openSecret(this.#dataKey, name, await readKeyFile(this.#folder, `${name}.key`)));
  }

  /** Keeps the ML-KEM key that belongs to an X25519 key. @param seed 64 bytes */
  async keepKem(x25519: Uint8Array, seed: Uint8Array): Promise<DecapsulationKey> {
    await this.#writeSecret(kemName(x25519), seed);
    return decapsulationKey(seed);
  }

  #add(use: Exclude<KeyUse, 'encrypt'>, privateKey: KeyObject, certificate: string): void {
    if (use === 'tls') this.tls.push({ kid: this.#kidOf(certificate, privateKey), privateKey, certificate });
    else this[use].push(signatureKey(privateKey));
  }

  /** @throws {StoreError} STORE_CORRUPT */
  #kidOf(certificate: string, privateKey: KeyObject): string {
    try {
      return checkedCertificate(certificate, privateKey, this.authority);
    } catch (cause) {
      const message = `A certificate in ${this.#folder} was changed on disk, or it belongs to another key or authority.`;
      throw new StoreError('STORE_CORRUPT', message, { cause });
    }
  }

  async #certify(privateKey: KeyObject, subject: KeySubject): Promise<string> {
    if (!(await this.#hasAuthority()))
      throw new NodeError(
        'NODE_NO_AUTHORITY',
        `There is no authority in ${this.#folder}: the jurisdiction’s own PKI has to issue the certificate.`,
      );
    return issueTlsCertificate({ ...subject, ca: await this.#readPrivateKey('ca'), tls: privateKey });
  }

  /** Whether the authority is the built-in one: its key stays behind when a national PKI takes its place. */
  async #hasAuthority(): Promise<boolean> {
    if (!(await readdir(this.#folder)).includes('ca.key')) return false;
    return new X509Certificate(this.authority).checkPrivateKey(await this.#readPrivateKey('ca'));
  }

  async #nameOfTls(kid: string): Promise<string> {
    for (const file of await readdir(this.#folder)) {
      if (!/^tls(-[0-9a-f]{16})?\.pem$/.test(file)) continue;
      const certificate = new X509Certificate(await readText(this.#folder, file));
      if (spkiSha256(certificate) === kid) return file.slice(0, -'.pem'.length);
    }
    throw new NodeError('NODE_INCOMPLETE', `The certificate of the TLS key ${kid} is gone from ${this.#folder}.`);
  }

  #writePrivateKey(name: string, key: KeyObject): Promise<void> {
    return this.#writeSecret(name, encodePrivateKey(key));
  }

  async #writeSecret(name: string, secret: Uint8Array): Promise<void> {
    await replaceFile(join(this.#folder, `${name}.key`), sealSecret(this.#dataKey, name, secret), SECRET_MODE);
  }

  async #readPrivateKey(name: string): Promise<KeyObject> {
    return parsePrivateKey(openSecret(this.#dataKey, name, await readKeyFile(this.#folder, `${name}.key`)));
  }
}

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

/** @throws {NodeError} NODE_INCOMPLETE when it cannot be read */
export async function readKeyFile(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new NodeError('NODE_INCOMPLETE', `The key file ${join(folder, name)} cannot be read.`, { cause });
  }
}

/** No data key seals certificates: their own signatures tell whether they are as they were issued. */
function checkedCertificate(certificate: string, privateKey: KeyObject, authority: string): string {
  const issuer = new X509Certificate(authority);
  // An authority may have intermediates, which follow the leaf in its file.
  const [leaf, ...chain] = certificatesIn(certificate);
  const holds = leaf?.checkPrivateKey(privateKey) === true && isRoot(issuer) && isIssuedUnder(leaf, issuer, chain);
  if (!holds) throw new TypeError('the signatures do not hold');
  return spkiSha256(leaf);
}

async function readText(folder: string, name: string): Promise<string> {
  return (await readKeyFile(folder, name)).toString('utf8');
}
