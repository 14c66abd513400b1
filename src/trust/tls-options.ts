import { X509Certificate, constants } from 'node:crypto';
import type {
  ConnectionOptions,
  DetailedPeerCertificate,
  PeerCertificate,
  SecureContextOptions,
  TlsOptions,
} from 'node:tls';
import { memberByCode, type Manifest } from './manifest.ts';
import type { JurisdictionCode } from '../base/mod.ts';
import type { TlsKey } from './key-provider.ts';
import { verifyPeerCertificate } from './peer-certificate.ts';

// A resumed session would skip the certificate checks, and with them revocation: no tickets, no cache, no early data.
const TLS_13_ONLY = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET,
  ecdhCurve: keyExchangeGroups(),
} as const;

// As many certificates as the check of a chain looks at.
const MAX_CHAIN = 5;

/**
 * The groups to offer, the hybrid one first where this runtime's OpenSSL has it: what is recorded today is not to be read by whoever can
 * break elliptic curves one day. Asked by its version: a group that it does not know leaves an error behind for the next one who asks.
 * @see draft-ietf-tls-ecdhe-mlkem
 */
function keyExchangeGroups(): string {
  const classical = 'X25519:P-256:P-384';
  const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 5) ? `X25519MLKEM768:${classical}` : classical;
}

type OwnCertificate = Pick<TlsKey, 'privateKey' | 'certificate'>;

/** TLS options for accepting peers. Whose certificate it is must still be judged with `verifyPeerCertificate`. */
export function serverTlsOptions(key: OwnCertificate, manifest: Manifest): TlsOptions {
  return {
    ...own(key),
    ca: manifest.members.filter(({ status }) => status === 'ACTIVE').map((member) => derToPem(member.tls.ca)),
    requestCert: true,
    rejectUnauthorized: true,
  };
}

/**
 * TLS options for dialling one member: only its own authority is trusted, and the certificate is judged before anything is sent.
 * @throws {TypeError} for a code that is not a member's
 */
export function clientTlsOptions(
  key: OwnCertificate,
  manifest: () => Manifest,
  code: JurisdictionCode,
  nowMs: () => number,
): ConnectionOptions {
  const member = memberByCode(manifest(), code);
  if (member === undefined) throw new TypeError(`${code} is not a member`);
  return {
    ...own(key),
    ca: [derToPem(member.tls.ca)],
    rejectUnauthorized: true,
    // The certificate is for a jurisdiction, not for a host: a node may move, but not become another.
    checkServerIdentity: (_host: string, peer: PeerCertificate) => {
      const [certificate, ...chain] = certificatesOf(peer);
      const verdict = verifyPeerCertificate(certificate, manifest(), nowMs(), chain);
      if (!verdict.ok) return new Error(`${verdict.reason}: ${verdict.detail}`);
      return verdict.value === code
        ? undefined
        : new Error(`CERTIFICATE_NOT_PINNED: it is ${verdict.value}, not ${code}`);
    },
  };
}

/** The certificate that a peer has presented and those above it. The root at the end points at itself. */
export function certificatesOf(peer: PeerCertificate): X509Certificate[] {
  const found: X509Certificate[] = [];
  let current: Partial<DetailedPeerCertificate> | undefined = peer;
  while (current?.raw !== undefined && found.length < MAX_CHAIN) {
    found.push(new X509Certificate(current.raw));
    current = current.issuerCertificate === current ? undefined : current.issuerCertificate;
  }
  return found;
}

function own({ privateKey, certificate }: OwnCertificate): SecureContextOptions {
  return { ...TLS_13_ONLY, key: privateKey.export({ format: 'pem', type: 'pkcs8' }), cert: certificate };
}

function derToPem(base64: string): string {
  return new X509Certificate(Buffer.from(base64, 'base64')).toString();
}
