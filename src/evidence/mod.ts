export { EvidenceError, type EvidenceErrorCode } from './error.ts';
export { FileObjects } from './file-objects.ts';
export { TAG_BYTES as SEAL_BYTES, verifyGeometry } from './geometry.ts';
export type { ObjectStore } from './object-store.ts';
export type { Receiving } from './receiving.ts';
export { Vault, type FileLabel, type OnBytes } from './vault.ts';
export { itemFaults } from './certificate.ts';
export {
  MAX_CUSTODY,
  VerifiedCustody,
  appendCustody,
  custodyFaults,
  mergeCustody,
  type CustodyDraft,
  type CustodyKeys,
  type CustodySigner,
} from './custody.ts';
export { openS3Objects, type S3Key, type S3Place } from './s3-objects.ts';
export { exportCase, type CaseExhibit, type CaseFile } from './case-export.ts';
export { caseFaults, parseCaseGraph } from './case-graph.ts';
export { importCase } from './case-import.ts';
export { parseHashList, type ListedAlgorithm, type ListedFile } from './hash-list.ts';
