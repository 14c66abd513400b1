export { EvidenceError, type EvidenceErrorCode } from './error.ts';
export { FileObjects } from './file-objects.ts';
export { verifyGeometry } from './geometry.ts';
export type { ObjectStore } from './object-store.ts';
export type { Receiving } from './receiving.ts';
export { Vault, type FileLabel, type OnBytes } from './vault.ts';
export { itemFaults } from './certificate.ts';
export { appendCustody, custodyFaults, type CustodyDraft, type CustodyKeys, type CustodySigner } from './custody.ts';
