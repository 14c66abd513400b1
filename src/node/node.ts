/** The composition root: a node out of its configuration, and the order in which it starts and stops. */
import { X509Certificate, randomBytes } from 'node:crypto';
import { codeOf, systemClock, systemTimers, type Clock, type Failpoint } from '../base/mod.ts';
import { clocksOf, parseRegistry, parseStates, refusalRulesOf } from '../casework/mod.ts';
import { dataFolder, readDataFolder, type NodeConfig, type ObjectStoreKey } from '../config/mod.ts';
import { Exchange, recordedKeys, type ExchangeEvent } from '../exchange/mod.ts';
import { Challenges } from '../credential/mod.ts';
import type { DeskContext } from '../staff/mod.ts';
import type { TlsKey } from '../trust/mod.ts';
import { LedgerServer, Transport, type LedgerServerOptions, type SessionTimes } from '../transport/mod.ts';
import type { Limits } from '../wire/mod.ts';
import type { Vault } from '../evidence/mod.ts';
import { acceptanceOf, openVault } from './evidence-vault.ts';
import { ExpiryWatch } from './expiry-watch.ts';
import { endingsOf, type Ending } from './expiry.ts';
import { createLog, type Log } from './log.ts';
import { startingManifest } from './manifest-file.ts';
import { MetricsServer } from './metrics-server.ts';
import type { Metrics } from './metrics.ts';
import { openNodeStorage, type NodeStorage } from './node-storage.ts';
import { OwnKeys } from './own-keys.ts';
import { boundYoungSpace } from './young-space.ts';

/** What a node is started with. */
export interface NodeOptions {
  readonly config: NodeConfig;
  readonly passphrase: string | undefined;
  /** For a store of evidence that speaks S3. */
  readonly objectStoreKey?: ObjectStoreKey | undefined;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly times?: SessionTimes;
  readonly witnessIntervalMs?: number;
  /** Told of every step of persistence and of sending, so that a test can end the process there. */
  readonly failpoint?: Failpoint;
  /** Part of their usual size at which the store's segments are full, so that a test sees many: 1 by default. */
  readonly storeShare?: number | undefined;
  /** Told once when the process has to end and recover from disk. */
  readonly onFatal: (error: unknown) => void;
}

// What a message is made of is longer than half of Node's pool of 8 KiB, and would each be allocated by itself: that costs more than
// filling it. A node holds on to none of these buffers.
const BUFFER_POOL_BYTES = 65_536;

/** A running node. */
export class Node {
  readonly config: NodeConfig;
  readonly exchange: Exchange;
  readonly transport: Transport;
  readonly storage: NodeStorage;
  readonly ledgerServer: LedgerServer | undefined;
  readonly metricsServer: MetricsServer | undefined;
  readonly ownKeys: OwnKeys;
  readonly startedAt: number;
  readonly clock: Clock;
  /** What the work of this node's people needs, and the challenges that they prove themselves by. */
  readonly staff: DeskContext;
  readonly challenges = new Challenges(systemTimers);
  /** What ends of this node, of its peers and of the federation. */
  readonly endings: () => Ending[];
  readonly #expiryWatch: ExpiryWatch;
  readonly #vault: Vault;
  readonly #log: Log;

  private constructor(
    config: NodeConfig,
    parts: {
      readonly exchange: Exchange;
      readonly transport: Transport;
      readonly storage: NodeStorage;
      readonly ledgerServer: LedgerServer | undefined;
      readonly metricsServer: MetricsServer | undefined;
      readonly vault: Vault;
      readonly ownKeys: OwnKeys;
      readonly endings: () => Ending[];
      readonly expiryWatch: ExpiryWatch;
      readonly log: Log;
      readonly clock: Clock;
    },
    startedAt: number,
  ) {
    this.config = config;
    this.exchange = parts.exchange;
    this.transport = parts.transport;
    this.storage = parts.storage;
    this.ledgerServer = parts.ledgerServer;
    this.metricsServer = parts.metricsServer;
    this.#vault = parts.vault;
    this.ownKeys = parts.ownKeys;
    this.endings = parts.endings;
    this.#expiryWatch = parts.expiryWatch;
    this.#log = parts.log;
    this.clock = parts.clock;
    this.startedAt = startedAt;
    this.staff = {
      code: config.code,
      origin: config.ledgerOrigin,
      store: parts.storage.store,
      ledger: parts.storage.ledger,
      clock: parts.clock,
      random: (bytes) => randomBytes(bytes),
      exchange: parts.exchange,
      commit: (plan) => parts.exchange.commit(plan),
      parentOf: async (id) => (await parts.exchange.cases(id)).find(({ parent_id: parent }) => parent)?.parent_id,
    };
  }

