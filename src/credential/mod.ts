export {
  encodeCredential,
  encodeStaffKey,
  faultsOf,
  generateStaffKey,
  isSignedBy,
  parseCredential,
  parseStaffKey,
  parseStatement,
  personId,
  registration,
  signStatement,
  type Credential,
  type Registration,
  type SignedStatement,
  type Statement,
} from './credential.ts';
export type { CredentialErrorCode } from './error.ts';
export { Challenges, isProvedBy, parsePresented, presentCredential, type SignedRequest } from './proof.ts';
export { AGENCIES, ROLES, type Agency, type Clearance, type Role } from './role.ts';
