export { MAX_JWE_CHARS, MAX_JWS_CHARS } from './compact.ts';
export { concatKdf } from './concat-kdf.ts';
export {
  agreeWith,
  openMessage,
  sealMessage,
  sealMessageWith,
  sealUnder,
  sealedDigest,
  type Agreement,
  type DecryptionKey,
  type OpenedMessage,
  type RecipientKey,
  type Sealing,
  type SealedMessage,
  type SealingRandomness,
} from './jwe.ts';
export { readSigned, type SignedParts } from './jws-grammar.ts';
export {
  signMessage,
  signedDigest,
  verifyMessage,
  type SignedMessage,
  type SigningKey,
  type VerifiedMessage,
} from './jws.ts';
export { decapsulationKey, type DecapsulationKey } from './ml-kem.ts';
export type { SealingReason } from './reason.ts';
