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
} from './node-config.ts';
export { loadPassphrase } from './secrets.ts';
