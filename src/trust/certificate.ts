/**
 * Authors the certificates of a jurisdiction that has no PKI of its own for this. What is written here decides nothing: chains are
 * judged by OpenSSL and by the manifest's pins.
 */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import type { JurisdictionCode } from '../base/mod.ts';
import type { NodeCertificates } from './node-keys.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long a node's TLS certificate is valid. */
export const TLS_CERTIFICATE_DAYS = 398;
const CA_CERTIFICATE_DAYS = 3650;

/** The URI by which a certificate names its node. */
export function nodeUri(code: JurisdictionCode): string {
  return `urn:mla:node:${code}`;
}

/**
 * A certificate authority for one jurisdiction and, under it, the certificate of its node.
 * @see RFC 5280 §4.2.1
 */
export function issueCertificates(options: {
  readonly code: JurisdictionCode;
  /** Name or address in the endpoint; empty for a node that only dials out. */
  readonly host: string;
  readonly nowMs: number;
  readonly ca: KeyObject;
  readonly tls: KeyObject;
}): NodeCertificates {
  const { code, host, nowMs } = options;
  const issuer = [{ name: 'commonName', value: `Rogatory node authority ${code}` }];
  const ca = certificate(options.ca, issuer, issuer, nowMs, CA_CERTIFICATE_DAYS, [
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  const caKey = forgeKey(options.ca);
  ca.sign(caKey, forge.md.sha256.create());
  const hosts = host === '' ? [] : [isIP(host) !== 0 ? { type: 7, ip: host } : { type: 2, value: host }];
  const subject = [{ name: 'commonName', value: `Rogatory node ${code}` }];
  const tls = certificate(options.tls, subject, issuer, nowMs, TLS_CERTIFICATE_DAYS, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    { name: 'subjectAltName', altNames: [{ type: 6, value: nodeUri(code) }, ...hosts] },
    { name: 'subjectKeyIdentifier' },
  ]);
  tls.sign(caKey, forge.md.sha256.create());
  return { tls: forge.pki.certificateToPem(tls), ca: forge.pki.certificateToPem(ca) };
}

function certificate(
  key: KeyObject,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  nowMs: number,
  days: number,
  extensions: object[],
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  const publicPem = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
  made.publicKey = forge.pki.publicKeyFromPem(publicPem);
  // Positive, as RFC 5280 §4.1.2.2 demands: the first bit is clear.
  made.serialNumber = `01${randomBytes(15).toString('hex')}`;
  // An hour of grace for peers whose clocks are behind.
  made.validity.notBefore = new Date(nowMs - HOUR_MS);
  made.validity.notAfter = new Date(nowMs + days * DAY_MS);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions(extensions);
  return made;
}

function forgeKey(key: KeyObject): forge.pki.rsa.PrivateKey {
  return forge.pki.privateKeyFromPem(key.export({ format: 'pem', type: 'pkcs8' }).toString());
}
