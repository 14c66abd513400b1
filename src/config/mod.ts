export { dataFolder, parseDataDocument, readDataFolder, type DataDocument, type DataKind } from './data-folder.ts';
export type { ConfigErrorCode } from './error.ts';
export {
  isEndpoint,
  loadNodeConfig,
  nodePaths,
  parseNodeConfig,
  type EvidenceConfig,
  type LogLevel,
  type NodeConfig,
  type NodeConfigFile,
  type NodeLimits,
  type NodePaths,
  type S3Config,
} from './node-config.ts';
export { loadObjectStoreKey, loadPassphrase, type ObjectStoreKey } from './secrets.ts';
