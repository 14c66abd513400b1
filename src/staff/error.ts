import { RogatoryError } from '../base/mod.ts';

/** Why a person of this node is refused, or cannot be registered. */
export type StaffErrorCode =
  /** Staff is registered at this node, and the command came without a credential. */
  | 'STAFF_CREDENTIAL_REQUIRED'
  /** The office key of this node did not sign it: forged, changed, or another office's. */
  | 'STAFF_CREDENTIAL_FORGED'
  /** This node never issued it, or not in the history that it has now. */
  | 'STAFF_CREDENTIAL_UNKNOWN'
  | 'STAFF_CREDENTIAL_EXPIRED'
  | 'STAFF_CREDENTIAL_REVOKED'
  /** The request is not signed by the credential's key over this node's challenge, or the challenge was used before. */
  | 'STAFF_PROOF_INVALID'
  /** None of the person's roles allows it. */
  | 'STAFF_ROLE_MISSING'
  /** The case is not one that the person needs to know. */
  | 'STAFF_CASE_NOT_ASSIGNED'
  /** Nobody approves, assigns or registers for themselves. */
  | 'STAFF_OWN_ACT'
  /** A message leaves this node by two people: as a draft, and by another person's approval. */
  | 'STAFF_TWO_PEOPLE'
  /** No draft, task or person with this name here, or none that this person may see. */
  | 'STAFF_UNKNOWN'
  /** The draft was sent or rejected, or the task answered, already. */
  | 'STAFF_ALREADY_DECIDED'
  /** A registration or a task that breaks its rules; the message lists every fault. */
  | 'STAFF_INVALID';

/** A refusal of an act of this node's own people. */
export class StaffError extends RogatoryError<StaffErrorCode> {}

/** The refusal of a credential that was revoked. */
export function revokedError(why: string): StaffError {
  return new StaffError('STAFF_CREDENTIAL_REVOKED', `This credential was revoked: ${why}.`);
}
