import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import {
  accept,
  parseBase64url,
  randomFew,
  refuse,
  utf8ToBytes,
  type JurisdictionCode,
  type Suite,
  type Verdict,
} from '../base/mod.ts';
import { MAX_JWE_CHARS, encodeSegment, partsDigest } from './compact.ts';
import { concatKdf } from './concat-kdf.ts';
import { hybridKdf } from './hybrid-kdf.ts';
import { ALGORITHMS, IV_BYTES, TAG_BYTES, partyInfo, readSealed, sealedHeader, unpackSealed } from './jwe-grammar.ts';
import { encapsulate, type DecapsulationKey } from './ml-kem.ts';
import type { SealingReason } from './reason.ts';

/** The public half of a recipient's `encrypt` key. */
export interface RecipientKey {
  /** RFC 7638 thumbprint of the X25519 key. */
  readonly kid: string;
  /** X25519. */
  readonly publicKey: KeyObject;
  /** ML-KEM-768, 1,184 bytes; without it nothing can be sealed to it in suite 2. */
  readonly kem?: Uint8Array | undefined;
}

/** What opens messages: a private `encrypt` key, wherever it is kept. */
export interface DecryptionKey {
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The shared secret with an X25519 public key.
   * @throws for a public key of small order
   */
  agree(publicKey: KeyObject): Uint8Array;
  /** The ML-KEM-768 key beside it; without it nothing of suite 2 opens. */
  readonly kem?: DecapsulationKey | undefined;
}

/** A sealed message as it travels, and the digest that ledger entries commit to. */
export interface SealedMessage {
  readonly sealed: string;
  readonly sealedDigest: Uint8Array;
}

/** What was inside a sealed message. Nothing of it is verified yet but that it was sealed to this key, for these parties. */
export interface OpenedMessage {
  readonly jws: string;
  readonly kid: string;
  readonly suite: Suite;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly sealedDigest: Uint8Array;
}

/** Whom a message is sealed to, and how. */
export interface Sealing {
  readonly key: RecipientKey;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  /** 1 where it is left out. */
  readonly suite?: Suite;
}

/** What makes two sealings of one message differ: fresh for each. */
export interface SealingRandomness {
  /** An X25519 private key. */
  readonly ephemeral: KeyObject;
  /** 12 bytes. */
  readonly iv: Uint8Array;
  /** 32 bytes, for ML-KEM; used in suite 2 only, and made where it is left out. */
  readonly encapsulation?: Uint8Array;
}

/** What one message is sealed under, and nothing else is. */
export interface Agreement {
  /** The protected header. */
  readonly header: string;
  /** The ML-KEM ciphertext in suite 2; empty in suite 1. */
  readonly encryptedKey: Uint8Array;
  /** 32 bytes. */
  readonly contentKey: Uint8Array;
}

/**
 * Seals a JWS to one recipient: a compact JWE with AES-256-GCM, its content key agreed directly with X25519 (suite 1), or with ML-KEM-768
 * and X25519 together (suite 2).
 * @throws {TypeError} for suite 2 and a key without ML-KEM
 * @see RFC 7516 §7.1, RFC 7518 §4.6 and §5.3, RFC 8037 §3.2, FIPS 203
 */
export function sealMessage(jws: string, to: Sealing): SealedMessage {
  return sealUnder(agreeWith(to), jws);
}

/**
 * The first half of sealing, which does not depend on the message: a fresh ephemeral key, and the content key agreed with it.
 * @throws {TypeError} for suite 2 and a key without ML-KEM
 */
export function agreeWith(to: Sealing): Agreement {
  return agree(to, ephemeralKey());
}

/** The second half. An agreement is for one message. */
export function sealUnder(agreement: Agreement, jws: string): SealedMessage {
  return seal(agreement, jws, randomFew(IV_BYTES));
}

/** Seals with chosen randomness, for published vectors only: reusing it reveals the messages. */
export function sealMessageWith(jws: string, to: Sealing, randomness: SealingRandomness): SealedMessage {
  const epk = createPublicKey(randomness.ephemeral).export({ format: 'jwk' }).x!;
  return seal(agree(to, { ...randomness, epk }), jws, randomness.iv);
}

/**
 * An X25519 key for one message, and its public half in base64url, which is asked for as the key is made: Node locks a key while it
 * exports it, and if memory is collected at that moment, the leftovers of the making want the same lock, and the process waits for itself.
 */
function ephemeralKey(): { readonly ephemeral: KeyObject; readonly epk: string } {
  const encoding = { publicKeyEncoding: { format: 'jwk' } };
  // The types know of both halves encoded, or of none.
  const made = (generateKeyPairSync as unknown as GenerateX25519)('x25519', encoding);
  return { ephemeral: made.privateKey, epk: made.publicKey.x };
}

