/**
 * The federation manifest: who the members are, where they are reached, and which keys are theirs at which time. Keys stay listed after
 * their end, so that a signature can be judged as of when it was made.
 */
import type { JurisdictionCode, OkpJwk, Suite } from '../base/mod.ts';

/** When a key may be used; Unix milliseconds, the end exclusive. */
export interface KeyValidity {
  readonly not_before: number;
  readonly not_after: number;
  /** From when on the key must not be believed. */
  readonly revoked_at?: number;
  readonly reason?: string;
}

/** A signing or encryption key. */
export interface MemberKey extends KeyValidity {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly jwk: OkpJwk;
}

/** A key that messages are sealed to. */
export interface EncryptKey extends MemberKey {
  /** The ML-KEM-768 encapsulation key that belongs to it, in base64url; without it nothing can be sealed to it in suite 2. */
  readonly mlkem768?: string;
}

/** A ledger or witness key. */
export interface NoteKey extends KeyValidity {
  readonly vkey: string;
}

/** The SHA-256 of a TLS certificate's SubjectPublicKeyInfo. */
export interface TlsPin extends KeyValidity {
  /** base64url. */
  readonly sha256: string;
}

/** What a member says of itself: everything but its status. */
export interface MemberStatement {
  readonly code: JurisdictionCode;
  readonly name: string;
  readonly authority: string;
  /** `wss:` URL, or empty for a member that only dials out. */
  readonly endpoint: string;
  readonly tls: {
    /** The member's own certificate authority: DER in base64. */
    readonly ca: string;
    readonly spki_sha256: readonly TlsPin[];
  };
  readonly sign: readonly MemberKey[];
  readonly encrypt: readonly EncryptKey[];
  /** `keys` once there has been more than one: all of them, oldest first; `vkey` is the newest. */
  readonly ledger: { readonly origin: string; readonly vkey: string; readonly keys?: readonly NoteKey[] };
  readonly witness: { readonly name: string; readonly vkey: string; readonly keys?: readonly NoteKey[] };
  readonly limits: { readonly max_message_bytes: number; readonly max_evidence_bytes: number };
  /** The least suite that messages to and from it are sealed in, where that is more than everybody’s. */
  readonly minimums?: { readonly suite: Suite };
}

/** A jurisdiction in the federation. */
export interface Member extends MemberStatement {
  readonly status: MemberStatus;
}

/** Only an active member takes part; the others stay listed for auditors. */
export type MemberStatus = 'ACTIVE' | 'SUSPENDED' | 'LEFT';

/** The keys that decide about the federation, and how many of them it takes. */
export interface Council {
  readonly threshold: number;
  readonly keys: readonly MemberKey[];
}

/** The federation at one version. */
export interface Manifest {
  readonly version: number;
  readonly issued_at: number;
  readonly expires_at: number;
  readonly council: Council;
  readonly minimums: { readonly protocol: number; readonly suite: Suite };
  readonly members: readonly Member[];
}

/** The manifest's payload. */
export function encodeManifest(manifest: Manifest): string {
  return JSON.stringify(manifest);
}

/** The member with this code, whatever its status. */
export function memberByCode(manifest: Manifest, code: JurisdictionCode): Member | undefined {
  return manifest.members.find((member) => member.code === code);
}
