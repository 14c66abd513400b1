export { dataFolder, parseDataDocument, readDataFolder, type DataDocument, type DataKind } from './data-folder.ts';
export { ConfigError, type ConfigErrorCode } from './error.ts';
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
  type TokenConfig,
} from './node-config.ts';
export { loadObjectStoreKey, loadPassphrase, loadPin, type ObjectStoreKey } from './secrets.ts';