type GenerateX25519 = (
  type: 'x25519',
  options: { readonly publicKeyEncoding: { readonly format: string } },
) => { readonly privateKey: KeyObject; readonly publicKey: { readonly x: string } };

function agree(
  { key, from, to, suite = 1 }: Sealing,
  { ephemeral, epk, encapsulation }: Omit<SealingRandomness, 'iv'> & { readonly epk: string },
): Agreement {
  const [apu, apv] = [partyInfo(from), partyInfo(to)];
  const header = sealedHeader(suite, key.kid, epk, apu, apv);
  const secret = diffieHellman({ privateKey: ephemeral, publicKey: key.publicKey });
  let encryptedKey: Uint8Array = new Uint8Array(0);
  let contentKey: Uint8Array;
  if (suite === 1) {
    contentKey = concatKdf(secret, 'A256GCM', 32, apu, apv);
  } else {
    if (key.kem === undefined) throw new TypeError(`the key ${key.kid} has no ML-KEM half`);
    const kem = { ...encapsulate(key.kem, encapsulation ?? randomBytes(32)), publicKey: key.kem };
    const publicKey = parseBase64url(key.publicKey.export({ format: 'jwk' }).x!);
    const dh = { secret, ephemeral: parseBase64url(epk), publicKey };
    encryptedKey = kem.ciphertext;
    contentKey = hybridKdf(ALGORITHMS[suite], { kem, dh }, apu, apv);
  }
  return { header, encryptedKey, contentKey };
}

function seal({ header, encryptedKey, contentKey }: Agreement, jws: string, iv: Uint8Array): SealedMessage {
  const protectedSegment = encodeSegment(header);
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv);
  cipher.setAAD(Buffer.from(protectedSegment, 'latin1'));
  const ciphertext = cipher.update(jws, 'latin1');
  cipher.final();
  const parts = [encryptedKey, iv, ciphertext, cipher.getAuthTag()];
  const sealed = [protectedSegment, ...parts.map((part) => encodeSegment(part))].join('.');
  return { sealed, sealedDigest: partsDigest([utf8ToBytes(header), ...parts]) };
}

/**
 * Opens a sealed message of either suite. The caller compares `kid` and `suite` with what it expects, and `from` and `to` where it gives no
 * parties.
 * @param keyFor the private key of that name, if the node holds it; asked only after the grammar was checked
 * @param parties between whom it has to be; one between others is not opened
 */
export function openMessage(
  sealed: string,
  keyFor: (kid: string) => DecryptionKey | undefined,
  parties?: { readonly from: string; readonly to: string },
): Verdict<OpenedMessage, SealingReason> {
  if (sealed.length > MAX_JWE_CHARS) return refuse('TOO_LARGE', `${sealed.length} characters`);
  const read = readSealed(sealed);
  if (!read.ok) return read;
  const { suite, kid, epk, from, to, apu, apv, kemCiphertext, iv, ciphertext, tag, digest } = read.value;
  if (parties !== undefined && (from !== parties.from || to !== parties.to))
    return refuse('JWE_PARTY_INVALID', `sealed from ${from} to ${to}`);
  const key = keyFor(kid);
  if (key === undefined || (suite === 2 && key.kem === undefined)) return refuse('JWE_KEY_UNKNOWN', kid);
  try {
    const secret = key.agree(createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: epk }, format: 'jwk' }));
    // A low-order epk gives a secret of all zeros (RFC 7748 §6.1). OpenSSL refuses it by itself; other keepers of keys may not.
    if (secret.every((byte) => byte === 0)) return refuse('JWE_DECRYPT_FAILED', kid);
    let contentKey: Uint8Array;
    if (suite === 1) {
      contentKey = concatKdf(secret, 'A256GCM', 32, apu, apv);
    } else {
      const half = key.kem!;
      const kem = { secret: half.decapsulate(kemCiphertext), ciphertext: kemCiphertext, publicKey: half.publicKey };
      const dh = { secret, ephemeral: parseBase64url(epk), publicKey: key.publicKey };
      contentKey = hybridKdf(ALGORITHMS[suite], { kem, dh }, apu, apv);
    }
    const decipher = createDecipheriv('aes-256-gcm', contentKey, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(sealed.slice(0, sealed.indexOf('.')), 'latin1'));
    decipher.setAuthTag(tag);
    const plaintext = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    return accept({ jws: plaintext.toString('latin1'), kid, suite, from, to, sealedDigest: digest });
  } catch {
    return refuse('JWE_DECRYPT_FAILED', kid);
  }
}

/** The digest of a JWE over its decoded parts. */
export function sealedDigest(sealed: string): Verdict<Uint8Array, SealingReason> {
  if (sealed.length > MAX_JWE_CHARS) return refuse('TOO_LARGE', `${sealed.length} characters`);
  const segments = unpackSealed(sealed);
  if (segments === undefined) return refuse('JWE_MALFORMED', 'not five segments of base64url');
  return accept(segments.digest);
}
