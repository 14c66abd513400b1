import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { isJurisdictionCode, type JurisdictionCode } from '../base/mod.ts';
import { ConfigError } from './error.ts';
import { parseEvidence, parseRetention, type EvidenceConfig, type RetentionConfig } from './evidence-config.ts';
import { parseLimits, type NodeLimits } from './limits.ts';
import { isIntegerIn, isObject, members } from './member-reader.ts';
import { nodePaths, type NodePaths } from './node-paths.ts';

/** Everything a node is told from outside, secrets apart. Frozen: nothing changes it while the node runs. */
export interface NodeConfig {
  readonly code: JurisdictionCode;
  /** Name of the jurisdiction, and of its central authority, for people. */
  readonly name: string;
  readonly authority: string;
  /** Where peers reach this node: a `wss:` URL, or empty when it only dials out. */
  readonly endpoint: string;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  /** Where the ledger is served read-only to anyone, if it is. */
  readonly ledgerListen: { readonly host: string; readonly port: number } | undefined;
  /** Where metrics are served in the clear, if they are: an address of this machine. */
  readonly metricsListen: { readonly host: string; readonly port: number } | undefined;
  /** Names of the ledger and of the witness: schemeless URLs, never to be changed. */
  readonly ledgerOrigin: string;
  readonly witnessName: string;
  /** So many peers have to vouch for an entry; undefined for more than half of them. */
  readonly witnessThreshold: number | undefined;
  /** SHA-256 of the first manifest's payload, exchanged out of band; undefined before the node joined a federation. */
  readonly manifestFingerprint: string | undefined;
  readonly limits: NodeLimits;
  readonly retention: RetentionConfig;
  readonly evidence: EvidenceConfig;
  /** Where the keys are that need not be files; undefined when all of them are files. */
  readonly pkcs11: TokenConfig | undefined;
  readonly logLevel: LogLevel;
  readonly paths: NodePaths;
}

/** A token behind PKCS #11. */
export interface TokenConfig {
  /** Absolute path of the module's library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
}

/** Least severe events that are logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The members of `node.json`. */
export interface NodeConfigFile {
  readonly version: 1;
  readonly code: string;
  readonly name: string;
  readonly authority: string;
  readonly endpoint: string;
  readonly listen?: { readonly host: string; readonly port: number };
  readonly ledger_listen?: { readonly host: string; readonly port: number };
  readonly metrics_listen?: { readonly host?: string; readonly port: number };
  readonly ledger_origin: string;
  readonly witness_name: string;
  readonly witness_threshold?: number;
  readonly manifest_fingerprint?: string;
  readonly limits?: {
    readonly max_message_bytes?: number;
    readonly max_evidence_bytes?: number;
    readonly credit?: number;
    readonly hit_queries_per_hour?: number;
    readonly hit_identifiers_per_day?: number;
  };
  readonly retention?: { readonly erase_automatically?: boolean };
  readonly evidence?: {
    readonly quota_bytes?: number;
    readonly media_types?: readonly string[];
    readonly s3?: {
      readonly endpoint?: string;
      readonly region?: string;
      readonly bucket: string;
      readonly prefix?: string;
      readonly path_style?: boolean;
    };
  };
  readonly pkcs11?: TokenConfig;
  readonly log_level?: LogLevel;
}

const MEMBERS = [
  'version',
  'code',
  'name',
  'authority',
  'endpoint',
  'listen',
  'ledger_listen',
  'metrics_listen',
  'ledger_origin',
  'witness_name',
  'witness_threshold',
  'manifest_fingerprint',
  'limits',
  'retention',
  'evidence',
  'pkcs11',
  'log_level',
];
const LOOPBACK = '127.0.0.1';
const UNREADABLE: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EACCES: 'permission denied',
};
const LOG_LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

/**
 * Reads a node's `node.json`; `ROGATORY_LOG_LEVEL` in the environment prevails over the file.
 * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_INVALID
 */
export function loadNodeConfig(file: string, env: Readonly<Record<string, string | undefined>>): NodeConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = UNREADABLE[(cause as NodeJS.ErrnoException).code ?? ''];
    throw new ConfigError('CONFIG_UNREADABLE', `Cannot read ${file}${why === undefined ? '' : `: ${why}`}.`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw new ConfigError('CONFIG_INVALID', `${file} is not JSON: ${reason}.`, { cause });
  }
  const level = env['ROGATORY_LOG_LEVEL'];
  if (level !== undefined && level !== '' && !LOG_LEVELS.includes(level))
    throw new ConfigError(
      'CONFIG_INVALID',
      `ROGATORY_LOG_LEVEL in the environment must be one of ${LOG_LEVELS.join(', ')}.`,
    );
  const withEnvironment = isObject(json) && level !== undefined && level !== '' ? { ...json, log_level: level } : json;
  return parseNodeConfig(withEnvironment, dirname(resolve(file)), file);
}

