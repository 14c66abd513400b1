import { RogatoryError } from '../base/mod.ts';
import type { Fault } from '../wire/mod.ts';

/** What can be wrong with what a node trusts. */
export type TrustErrorCode =
  /** A manifest, enrolment or council file breaks the rules of its format; `faults` lists every one. */
  | 'TRUST_MALFORMED'
  /** A member with this code is in the manifest already, with these very keys. */
  | 'TRUST_ALREADY_MEMBER'
  /** No member with this code is in the manifest. */
  | 'TRUST_UNKNOWN_MEMBER'
  /** No key of that name is in the manifest, or the beginning of its name fits several. */
  | 'TRUST_UNKNOWN_KEY'
  /** The key is revoked already, from an earlier time on: a revocation is not taken back. */
  | 'TRUST_ALREADY_REVOKED'
  /** An enrolment of a member names another ledger or witness than the member has had. */
  | 'TRUST_LEDGER_CHANGED'
  /** The council would be left without the keys that its threshold needs. */
  | 'TRUST_COUNCIL_TOO_SMALL'
  /** A suite cannot be made the least one: members that it concerns have no key for it. */
  | 'TRUST_SUITE_UNREADY'
  /** A file is not a key of the council, or cannot be read as one. */
  | 'TRUST_COUNCIL_KEY';

/** Something that is not to be trusted. */
export class TrustError extends RogatoryError<TrustErrorCode> {
  readonly faults: readonly Fault[];

  constructor(
    code: TrustErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly faults?: readonly Fault[] } = {},
  ) {
    super(code, message, options);
    this.faults = options.faults ?? [];
  }
}

/** Why a key was not to be used at a time. */
export type KeyObjection = 'KEY_UNKNOWN' | 'KEY_NOT_YET_VALID' | 'KEY_EXPIRED' | 'KEY_REVOKED';

/** Why a peer's certificate is not accepted. */
export type CertificateRefusal =
  /** No certificate, or one without exactly one `urn:mla:node:` name. */
  | 'CERTIFICATE_UNNAMED'
  /** The named jurisdiction is not an active member. */
  | 'CERTIFICATE_NOT_A_MEMBER'
  /** Not issued by the named jurisdiction's own authority. */
  | 'CERTIFICATE_WRONG_ISSUER'
  /** Its public key is not pinned for the jurisdiction, or the pin is not valid now. */
  | 'CERTIFICATE_NOT_PINNED';
