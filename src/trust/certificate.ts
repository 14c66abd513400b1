/**
 * Authors the certificates of a jurisdiction that has no PKI of its own for this. What is written here decides nothing: chains are
 * judged by OpenSSL and by the manifest's pins.
 */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type forge from 'node-forge';
import type { JurisdictionCode } from '../base/mod.ts';
import type { NodeCertificates } from './node-keys.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long a node's TLS certificate is valid; it is renewed before. */
const TLS_LIFETIME_MS = 398 * DAY_MS;
const CA_LIFETIME_MS = 3650 * DAY_MS;

// Read when a certificate is to be made, which is once in a year: it is more code than all that a start needs otherwise.
const forgeOf = (): typeof forge => createRequire(import.meta.url)('node-forge') as typeof forge;

/** The URI by which a certificate names its node. */
export function nodeUri(code: JurisdictionCode): string {
  return `urn:mla:node:${code}`;
}

/** Whom a certificate is for. */
interface CertificateSubject {
  readonly code: JurisdictionCode;
  /** Name or address in the endpoint; empty for a node that only dials out. */
  readonly host: string;
  readonly nowMs: number;
}

/**
 * A certificate authority for one jurisdiction and, under it, the certificate of its node.
 * @see RFC 5280 §4.2.1
 */
export function issueCertificates(
  options: CertificateSubject & { readonly ca: KeyObject; readonly tls: KeyObject },
): NodeCertificates {
  const { md, pki } = forgeOf();
  const issuer = authorityName(options.code);
  const ca = certificate(options.ca, issuer, issuer, options.nowMs, CA_LIFETIME_MS, [
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  ca.sign(forgeKey(options.ca), md.sha256.create());
  return { tls: issueTlsCertificate(options), ca: pki.certificateToPem(ca) };
}

/**
 * A certificate for a node's TLS key, by the authority that was made for its jurisdiction. PEM.
 * @param options `lifetimeMs` from now on; 398 days when left out
 */
export function issueTlsCertificate(
  options: CertificateSubject & { readonly ca: KeyObject; readonly tls: KeyObject; readonly lifetimeMs?: number },
): string {
  const { md, pki } = forgeOf();
  const { code, host, nowMs, lifetimeMs = TLS_LIFETIME_MS } = options;
  const hosts = host === '' ? [] : [isIP(host) !== 0 ? { type: 7, ip: host } : { type: 2, value: host }];
  const subject = [{ name: 'commonName', value: `Rogatory node ${code}` }];
  const tls = certificate(options.tls, subject, authorityName(code), nowMs, lifetimeMs, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    { name: 'subjectAltName', altNames: [{ type: 6, value: nodeUri(code) }, ...hosts] },
    { name: 'subjectKeyIdentifier' },
  ]);
  tls.sign(forgeKey(options.ca), md.sha256.create());
  return pki.certificateToPem(tls);
}

function authorityName(code: JurisdictionCode): forge.pki.CertificateField[] {
  return [{ name: 'commonName', value: `Rogatory node authority ${code}` }];
}

function certificate(
  key: KeyObject,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  nowMs: number,
  lifetimeMs: number,
  extensions: object[],
): forge.pki.Certificate {
  const { pki } = forgeOf();
  const made = pki.createCertificate();
  const publicPem = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
  made.publicKey = pki.publicKeyFromPem(publicPem);
  // Positive, as RFC 5280 §4.1.2.2 demands: the first bit is clear.
  made.serialNumber = `01${randomBytes(15).toString('hex')}`;
  // An hour of grace for peers whose clocks are behind; less of what lives for a few hours.
  made.validity.notBefore = new Date(nowMs - Math.min(HOUR_MS, lifetimeMs / 4));
  made.validity.notAfter = new Date(nowMs + lifetimeMs);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions(extensions);
  return made;
}

function forgeKey(key: KeyObject): forge.pki.rsa.PrivateKey {
  return forgeOf().pki.privateKeyFromPem(key.export({ format: 'pem', type: 'pkcs8' }).toString());
}
