import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { accept, isJurisdictionCode, refuse, utf8ToBytes, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import { MAX_JWE_CHARS, decodeCompact, encodeSegment, partsDigest } from './compact.ts';
import { concatKdf } from './concat-kdf.ts';
import type { SealingReason } from './reason.ts';

/** The public half of a recipient's `encrypt` key. */
export interface RecipientKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** X25519. */
  readonly publicKey: KeyObject;
}

/** What opens messages: a private `encrypt` key, wherever it is kept. */
export interface DecryptionKey {
  /**
   * The shared secret with an X25519 public key.
   * @throws for a public key of small order
   */
  agree(publicKey: KeyObject): Uint8Array;
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
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly sealedDigest: Uint8Array;
}

/** What makes two sealings of one message differ: fresh for each. */
export interface SealingRandomness {
  /** An X25519 private key. */
  readonly ephemeral: KeyObject;
  /** 12 bytes. */
  readonly iv: Uint8Array;
}

const HEADER = new RegExp(
  '^\\{"alg":"ECDH-ES","enc":"A256GCM","kid":"([A-Za-z0-9_-]{43})","typ":"mla-sealed\\+jwe","cty":"mla-message\\+jws",' +
    '"epk":\\{"kty":"OKP","crv":"X25519","x":"([A-Za-z0-9_-]{43})"\\},"apu":"([A-Za-z0-9_-]{3,8})","apv":"([A-Za-z0-9_-]{3,8})"\\}$',
);
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals a JWS to one recipient: a compact JWE with ECDH-ES over X25519 in direct key agreement, and AES-256-GCM.
 * @see RFC 7516 §7.1, RFC 7518 §4.6 and §5.3, RFC 8037 §3.2
 */
export function sealMessage(
  jws: string,
  to: { readonly key: RecipientKey; readonly from: JurisdictionCode; readonly to: JurisdictionCode },
): SealedMessage {
  const ephemeral = generateKeyPairSync('x25519').privateKey;
  return sealMessageWith(jws, to, { ephemeral, iv: randomBytes(IV_BYTES) });
}

/** Seals with chosen randomness, for published vectors only: reusing a pair reveals the messages. */
export function sealMessageWith(
  jws: string,
  to: { readonly key: RecipientKey; readonly from: JurisdictionCode; readonly to: JurisdictionCode },
  { ephemeral, iv }: SealingRandomness,
): SealedMessage {
  const x = createPublicKey(ephemeral).export({ format: 'jwk' }).x!;
  const [apu, apv] = [utf8ToBytes(to.from), utf8ToBytes(to.to)];
  const header =
    `{"alg":"ECDH-ES","enc":"A256GCM","kid":"${to.key.kid}","typ":"mla-sealed+jwe","cty":"mla-message+jws",` +
    `"epk":{"kty":"OKP","crv":"X25519","x":"${x}"},"apu":"${encodeSegment(apu)}","apv":"${encodeSegment(apv)}"}`;
  const protectedSegment = encodeSegment(header);
  const secret = diffieHellman({ privateKey: ephemeral, publicKey: to.key.publicKey });
  const cipher = createCipheriv('aes-256-gcm', concatKdf(secret, 'A256GCM', 32, apu, apv), iv);
  cipher.setAAD(Buffer.from(protectedSegment, 'latin1'));
  const ciphertext = cipher.update(jws, 'latin1');
  cipher.final();
  const tag = cipher.getAuthTag();
  const sealed = `${protectedSegment}..${encodeSegment(iv)}.${encodeSegment(ciphertext)}.${encodeSegment(tag)}`;
  return { sealed, sealedDigest: partsDigest([utf8ToBytes(header), new Uint8Array(0), iv, ciphertext, tag]) };
}

/**
 * Opens a sealed message. The caller compares `from`, `to` and `kid` with what it expects.
 * @param keyFor the private key of that name, if the node holds it; asked only after the grammar was checked
 */
export function openMessage(
  sealed: string,
  keyFor: (kid: string) => DecryptionKey | undefined,
): Verdict<OpenedMessage, SealingReason> {
  if (sealed.length > MAX_JWE_CHARS) return refuse('TOO_LARGE', `${sealed.length} characters`);
  const parts = decodeCompact(sealed, 5);
  if (parts === undefined) return refuse('JWE_MALFORMED', 'not five segments of base64url');
  const [header, encryptedKey, iv, ciphertext, tag] = parts as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const match = HEADER.exec(Buffer.from(header).toString('latin1'));
  if (match === null || encryptedKey.length !== 0 || iv.length !== IV_BYTES || tag.length !== TAG_BYTES) {
    return refuse('JWE_MALFORMED', 'not the header of the profile');
  }
  const [, kid, x, apuText, apvText] = match as unknown as [string, string, string, string, string];
  const [apu, apv] = [Buffer.from(apuText, 'base64url'), Buffer.from(apvText, 'base64url')];
  const [from, to] = [apu.toString('latin1'), apv.toString('latin1')];
  const canonical = apu.toString('base64url') === apuText && apv.toString('base64url') === apvText;
  if (!canonical || !isJurisdictionCode(from) || !isJurisdictionCode(to)) {
    return refuse('JWE_PARTY_INVALID', 'apu or apv is not a jurisdiction code');
  }
  if (Buffer.from(x, 'base64url').toString('base64url') !== x) return refuse('JWE_MALFORMED', 'epk is not canonical');
  const key = keyFor(kid);
  if (key === undefined) return refuse('JWE_KEY_UNKNOWN', kid);
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    const secret = key.agree(publicKey);
    // A low-order epk gives a secret of all zeros (RFC 7748 §6.1). OpenSSL refuses it by itself; other keepers of keys may not.
    if (secret.every((byte) => byte === 0)) return refuse('JWE_DECRYPT_FAILED', kid);
    const decipher = createDecipheriv('aes-256-gcm', concatKdf(secret, 'A256GCM', 32, apu, apv), iv, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(sealed.slice(0, sealed.indexOf('.')), 'latin1'));
    decipher.setAuthTag(tag);
    const plaintext = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    return accept({ jws: plaintext.toString('latin1'), kid, from, to, sealedDigest: partsDigest(parts) });
  } catch {
    return refuse('JWE_DECRYPT_FAILED', kid);
  }
}

/** The digest of a JWE over its decoded parts. */
export function sealedDigest(sealed: string): Verdict<Uint8Array, SealingReason> {
  if (sealed.length > MAX_JWE_CHARS) return refuse('TOO_LARGE', `${sealed.length} characters`);
  const parts = decodeCompact(sealed, 5);
  return parts === undefined ? refuse('JWE_MALFORMED', 'not five segments of base64url') : accept(partsDigest(parts));
}
