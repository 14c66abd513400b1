import { createPublicKey, type KeyObject } from 'node:crypto';
import { bytesToHex, parseBase64url, type JurisdictionCode, type Suite } from '../base/mod.ts';
import { epochKeys, type VerifierKey } from '../ledger/mod.ts';
import {
  allLedgerKeys,
  currentEncryptKey,
  keysAround,
  ledgerKeysOf,
  memberByCode,
  signKeyAt,
  witnessKeysOf,
  type ListedKey,
  type Manifest,
  type Member,
  type VerifiedManifest,
} from '../trust/mod.ts';
import type { RecipientKey } from '../sealing/mod.ts';

/** The federation as the manifest in force describes it, with its keys ready for use. */
export class Directory {
  #verified: VerifiedManifest;
  readonly #keyObjects = new Map<string, KeyObject>();
  readonly #noteKeys = new Map<string, ListedKey[]>();
  // Of peers whose ledger has begun again. What the store holds of it is told at every Hello, before anything else of a session.
  readonly #epochs = new Map<string, number>();

  constructor(verified: VerifiedManifest) {
    this.#verified = verified;
  }

  /** The manifest in force, as it was verified. */
  get verified(): VerifiedManifest {
    return this.#verified;
  }

  get manifest(): Manifest {
    return this.#verified.manifest;
  }

  /** SHA-256 of the manifest's payload. */
  get digest(): Uint8Array {
    return this.#verified.digest;
  }

  /** The signed file, as it travels. */
  get text(): string {
    return this.#verified.text;
  }

  /** Puts a newer manifest in force; the caller has made it durable. */
  replace(verified: VerifiedManifest): void {
    this.#verified = verified;
    this.#noteKeys.clear();
  }

  member(code: JurisdictionCode): Member | undefined {
    return memberByCode(this.manifest, code);
  }

  /** From now on the member's ledger is read in this epoch. */
  follow(code: JurisdictionCode, epoch: number): void {
    this.#epochs.set(code, epoch);
  }

  /** The epoch in which the member's ledger is read. */
  epoch(code: JurisdictionCode): number {
    return this.#epochs.get(code) ?? 1;
  }

  /**
   * The keys under which a checkpoint that the member shows now is to be believed, in the present epoch of its ledger, newest first.
   * @throws {TypeError} for a code that is not a member's: ask `member` first
   */
  ledgerKeys(code: JurisdictionCode, nowMs: number): VerifierKey[] {
    return epochKeys(this.listedLedgerKeys(code, nowMs), this.epoch(code));
  }

  /**
   * The same keys as the manifest lists them: those of the ledger's first epoch.
   * @throws {TypeError} for a code that is not a member's: ask `member` first
   */
  listedLedgerKeys(code: JurisdictionCode, nowMs: number): VerifierKey[] {
    return keysAround(this.#listed(code, 'ledger', ledgerKeysOf), nowMs);
  }

  /**
   * The keys under which a cosignature that the member shows now is to be believed, newest first.
   * @throws {TypeError} for a code that is not a member's: ask `member` first
   */
  witnessKeys(code: JurisdictionCode, nowMs: number): VerifierKey[] {
    return keysAround(this.#listed(code, 'witness', witnessKeysOf), nowMs);
  }

  /** Every key that has ever signed for the member's ledger, as the manifest lists it: to recognise an old statement, not to believe a new one. */
  everyLedgerKey(code: JurisdictionCode): VerifierKey[] {
    const member = this.member(code);
    return member === undefined ? [] : allLedgerKeys(member);
  }

  #listed(code: JurisdictionCode, use: string, read: (member: Member) => ListedKey[]): ListedKey[] {
    const id = `${use}/${code}`;
    let keys = this.#noteKeys.get(id);
    if (keys === undefined) {
      const member = this.member(code);
      if (member === undefined) throw new TypeError(`${code} is not a member`);
      keys = read(member);
      this.#noteKeys.set(id, keys);
    }
    return keys;
  }

  /** The member's signing key of that name, whatever its validity. */
  signKey(member: Member, kid: string): KeyObject | undefined {
    const key = member.sign.find((candidate) => candidate.kid === kid);
    return key === undefined ? undefined : this.#keyObject(key.jwk);
  }

  /** Why the member's signing key was not to be used at `timeMs`; undefined when it was. */
  signKeyObjection(member: Member, kid: string, timeMs: number): string | undefined {
    const verdict = signKeyAt(member, kid, timeMs);
    return verdict.ok ? undefined : verdict.reason;
  }

  /** From when on the member's signing key is revoked, in Unix milliseconds. */
  revokedAt(member: Member, kid: string): number | undefined {
    return member.sign.find((key) => key.kid === kid)?.revoked_at;
  }

  /** The key that messages to the member are sealed to in a suite, if it has a valid one. */
  recipientKey(member: Member, nowMs: number, suite: Suite): RecipientKey | undefined {
    const key = currentEncryptKey(member, nowMs, suite);
    if (key === undefined) return undefined;
    const kem = suite === 1 || key.mlkem768 === undefined ? undefined : parseBase64url(key.mlkem768);
    return { kid: key.kid, publicKey: this.#keyObject(key.jwk), kem };
  }

  // Importing a key costs more than verifying with it.
  #keyObject(jwk: { readonly kty: string; readonly crv: string; readonly x: string }): KeyObject {
    const id = `${jwk.crv}:${jwk.x}`;
    let key = this.#keyObjects.get(id);
    if (key === undefined) {
      key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
      this.#keyObjects.set(id, key);
    }
    return key;
  }

  /** For logs and status: the digest as hexadecimal. */
  get fingerprint(): string {
    return bytesToHex(this.digest);
  }
}
