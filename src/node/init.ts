import { X509Certificate } from 'node:crypto';
import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  bytesToJwk,
  makeFolder,
  replaceFile,
  systemClock,
  type Clock,
  type JurisdictionCode,
  type Suite,
} from '../base/mod.ts';
import {
  ConfigError,
  nodePaths,
  parseNodeConfig,
  type NodeConfig,
  type NodeConfigFile,
  type NodePaths,
  type TokenConfig,
} from '../config/mod.ts';
import { Ledger, encodeVerifierKey } from '../ledger/mod.ts';
import { openStore } from '../store/mod.ts';
import {
  generateNodeKeys,
  signEnrolment,
  spkiSha256,
  type KeyProvider,
  type MemberStatement,
  type NodeCertificates,
} from '../trust/mod.ts';
import { formatOf } from '../wire/mod.ts';
import { NodeError } from './error.ts';
import { aloneIn } from './folder-lock.ts';
import { KEY_DAYS, endpointHost, kemEntry } from './key-rotation.ts';
import { ledgerKeyOf, witnessKeyOf, writeKeyring } from './keyring.ts';

/** What a new node is told. */
export interface InitOptions {
  readonly code: JurisdictionCode;
  readonly dir: string;
  /** Name of the jurisdiction and of its central authority. */
  readonly name: string;
  readonly authority: string;
  /** `wss://host:port/federation`, or empty for a node that only dials out. */
  readonly endpoint: string;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  /** Schemeless name that the ledger and the witness go under, such as `mla.example/ledger`. */
  readonly origin: string;
  readonly passphrase: string | undefined;
  /** The token that keys go to, where they are not all to be files; `keepPin` keeps its PIN under the data key. */
  readonly token?: (TokenConfig & { readonly pin: string; readonly keepPin: boolean }) | undefined;
  /** The least suite for messages to and from this node; 1 by default. */
  readonly suite?: Suite;
  readonly clock?: Clock;
}

const DAY_MS = 24 * 3_600_000;
const PUBLIC_MODE = 0o644;
// As in a manifest.
const MAX_NAME = 1000;

/**
 * Makes a node's directory: keys, certificate, configuration, an empty store and ledger, and the enrolment for the council.
 * @throws {NodeError} NODE_EXISTS, NODE_INCOMPLETE, NODE_FOLDER_BUSY
 * @throws {ConfigError} CONFIG_INVALID
 */
export async function initNode(options: InitOptions): Promise<NodeConfig> {
  const paths = nodePaths(options.dir);
  const file: NodeConfigFile = {
    version: 1,
    code: options.code,
    name: options.name,
    authority: options.authority,
    endpoint: options.endpoint,
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ledger_origin: `${options.origin}/ledger`,
    witness_name: `${options.origin}/witness`,
    ...(options.token === undefined ? {} : { pkcs11: { module: options.token.module, token: options.token.token } }),
  };
  const config = parseNodeConfig(file, paths.dir, 'The new configuration');
  requireNames(config);
  await requireNoNode(paths);
  makeFolder(paths.dir);
  return aloneIn(paths.dir, () => makeNode(options, file, config));
}

async function makeNode(options: InitOptions, file: NodeConfigFile, config: NodeConfig): Promise<NodeConfig> {
  const { clock = systemClock } = options;
  const { paths } = config;
  // Another may have been made while this one waited for its turn.
  await requireNoNode(paths);
  const made = await generateNodeKeys(options.code, endpointHost(options.endpoint), clock.nowMs());
  const { dataKey, keys, prove } = await writeKeyring(config, made, {
    passphrase: options.passphrase,
    token: options.token && { config: config.pkcs11!, ...options.token },
  });
  const [ledgerKey] = keys.ledger;
  const store = await openStore(paths.store, dataKey);
  try {
    const ledger = await Ledger.create({
      storage: store,
      key: ledgerKeyOf(config, ledgerKey!),
      sign: (message) => ledgerKey!.sign(message),
      headFile: paths.head,
      folder: paths.ledger,
      onPublishError: () => undefined,
    });
    await ledger.close();
  } finally {
    await store.close();
  }
  const { certificates } = made;
  const statement = statementOf(config, keys, certificates, options.suite ?? 1, clock.nowMs());
  const enrolment = signEnrolment(statement, certificates.tls, prove);
  await replaceFile(paths.enrolment, enrolment, PUBLIC_MODE);
  // Last, so that a directory with a configuration is a whole one.
  await replaceFile(paths.config, `${JSON.stringify(file, undefined, 2)}\n`, PUBLIC_MODE);
  return config;
}

async function requireNoNode(paths: NodePaths): Promise<void> {
  if (await exists(paths.config)) throw new NodeError('NODE_EXISTS', `${paths.dir} holds a node already.`);
  for (const path of [paths.keys, paths.store])
    if (await exists(path))
      throw new NodeError(
        'NODE_INCOMPLETE',
        `${paths.dir} holds a part of a node, without ${basename(paths.config)}: what an “init” left that was interrupted, and then nobody has its enrolment and it can be removed; or a node that has lost that file.`,
      );
}

/** What the council would refuse is said before keys are made that nobody could enrol. */
function requireNames(config: NodeConfig): void {
  const { wants, matches } = formatOf('name');
  for (const member of ['name', 'authority'] as const)
    if (!matches(config[member]) || config[member].length > MAX_NAME)
      throw new ConfigError('CONFIG_INVALID', `The new configuration: ${member} must be ${wants}.`);
}

function statementOf(
  config: NodeConfig,
  keys: KeyProvider,
  certificates: NodeCertificates,
  suite: Suite,
  nowMs: number,
): MemberStatement {
  const validity = { not_before: nowMs - DAY_MS, not_after: nowMs + KEY_DAYS * DAY_MS };
  const [sign, encrypt, ledger, witness] = [keys.sign[0]!, keys.encrypt[0]!, keys.ledger[0]!, keys.witness[0]!];
  return {
    code: config.code,
    name: config.name,
    authority: config.authority,
    endpoint: config.endpoint,
    tls: {
      ca: new X509Certificate(certificates.ca).raw.toString('base64'),
      spki_sha256: [{ sha256: spkiSha256(new X509Certificate(certificates.tls)), ...validity }],
    },
    sign: [{ kid: sign.kid, jwk: bytesToJwk('Ed25519', sign.publicKey), ...validity }],
    encrypt: [
      {
        kid: encrypt.kid,
        jwk: bytesToJwk('X25519', encrypt.publicKey),
        ...kemEntry(encrypt.kem?.publicKey),
        ...validity,
      },
    ],
    ledger: { origin: config.ledgerOrigin, vkey: encodeVerifierKey(ledgerKeyOf(config, ledger)) },
    witness: { name: config.witnessName, vkey: encodeVerifierKey(witnessKeyOf(config, witness)) },
    limits: { max_message_bytes: config.limits.maxMessageBytes, max_evidence_bytes: config.limits.maxEvidenceBytes },
    ...(suite === 1 ? {} : { minimums: { suite } }),
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
