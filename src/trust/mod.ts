export {
  verifyIssuedCertificate,
  type IssuedCertificate,
  type IssuedCertificateRefusal,
} from './issued-certificate.ts';
export { TLS_KEY_TYPES, signCertificateRequest, type TlsKeyType } from './certificate-request.ts';
export { addMember, changeCouncil, revokeKey, setMemberStatus, setMinimumSuite } from './amendment.ts';
export { issueCertificates, issueTlsCertificate } from './certificate.ts';
export { draftManifest, generateCouncilKey, mergeSignatures, signManifest } from './council.ts';
export { applyKeyUpdate, signKeyUpdate, verifyKeyUpdate, type KeyUpdate, type UpdatedKey } from './key-update.ts';
export { signEnrolment, verifyEnrolment, type EnrolmentRefusal } from './enrolment.ts';
export {
  KEY_USES,
  type AgreementKey,
  type KeyProvider,
  type KeySubject,
  type KeySet,
  type KeyUse,
  type MadeKey,
  type ProvePossession,
  type SignatureKey,
  type TlsKey,
} from './key-provider.ts';
export { TrustError, type CertificateRefusal, type KeyObjection, type TrustErrorCode } from './error.ts';
export { fingerprintDigits, isFingerprintOf } from './fingerprint.ts';
export { diffManifests, type ManifestChange } from './manifest-diff.ts';
export {
  encodeManifest,
  memberByCode,
  type Council,
  type EncryptKey,
  type KeyValidity,
  type Manifest,
  type Member,
  type MemberKey,
  type MemberStatement,
  type MemberStatus,
  type NoteKey,
  type TlsPin,
} from './manifest.ts';
export { parseManifest, parseMemberKey, parseMemberStatement } from './manifest-reader.ts';
export {
  isSignedByThese,
  verifyManifest,
  type ManifestAnchor,
  type ManifestRefusal,
  type VerifiedManifest,
} from './manifest-signature.ts';
export { CLOCK_TOLERANCE_MS, currentEncryptKey, requiredSuite, signKeyAt, validityObjection } from './member-key.ts';
export { allLedgerKeys, keysAround, keysAt, ledgerKeysOf, witnessKeysOf, type ListedKey } from './note-key.ts';
export {
  encodePrivateKey,
  generateKey,
  generateNodeKeys,
  parsePrivateKey,
  provePossession,
  provesWith,
  publicJwk,
  type NodeCertificates,
  type NodeKeys,
} from './node-keys.ts';
export {
  certificatesIn,
  isIssuedUnder,
  isRoot,
  spkiOf,
  spkiSha256,
  verifyPeerCertificate,
} from './peer-certificate.ts';
export { rawPublicKey, signWithX25519, verifyWithX25519 } from './possession.ts';
export { certificatesOf, clientTlsOptions, serverTlsOptions } from './tls-options.ts';
