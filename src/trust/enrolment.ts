/**
 * Enrolment: what a jurisdiction hands to the council to become a member. Each key signs the statement, so that nobody can enrol a key
 * that is another's.
 */
import { X509Certificate, verify, type KeyObject } from 'node:crypto';
import {
  accept,
  bytesToBase64url,
  jwkToBytes,
  parseBase64,
  parseBase64url,
  refuse,
  utf8ToBytes,
  verifyEd25519,
  type KeyWeakness,
  type Verdict,
} from '../base/mod.ts';
import { parseVerifierKey } from '../ledger/mod.ts';
import { nodeUri } from './certificate.ts';
import { TrustError } from './error.ts';
import type { MemberStatement } from './manifest.ts';
import { parseMemberStatement } from './manifest-reader.ts';
import { KEY_USES, type KeyUse, type ProvePossession } from './key-provider.ts';
import { certificatesIn, isIssuedUnder, isRoot, namedNode, spkiSha256 } from './peer-certificate.ts';
import { verifyWithX25519 } from './possession.ts';

interface EnrolmentFile {
  readonly version: 1;
  /** The member as it is to be listed: JSON text, signed as it stands. */
  readonly statement: string;
  /** The TLS certificate: DER in base64. */
  readonly certificate: string;
  /** Where a national PKI has them: the authorities between the certificate and the one in the statement, likewise. */
  readonly chain?: readonly string[];
  /** A signature by each key over the statement, in base64url. */
  readonly proofs: Readonly<Record<KeyUse, string>>;
}

/** Why an enrolment is refused. */
export type EnrolmentRefusal =
  | 'ENROLMENT_MALFORMED'
  | 'POSSESSION_UNPROVED'
  /** The TLS certificate is not issued by the authority in the statement, which has to be a root, or does not name the jurisdiction, or it alone. */
  | 'CERTIFICATE_UNSUITABLE'
  /** RSA of less than 2048 bits, or a kind of key that is not RSA, P-256, P-384 or Ed25519. */
  | 'TLS_KEY_WEAK'
  | KeyWeakness;

const WEAKNESSES: readonly string[] = [
  'KEY_NOT_CANONICAL',
  'KEY_SMALL_ORDER',
  'KEY_MIXED_ORDER',
] satisfies KeyWeakness[];
const MIN_RSA_BITS = 2048;
const MAX_CHAIN = 3;

/**
 * The text of an enrolment file.
 * @param tlsCertificate PEM, with the certificates of its chain behind it where there are any
 */
