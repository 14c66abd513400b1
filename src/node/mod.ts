export { backupOf, restoreBackup } from './backup.ts';
export type { BundleRequest } from './bundle-request.ts';
export { bundleOf } from './bundle-source.ts';
export {
  OVERLAP_DAYS,
  amendDraft,
  createCouncil,
  enrolMember,
  signDraft,
  signedManifestPath,
  updateMember,
  verifySigned,
} from './council.ts';
export { councilPublicPath, readCouncilPublicKey, writeCouncilKey } from './council-key.ts';
export { diagnose, type Diagnosis, type RunningNode } from './doctor.ts';
export type { NodeErrorCode } from './error.ts';
export { dueEndings, endingText, endingsOf, type Ending } from './expiry.ts';
export { HEALTH_CODES, healthOf, type Health, type HealthFinding } from './health.ts';
export { initNode, type InitOptions } from './init.ts';
export { rewrapKeyring, witnessKeyOf } from './keyring.ts';
export type { HeldKey } from './held-keys.ts';
export { keyDesk, keysAt, rotateAt, withKeyDesk } from './key-desk.ts';
export { DEFAULT_TIMES, type Rotation, type RotationTimes } from './key-rotation.ts';
export { createLog, type Log } from './log.ts';
export { installCertificate, requestCertificate, type InstalledCertificate } from './national-certificate.ts';
export { fingerprintOf, installManifest, requireFingerprint } from './manifest-install.ts';
export { beginEpoch, type BegunEpoch } from './new-epoch.ts';
export { stateOf, takeHead, type RestoredState } from './restore.ts';
export { witnessingOf, witnessingText, type Witnessing } from './witnessing.ts';
export { Node, type NodeOptions } from './node.ts';
export { openNodeStorage, type NodeStorage } from './node-storage.ts';
export { withStoppedStaff } from './stopped-staff.ts';
