/**
 * Enrolment: what a jurisdiction hands to the council to become a member. Each key signs the statement, so that nobody can enrol a key
 * that is another's.
 */
import { X509Certificate, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import {
  accept,
  bytesToBase64url,
  jwkToBytes,
  parseBase64,
  parseBase64url,
  refuse,
  utf8ToBytes,
  verifyEd25519,
  type Verdict,
} from '../base/mod.ts';
import { parseVerifierKey } from '../ledger/mod.ts';
import { TrustError } from './error.ts';
import { parseMemberStatement, type MemberStatement } from './manifest.ts';
import type { NodeKeys } from './node-keys.ts';
import { spkiSha256 } from './peer-certificate.ts';
import { signWithX25519, verifyWithX25519 } from './possession.ts';

const PROVED_KEYS = ['tls', 'sign', 'encrypt', 'ledger', 'witness'] as const;
type ProvedKey = (typeof PROVED_KEYS)[number];

interface EnrolmentFile {
  readonly version: 1;
  /** The member as it is to be listed: JSON text, signed as it stands. */
  readonly statement: string;
  /** The TLS certificate: DER in base64. */
  readonly certificate: string;
  /** A signature by each key over the statement, in base64url. */
  readonly proofs: Readonly<Record<ProvedKey, string>>;
}

/** The text of an enrolment file. */
export function signEnrolment(statement: MemberStatement, keys: NodeKeys): string {
  const text = JSON.stringify(statement);
  const ed25519 = (key: KeyObject) => (message: Uint8Array) => sign(null, message, key);
  const signers: Record<ProvedKey, (message: Uint8Array) => Uint8Array> = {
    tls: (message) => sign('sha256', message, keys.tls),
    sign: ed25519(keys.sign),
    encrypt: (message) => signWithX25519(keys.encrypt, message),
    ledger: ed25519(keys.ledger),
    witness: ed25519(keys.witness),
  };
  const proofs = Object.fromEntries(
    PROVED_KEYS.map((name) => [name, bytesToBase64url(signers[name](proofMessage(name, text)))]),
  ) as Record<ProvedKey, string>;
  const certificate = new X509Certificate(keys.certificates.tls).raw.toString('base64');
  const file: EnrolmentFile = { version: 1, statement: text, certificate, proofs };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Verifies an enrolment: a well-formed statement, and possession of every key in it. */
export function verifyEnrolment(text: string): Verdict<MemberStatement, 'ENROLMENT_MALFORMED' | 'POSSESSION_UNPROVED'> {
  let file: EnrolmentFile;
  let statement: MemberStatement;
  let certificate: X509Certificate;
  try {
    file = parseFile(text);
    statement = parseMemberStatement(utf8ToBytes(file.statement));
    certificate = new X509Certificate(parseBase64(file.certificate));
  } catch (error) {
    return refuse('ENROLMENT_MALFORMED', error instanceof Error ? error.message : 'malformed');
  }
  const checks: Record<ProvedKey, (signature: Uint8Array, message: Uint8Array) => boolean> = {
    tls: (signature, message) =>
      statement.tls.spki_sha256.some(({ sha256 }) => sha256 === spkiSha256(certificate)) &&
      isIssuedBy(certificate, statement.tls.ca) &&
      verify(
        certificate.publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256',
        message,
        certificate.publicKey,
        signature,
      ),
    sign: (signature, message) => verifyEd25519(signature, message, jwkToBytes(statement.sign[0]!.jwk)),
    encrypt: (signature, message) => verifyWithX25519(signature, message, jwkToBytes(statement.encrypt[0]!.jwk)),
    ledger: (signature, message) =>
      verifyEd25519(signature, message, parseVerifierKey(statement.ledger.vkey).publicKey),
    witness: (signature, message) =>
      verifyEd25519(signature, message, parseVerifierKey(statement.witness.vkey).publicKey),
  };
  for (const name of PROVED_KEYS) {
    if (!checks[name](parseBase64url(file.proofs[name]), proofMessage(name, file.statement))) {
      return refuse('POSSESSION_UNPROVED', `the enrolment does not prove possession of the ${name} key`);
    }
  }
  if (statement.sign.length > 1 || statement.encrypt.length > 1 || statement.tls.spki_sha256.length > 1) {
    return refuse('POSSESSION_UNPROVED', 'an enrolment proves one key of each kind');
  }
  return accept(statement);
}

/** @throws {TrustError} TRUST_MALFORMED */
function parseFile(text: string): EnrolmentFile {
  try {
    const file = JSON.parse(text) as EnrolmentFile;
    const strings = [file.statement, file.certificate, ...PROVED_KEYS.map((name) => file.proofs[name])];
    const { version }: { readonly version: number } = file;
    if (version !== 1 || strings.some((value) => typeof value !== 'string')) throw new TypeError('members');
    for (const name of PROVED_KEYS) parseBase64url(file.proofs[name]);
    return file;
  } catch (cause) {
    throw new TrustError('TRUST_MALFORMED', 'The file is not an enrolment.', { cause });
  }
}

function isIssuedBy(certificate: X509Certificate, ca: string): boolean {
  const authority = new X509Certificate(Buffer.from(ca, 'base64'));
  return (
    certificate.checkIssued(authority) &&
    certificate.verify(createPublicKey(authority.publicKey.export({ format: 'pem', type: 'spki' })))
  );
}

/** The proof of one key cannot stand for another's. */
function proofMessage(name: ProvedKey, statement: string): Uint8Array {
  return utf8ToBytes(`rogatory-enrolment/v1\n${name}\n${statement}`);
}
