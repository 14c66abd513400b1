/**
 * Certificate signing requests, for a jurisdiction whose own PKI issues the certificate of its node.
 * @see RFC 2986; RFC 2985 §5.4.2
 */
import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import type { JurisdictionCode } from '../base/mod.ts';
import { nodeUri } from './certificate.ts';

/** Kinds of TLS key that a node makes. */
export const TLS_KEY_TYPES = ['rsa', 'p256', 'ed25519'] as const;
export type TlsKeyType = (typeof TLS_KEY_TYPES)[number];

const COMMON_NAME = '2.5.4.3';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const ED25519 = '1.3.101.112';

/**
 * A request, in PEM, for a certificate that names the node.
 * @param host name or address in the endpoint; empty for a node that only dials out
 */
export async function signCertificateRequest(options: {
  readonly code: JurisdictionCode;
  readonly host: string;
  readonly key: KeyObject;
}): Promise<string> {
  const { code, host, key } = options;
  // Read when there is one to make: few nodes ever do, and all would load the whole of ASN.1 whenever they start.
  const [
    { Attributes, CertificationRequest, CertificationRequestInfo },
    { AsnConvert, OctetString },
    {
      AlgorithmIdentifier,
      Attribute,
      AttributeTypeAndValue,
      AttributeValue,
      Extension,
      Extensions,
      GeneralName,
      Name,
      RelativeDistinguishedName,
      SubjectAlternativeName,
      SubjectPublicKeyInfo,
      id_ce_subjectAltName,
    },
  ] = await Promise.all([import('@peculiar/asn1-csr'), import('@peculiar/asn1-schema'), import('@peculiar/asn1-x509')]);
  const hostName = isIP(host) === 0 ? new GeneralName({ dNSName: host }) : new GeneralName({ iPAddress: host });
  const names = new SubjectAlternativeName([
    new GeneralName({ uniformResourceIdentifier: nodeUri(code) }),
    ...(host === '' ? [] : [hostName]),
  ]);
  const extensions = new Extensions([
    new Extension({ extnID: id_ce_subjectAltName, extnValue: new OctetString(AsnConvert.serialize(names)) }),
  ]);
  const commonName = new AttributeValue({ utf8String: `Rogatory node ${code}` });
  const info = new CertificationRequestInfo({
    subject: new Name([
      new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value: commonName })]),
    ]),
    subjectPKInfo: AsnConvert.parse(createPublicKey(key).export({ format: 'der', type: 'spki' }), SubjectPublicKeyInfo),
    attributes: new Attributes([
      new Attribute({ type: EXTENSION_REQUEST, values: [AsnConvert.serialize(extensions)] }),
    ]),
  });
  const isEdwards = key.asymmetricKeyType === 'ed25519';
  const signature = sign(isEdwards ? null : 'sha256', Buffer.from(AsnConvert.serialize(info)), key);
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: new AlgorithmIdentifier(algorithmOf(key)),
    signature: Uint8Array.from(signature).buffer,
  });
  const base64 = Buffer.from(AsnConvert.serialize(request)).toString('base64');
  const lines = base64.replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** RSA's identifier has a NULL for parameters, the others have none. @see RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3 */
function algorithmOf(key: KeyObject): Partial<AlgorithmIdentifier> {
  if (key.asymmetricKeyType === 'rsa') return { algorithm: SHA256_WITH_RSA, parameters: null };
  return { algorithm: key.asymmetricKeyType === 'ed25519' ? ED25519 : ECDSA_WITH_SHA256 };
}