/**
 * Checks the members of `node.json` and fills in the defaults.
 * @param dir the node's directory
 * @param source what to call the configuration in messages
 * @throws {ConfigError} CONFIG_INVALID
 */
export function parseNodeConfig(json: unknown, dir: string, source: string): NodeConfig {
  const faults: string[] = [];
  const root = members(json, '', MEMBERS, faults);
  if (root['version'] !== 1) faults.push('version must be 1');
  const code = root['code'];
  if (typeof code !== 'string' || !isJurisdictionCode(code))
    faults.push('code must be a jurisdiction code such as IT or GB-SCT');
  for (const name of ['name', 'authority']) {
    if (typeof root[name] !== 'string' || root[name] === '') faults.push(`${name} must be a text`);
  }
  const endpoint = root['endpoint'];
  if (endpoint !== '' && !(typeof endpoint === 'string' && isEndpoint(endpoint))) {
    faults.push('endpoint must be a wss: URL that ends in /federation, or empty');
  }
  for (const name of ['ledger_origin', 'witness_name']) {
    if (typeof root[name] !== 'string' || !/^(?!.*:\/\/)[^\s+]{1,255}$/.test(root[name]))
      faults.push(`${name} must be a URL without its scheme, with neither spaces nor plus signs`);
  }
  const threshold = root['witness_threshold'];
  if (threshold !== undefined && !isIntegerIn(threshold, 1, 1000))
    faults.push('witness_threshold must be a number of peers, from 1 to 1000');
  const fingerprint = root['manifest_fingerprint'];
  if (fingerprint !== undefined && !(typeof fingerprint === 'string' && /^[0-9a-f]{64}$/.test(fingerprint))) {
    faults.push('manifest_fingerprint must be 64 lower-case hexadecimal digits');
  }
  const listen = parseListen(root['listen'], 'listen', faults);
  const ledgerListen = parseListen(root['ledger_listen'], 'ledger_listen', faults);
  const metricsListen = parseListen(root['metrics_listen'], 'metrics_listen', faults, LOOPBACK);
  const limits = parseLimits(root['limits'], faults);
  const retention = parseRetention(root['retention'], faults);
  const evidence = parseEvidence(root['evidence'], String(code), faults);
  const pkcs11 = parseToken(root['pkcs11'], faults);
  const logLevel = root['log_level'] ?? 'info';
  if (typeof logLevel !== 'string' || !LOG_LEVELS.includes(logLevel))
    faults.push(`log_level must be one of ${LOG_LEVELS.join(', ')}`);
  if (faults.length > 0) throw new ConfigError('CONFIG_INVALID', `${source}: ${faults.join('; ')}.`);
  return Object.freeze({
    code: code as JurisdictionCode,
    name: root['name'] as string,
    authority: root['authority'] as string,
    endpoint: endpoint as string,
    listen,
    ledgerListen,
    metricsListen,
    ledgerOrigin: root['ledger_origin'] as string,
    witnessName: root['witness_name'] as string,
    witnessThreshold: threshold as number | undefined,
    manifestFingerprint: fingerprint as string | undefined,
    limits,
    retention,
    evidence,
    pkcs11,
    logLevel: logLevel as LogLevel,
    paths: nodePaths(dir),
  });
}

/** Whether a URL can be a node's endpoint. */
export function isEndpoint(text: string): boolean {
  return /^wss:\/\/[^/?#@\s]+\/federation$/.test(text) && URL.canParse(text);
}

function parseListen(json: unknown, name: string, faults: string[], defaultHost?: string): NodeConfig['listen'] {
  if (json === undefined) return undefined;
  const { host = defaultHost, port } = members(json, `${name}.`, ['host', 'port'], faults);
  if (typeof host !== 'string' || host === '') faults.push(`${name}.host must be an address to listen on`);
  if (!isIntegerIn(port, 0, 65_535)) faults.push(`${name}.port must be a port number`);
  return { host: host as string, port: port as number };
}

function parseToken(json: unknown, faults: string[]): TokenConfig | undefined {
  if (json === undefined) return undefined;
  const { module: path, token } = members(json, 'pkcs11.', ['module', 'token'], faults);
  if (typeof path !== 'string' || !isAbsolute(path))
    faults.push('pkcs11.module must be the absolute path of a library');
  if (typeof token !== 'string' || !/^[^\s](.{0,30}[^\s])?$/u.test(token))
    faults.push('pkcs11.token must be a label of at most 32 characters');
  return { module: path as string, token: token as string };
}