  /**
   * Starts a node: store, ledger, manifest, exchange, then its connections.
   * @throws {NodeError} {StoreError} {LedgerError} {TransportError}
   */
  static async start(options: NodeOptions): Promise<Node> {
    const { config, passphrase, clock = systemClock } = options;
    Buffer.poolSize = BUFFER_POOL_BYTES;
    boundYoungSpace();
    const log = options.log ?? createLog(config.logLevel, clock, (line) => process.stderr.write(line));
    const metrics = config.metricsListen === undefined ? undefined : await createMetrics();
    const storage = await openNodeStorage(config, passphrase, {
      log,
      failpoint: options.failpoint,
      storeShare: options.storeShare,
      onAppend: (report) => metrics?.onAppend(report),
    });
    let ledgerServer: LedgerServer | undefined;
    let metricsServer: MetricsServer | undefined;
    let vault: Vault | undefined;
    let transport: Transport | undefined;
    let expiryWatch: ExpiryWatch | undefined;
    let watched: OwnKeys | undefined;
    let exchanging: Exchange | undefined;
    try {
      const { store, ledger, keys } = storage;
      const data = dataFolder(process.env);
      const registry = parseRegistry(readDataFolder(data, 'treaties'));
      const states = parseStates(readDataFolder(data, 'states'));
      const { verified, fresh, waiting } = await startingManifest(config, keys, store, clock.nowMs());
      const recorded = await recordedKeys({ store });
      const own = new OwnKeys({ config, keys, clock, manifest: verified.manifest, recorded });
      watched = own;
      vault = await openVault(config, options.objectStoreKey);
      const exchange = new Exchange({
        code: config.code,
        store,
        ledger,
        manifest: verified,
        signKey: () => own.current.sign,
        decryptKey: (kid) => keys.encrypt.find((key) => key.kid === kid),
        limits: limitsOf(config),
        queryLimits: {
          queriesPerHour: config.limits.hitQueriesPerHour,
          identifiersPerDay: config.limits.hitIdentifiersPerDay,
        },
        erasesAutomatically: config.retention.eraseAutomatically,
        clock,
        witness: () => own.witness,
        onManifest: () => {
          lookAtKeys().catch(options.onFatal);
          expiryWatch?.look();
        },
        witnessIntervalMs: options.witnessIntervalMs,
        refusalRules: refusalRulesOf(registry),
        clockRules: (matter, atMs) => clocksOf(matter, registry, states, atMs),
        failpoint: options.failpoint,
        evidence: { vault, acceptance: acceptanceOf(config) },
        onFatal: options.onFatal,
        onBatch: (report) => metrics?.onBatch(report),
      });
      exchanging = exchange;
      const presentTls = (): void => {
        transport?.certificateChanged();
        ledgerServer?.setTls(pemOf(own.current.tls));
      };
      const lookAtKeys = (): Promise<void> =>
        own.watch(exchange, {
          onSwitch: (uses) => {
            log('info', 'keys.switched', { uses });
            if (uses.includes('tls')) presentTls();
          },
          onRenewal: () => {
            log('info', 'keys.certificate_renewed', { kid: own.current.tls.kid });
            presentTls();
          },
          onRenewalFailed: (error) => {
            log('error', 'keys.certificate_not_renewed', { code: codeOf(error) });
          },
          onFailure: options.onFatal,
        });
      for (const manifest of fresh) await exchange.recordManifest(manifest);
      if (waiting !== undefined) log('warn', 'node.manifest_waiting', { version: waiting, code: 'MANIFEST_SKIPS' });
      await lookAtKeys();
      await exchange.publishCosignatures();
      exchange.subscribe((event) => {
        metrics?.onExchange(event);
        // What a message is about stays inside it: a log names no case and no kind of step.
        const level = event.kind === 'INCIDENT' ? 'error' : WARNINGS.has(event.kind) ? 'warn' : 'info';
        log(level, `exchange.${event.kind.toLowerCase()}`, logFields(event));
      });
      // Messages need no evidence: a store that is away when the node starts, or says nothing, is tidied at its next start.
      const isAway = (await vault.storeFault()) !== undefined;
      if (isAway) log('warn', 'evidence.store_failed', { code: 'EVIDENCE_STORE_FAILED' });
      else
        await exchange.evidence.recover().catch((error: unknown) => {
          if (codeOf(error) !== 'EVIDENCE_STORE_FAILED') throw error;
          log('warn', 'evidence.store_failed', { code: codeOf(error) });
        });
      if (config.ledgerListen !== undefined)
        ledgerServer = await LedgerServer.open(ledgerServerOptions(config.ledgerListen, config, own.current.tls));
      if (config.metricsListen !== undefined && metrics !== undefined)
        metricsServer = await MetricsServer.open(config.metricsListen, metrics.registry);
      const opened = await Transport.open({
        code: config.code,
        exchange,
        tlsKeys: () => own.tlsKeys(exchange.manifest),
        clock,
        listen: config.listen,
        failpoint: options.failpoint,
        ...(options.times === undefined ? {} : { times: options.times }),
        onEvent: (event) => {
          metrics?.onTransport(event);
          const { kind, ...fields } = event;
          log(kind === 'CONNECTION_REFUSED' ? 'warn' : 'info', `transport.${kind.toLowerCase()}`, fields);
        },
      });
      transport = opened;
      const endings = (): Ending[] => {
        const certificate = new X509Certificate(own.current.tls.certificate);
        return endingsOf(
          exchange.manifest,
          [{ owner: config.code, certificate }, ...opened.peerCertificates()],
          clock.nowMs(),
        );
      };
      expiryWatch = new ExpiryWatch(endings, log);
      metrics?.start({ exchange, ledger, transport: opened, endings });
      log('info', 'node.started', {
        code: config.code,
        port: opened.port,
        entries: ledger.size,
        manifest: verified.manifest.version,
      });
      const servers = { transport: opened, ledgerServer, metricsServer };
      const parts = { exchange, ...servers, storage, vault, ownKeys: own, endings, expiryWatch, log, clock };
      return new Node(config, parts, clock.nowMs());
    } catch (error) {
      await watched?.stop();
      await ledgerServer?.close();
      await metricsServer?.close();
      await transport?.close();
      await exchanging?.close();
      await vault?.close();
      await storage.release();
      throw error;
    }
  }

