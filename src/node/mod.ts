export { bundleSource } from './bundle-source.ts';
export {
  createCouncil,
  enrolMember,
  fingerprintOf,
  installManifest,
  signDraft,
  signedManifestPath,
} from './council.ts';
export type { NodeErrorCode } from './error.ts';
export { initNode, type InitOptions } from './init.ts';
export { ledgerKeyOf, witnessKeyOf } from './keyring.ts';
export { createLog, type Log } from './log.ts';
export { Node, openNodeStorage, type NodeOptions, type NodeStorage } from './node.ts';
