export { dataFolder, parseDataDocument, readDataFolder, type DataDocument, type DataKind } from './data-folder.ts';
export { ConfigError, type ConfigErrorCode } from './error.ts';
export type { EvidenceConfig, S3Config } from './evidence-config.ts';
export type { NodeLimits } from './limits.ts';
export {
  isEndpoint,
  loadNodeConfig,
  parseNodeConfig,
  type LogLevel,
  type NodeConfig,
  type NodeConfigFile,
  type TokenConfig,
} from './node-config.ts';
export { nodePaths, type NodePaths } from './node-paths.ts';
export { loadObjectStoreKey, loadPassphrase, loadPin, type ObjectStoreKey } from './secrets.ts';