  /** The certificate in PEM that peers are shown. */
  ownCertificate(): string {
    return this.ownKeys.current.tls.certificate;
  }

  /** Why evidence cannot be kept or read just now; undefined when it can. */
  evidenceFault(): Promise<string | undefined> {
    return this.#vault.storeFault();
  }

  /** Drains and stops: no new sessions, running steps finish, the ledger's files are brought up to date, the store is closed. */
  async stop(): Promise<void> {
    await this.ledgerServer?.close();
    await this.metricsServer?.close();
    await this.transport.close();
    this.#expiryWatch.stop();
    await this.ownKeys.stop();
    await this.exchange.close();
    await this.#vault.close();
    await this.storage.close();
    this.#log('info', 'node.stopped', { code: this.config.code });
  }
}

const WARNINGS: ReadonlySet<string> = new Set(['EVIDENCE_POSTPONED', 'CLOCK_OVERDUE', 'CLOCK_ESCALATED']);
const LOGGED = ['peer', 'index', 'message_id', 'seq', 'file_id', 'started_by', 'code'];

function logFields(event: ExchangeEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([name]) => LOGGED.includes(name)));
}

function ledgerServerOptions(
  listen: NonNullable<NodeConfig['ledgerListen']>,
  config: NodeConfig,
  key: TlsKey,
): LedgerServerOptions {
  return { ...listen, ...pemOf(key), folder: config.paths.ledger };
}

function pemOf({ privateKey, certificate }: TlsKey): { readonly cert: string; readonly key: string } {
  return { cert: certificate, key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

function limitsOf({ limits }: NodeConfig): Limits {
  return {
    max_message_bytes: limits.maxMessageBytes,
    max_evidence_bytes: limits.maxEvidenceBytes,
    credit: limits.credit,
  };
}

// Loaded only where somebody asks for them: it takes as long as opening the store.
async function createMetrics(): Promise<Metrics> {
  const module = await import('./metrics.ts');
  return new module.Metrics();
}
