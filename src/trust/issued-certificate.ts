import type { X509Certificate } from 'node:crypto';
import { accept, refuse, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import { certificatesIn, isIssuedUnder, isRoot, namedNode, spkiSha256 } from './peer-certificate.ts';

/** Why a certificate that an authority issued is not one for this node. */
export type IssuedCertificateRefusal =
  | 'NO_CERTIFICATE'
  | 'ANOTHER_KEY'
  | 'ANOTHER_NODE'
  | 'NOT_VALID_NOW'
  | 'NOT_A_ROOT'
  | 'ANOTHER_AUTHORITY'
  | 'NOT_FOR_TLS';

/** A node's certificate as it is to be used. */
export interface IssuedCertificate {
  /** SHA-256 of the SubjectPublicKeyInfo in base64url. */
  readonly kid: string;
  /** PEM: the certificate, then those between it and the authority. */
  readonly certificate: string;
  /** PEM of the authority alone. */
  readonly authority: string;
  /** Unix milliseconds. */
  readonly notAfter: number;
}

const USES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/**
 * Checks a certificate before a node relies on it: everything that a peer would refuse is found here.
 * @param pem the certificate, and the intermediate ones behind it in any order
 * @param authorityPem the root that the manifest is to name
 * @param kids the TLS keys that the node holds
 */
export function verifyIssuedCertificate(
  pem: string,
  authorityPem: string,
  { code, kids, nowMs }: { readonly code: JurisdictionCode; readonly kids: readonly string[]; readonly nowMs: number },
): Verdict<IssuedCertificate, IssuedCertificateRefusal> {
  let certificates: X509Certificate[];
  let authority: X509Certificate | undefined;
  try {
    certificates = certificatesIn(pem);
    [authority] = certificatesIn(authorityPem);
  } catch {
    return refuse('NO_CERTIFICATE', 'a certificate cannot be read');
  }
  const own = certificates.find((item) => kids.includes(spkiSha256(item)));
  if (authority === undefined || certificates.length === 0)
    return refuse('NO_CERTIFICATE', 'there is none in the file');
  if (own === undefined) return refuse('ANOTHER_KEY', 'no certificate is for a TLS key of this node');
  const named = namedNode(own);
  if (named !== code)
    return refuse('ANOTHER_NODE', `it names ${named ?? 'no node, or several'}, not urn:mla:node:${code}`);
  if (!isRoot(authority))
    return refuse(
      'NOT_A_ROOT',
      'the authority is itself issued by another: it belongs into the file of the certificate',
    );
  const chain = chainFrom(own, certificates, authority);
  if (chain === undefined || !isIssuedUnder(own, authority, chain.slice(1)))
    return refuse('ANOTHER_AUTHORITY', 'no chain leads from it to the authority');
  const invalid = [...chain, authority].find((item) => nowMs < Date.parse(item.validFrom) || nowMs >= endOf(item));
  if (invalid !== undefined)
    return refuse(
      'NOT_VALID_NOW',
      `number ${invalid.serialNumber} is valid from ${invalid.validFrom} to ${invalid.validTo}`,
    );
  // Without the extension every use is allowed.
  const uses = own.keyUsage as readonly string[] | undefined;
  if (uses !== undefined && !(uses.includes(USES.server) && uses.includes(USES.client)))
    return refuse('NOT_FOR_TLS', 'its extended key usage has to allow both serverAuth and clientAuth');
  const certificate = chain.map(String).join('');
  return accept({ kid: spkiSha256(own), certificate, authority: authority.toString(), notAfter: endOf(own) });
}

function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

/** The certificate and those between it and the authority, each the issuer of the one before; undefined where one is missing. */
function chainFrom(
  own: X509Certificate,
  all: readonly X509Certificate[],
  authority: X509Certificate,
): X509Certificate[] | undefined {
  const chain = [own];
  while (!chain.at(-1)!.checkIssued(authority)) {
    const issuer = all.find((item) => !chain.includes(item) && chain.at(-1)!.checkIssued(item));
    if (issuer === undefined) return undefined;
    chain.push(issuer);
  }
  return chain;
}
