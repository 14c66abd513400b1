import { X509Certificate, createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { accept, isJurisdictionCode, refuse, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import type { CertificateRefusal } from './error.ts';
import { memberByCode, type Manifest } from './manifest.ts';
import { isValidAround } from './member-key.ts';

// National PKIs have an intermediate or two.
const MAX_CHAIN = 4;

/** SHA-256 of a certificate's SubjectPublicKeyInfo, in base64url. @see RFC 7469 §2.4 */
export function spkiSha256(certificate: X509Certificate): string {
  return spkiOf(certificate.publicKey);
}

/** SHA-256 of the SubjectPublicKeyInfo of a key, private or public, in base64url. */
export function spkiOf(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('base64url');
}

/**
 * Whose certificate this is, after OpenSSL accepted its chain and its dates: the one jurisdiction that it names, whose own authority
 * issued it, and for which its key is pinned. Authorities are never pooled: another member's authority cannot speak for this one.
 * @param chain intermediate certificates, where they do not come with the certificate itself
 */
export function verifyPeerCertificate(
  certificate: X509Certificate | undefined,
  manifest: Manifest,
  nowMs: number,
  chain?: readonly X509Certificate[],
): Verdict<JurisdictionCode, CertificateRefusal> {
  const code = certificate === undefined ? undefined : namedNode(certificate);
  if (certificate === undefined || code === undefined)
    return refuse('CERTIFICATE_UNNAMED', 'no single urn:mla:node: name');
  const member = memberByCode(manifest, code);
  if (member?.status !== 'ACTIVE') return refuse('CERTIFICATE_NOT_A_MEMBER', code);
  const digest = keyUnder(certificate, member.tls.ca, chain);
  if (digest === undefined) return refuse('CERTIFICATE_WRONG_ISSUER', `not issued by the authority of ${code}`);
  const pin = member.tls.spki_sha256.find(({ sha256 }) => sha256 === digest);
  if (pin === undefined || !isValidAround(pin, nowMs)) {
    return refuse('CERTIFICATE_NOT_PINNED', `key ${digest} is not pinned for ${code}`);
  }
  return accept(code);
}

// Every live session is looked at again and again, because keys end and manifests come; who issued a certificate is as it was.
const issued = new WeakMap<X509Certificate, { readonly ca: string; readonly spki: string }>();

/**
 * The digest of a certificate's key, if an authority issued it.
 * @param ca the authority's certificate, DER in base64
 */
function keyUnder(
  certificate: X509Certificate,
  ca: string,
  chain: readonly X509Certificate[] | undefined,
): string | undefined {
  const known = issued.get(certificate);
  if (known?.ca === ca) return known.spki;
  if (!isIssuedUnder(certificate, new X509Certificate(Buffer.from(ca, 'base64')), chain)) return undefined;
  const spki = spkiSha256(certificate);
  issued.set(certificate, { ca, spki });
  return spki;
}

/**
 * The one node that a certificate names. Node writes other kinds of name that contain a comma in quotes, so a name cannot pretend to be
 * two.
 */
export function namedNode(certificate: X509Certificate): JurisdictionCode | undefined {
  const names = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:urn:mla:node:'));
  const code = names.length === 1 ? names[0]!.slice('URI:urn:mla:node:'.length) : '';
  return isJurisdictionCode(code) ? code : undefined;
}

/** The certificates in a PEM file, in its order: a node's own, then the authorities between it and the root. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Whether an authority issued a certificate, by way of intermediate ones where there are any.
 * @param chain the intermediate certificates; by default those that came in the handshake
 */
export function isIssuedUnder(
  certificate: X509Certificate,
  authority: X509Certificate,
  chain?: readonly X509Certificate[],
): boolean {
  let current: X509Certificate | undefined = certificate;
  for (let depth = 0; current !== undefined && depth < MAX_CHAIN; depth++) {
    const subject: X509Certificate = current;
    if (isIssuedBy(subject, authority)) return true;
    const issuer: X509Certificate | undefined =
      chain?.find((item) => item.subject === subject.issuer) ?? subject.issuerCertificate;
    // Only a chain that its own signatures carry leads anywhere.
    if (issuer === undefined || !issuer.ca || !isIssuedBy(subject, issuer)) return false;
    current = issuer.fingerprint256 === subject.fingerprint256 ? undefined : issuer;
  }
  return false;
}

/** Whether a certificate can be the authority in a manifest: OpenSSL trusts one that another has issued only together with that one. */
export function isRoot(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
