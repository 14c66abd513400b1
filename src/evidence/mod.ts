export { EvidenceError, type EvidenceErrorCode } from './error.ts';
export { FileObjects } from './file-objects.ts';
export { verifyGeometry } from './geometry.ts';
export type { ObjectStore } from './object-store.ts';
export type { Receiving } from './receiving.ts';
export { Vault, type FileLabel, type OnBytes } from './vault.ts';
export { CERTIFICATE_RULES, itemFaults } from './certificate.ts';
export {
  appendCustody,
  custodyBytes,
  custodyFaults,
  type CustodyDraft,
  type CustodyKeys,
  type CustodySigner,
} from './custody.ts';