export function signEnrolment(statement: MemberStatement, tlsCertificate: string, prove: ProvePossession): string {
  const text = JSON.stringify(statement);
  const proofs = Object.fromEntries(
    KEY_USES.map((name) => [name, bytesToBase64url(prove(name, proofMessage(name, text)))]),
  ) as Record<KeyUse, string>;
  const [certificate, ...chain] = certificatesIn(tlsCertificate).map(({ raw }) => raw.toString('base64'));
  const file: EnrolmentFile = {
    version: 1,
    statement: text,
    certificate: certificate!,
    ...(chain.length === 0 ? {} : { chain }),
    proofs,
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Verifies an enrolment: a well-formed statement, keys that are not weak, and possession of every one of them. */
export function verifyEnrolment(text: string): Verdict<MemberStatement, EnrolmentRefusal> {
  let file: EnrolmentFile;
  let statement: MemberStatement;
  let certificate: X509Certificate;
  let chain: X509Certificate[];
  let authority: X509Certificate;
  try {
    file = parseFile(text);
    statement = parseMemberStatement(utf8ToBytes(file.statement));
    certificate = new X509Certificate(parseBase64(file.certificate));
    authority = new X509Certificate(parseBase64(statement.tls.ca));
    chain = (file.chain ?? []).map((item) => new X509Certificate(parseBase64(item)));
  } catch (error) {
    const faults = error instanceof TrustError ? error.faults : [];
    const weak = faults.find(({ code }) => WEAKNESSES.includes(code));
    if (weak !== undefined) return refuse(weak.code as KeyWeakness, `${weak.path} ${weak.message}`);
    return refuse('ENROLMENT_MALFORMED', error instanceof Error ? error.message : 'malformed');
  }
  if (statement.sign.length > 1 || statement.encrypt.length > 1 || statement.tls.spki_sha256.length > 1) {
    return refuse('POSSESSION_UNPROVED', 'an enrolment proves one key of each kind');
  }
  const weakness = tlsKeyWeakness(certificate.publicKey);
  if (weakness !== undefined) return refuse('TLS_KEY_WEAK', weakness);
  if (!isRoot(authority)) return refuse('CERTIFICATE_UNSUITABLE', 'the stated authority is itself issued by another');
  if (namedNode(certificate) !== statement.code || !isIssuedUnder(certificate, authority, chain)) {
    return refuse(
      'CERTIFICATE_UNSUITABLE',
      `it is not one that the stated authority issued to ${nodeUri(statement.code)}`,
    );
  }
  const checks: Record<KeyUse, (signature: Uint8Array, message: Uint8Array) => boolean> = {
    tls: (signature, message) =>
      statement.tls.spki_sha256.some(({ sha256 }) => sha256 === spkiSha256(certificate)) &&
      verify(tlsDigest(certificate.publicKey), message, certificate.publicKey, signature),
    sign: (signature, message) => verifyEd25519(signature, message, jwkToBytes(statement.sign[0]!.jwk)),
    encrypt: (signature, message) => verifyWithX25519(signature, message, jwkToBytes(statement.encrypt[0]!.jwk)),
    ledger: (signature, message) =>
      verifyEd25519(signature, message, parseVerifierKey(statement.ledger.vkey).publicKey),
    witness: (signature, message) =>
      verifyEd25519(signature, message, parseVerifierKey(statement.witness.vkey).publicKey),
  };
  for (const name of KEY_USES) {
    if (!checks[name](parseBase64url(file.proofs[name]), proofMessage(name, file.statement))) {
      return refuse('POSSESSION_UNPROVED', `the enrolment does not prove possession of the ${name} key`);
    }
  }
  return accept(statement);
}

/** @throws {TrustError} TRUST_MALFORMED */
function parseFile(text: string): EnrolmentFile {
  try {
    const file = JSON.parse(text) as EnrolmentFile;
    const strings = [file.statement, file.certificate, ...KEY_USES.map((name) => file.proofs[name])];
    const { version }: { readonly version: number } = file;
    if (file.chain !== undefined && (!Array.isArray(file.chain) || file.chain.length > MAX_CHAIN))
      throw new TypeError('chain');
    if (version !== 1 || strings.some((value) => typeof value !== 'string')) throw new TypeError('members');
    for (const name of KEY_USES) parseBase64url(file.proofs[name]);
    return file;
  } catch (cause) {
    throw new TrustError('TRUST_MALFORMED', 'The file is not an enrolment.', { cause });
  }
}

/** What a TLS key signs with: Ed25519 hashes by itself. */
function tlsDigest(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

function tlsKeyWeakness({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined {
  if (type === 'ed25519') return undefined;
  if (type === 'ec') {
    const isKnown = details?.namedCurve === 'prime256v1' || details?.namedCurve === 'secp384r1';
    return isKnown ? undefined : `the TLS key is on the curve ${details?.namedCurve ?? 'unknown'}`;
  }
  if (type !== 'rsa') return `the TLS key is of type ${type ?? 'unknown'}`;
  const bits = details?.modulusLength ?? 0;
  return bits >= MIN_RSA_BITS ? undefined : `the TLS key has ${bits} bits`;
}

/** The proof of one key cannot stand for another's. */
function proofMessage(name: KeyUse, statement: string): Uint8Array {
  return utf8ToBytes(`rogatory-enrolment/v1\n${name}\n${statement}`);
}
