/** A node's store and ledger: opened and checked before anything else, and all that a stopped node is read by. */
import { codeOf, noFailpoint, type Failpoint } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { Ledger, type LedgerOptions } from '../ledger/mod.ts';
import { openStore, type Put, type Store } from '../store/mod.ts';
import type { KeyProvider } from '../trust/mod.ts';
import { ledgerSignersOf, readKeyring } from './keyring.ts';
import type { Log } from './log.ts';

/** A node's store and ledger without its connections: what is needed to read a node that is stopped. */
export interface NodeStorage {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly keys: KeyProvider;
  /** Every record as it rests, encrypted, all of one moment. */
  readonly records: () => AsyncIterable<Put>;
  readonly close: () => Promise<void>;
  /** Closes it as it is, for who only looked, or does not start: the ledger's files are not brought up to date. */
  readonly release: () => Promise<void>;
}

/** Who is told what happens in a node's storage, and what a test asks of it. */
export interface StorageOptions {
  readonly log?: Log | undefined;
  readonly failpoint?: Failpoint | undefined;
  readonly onAppend?: LedgerOptions['onAppend'];
  readonly storeShare?: number | undefined;
}

// A start that takes longer tells how far it is.
const REPORT_INTERVAL_MS = 1000;

/**
 * Opens a node's store and checks its ledger.
 * @throws {NodeError} NODE_INCOMPLETE
 * @throws {StoreError} STORE_LOCKED while another process has it open, and all others
 * @throws {LedgerError}
 */
export async function openNodeStorage(
  config: NodeConfig,
  passphrase: string | undefined,
  options: StorageOptions = {},
): Promise<NodeStorage> {
  const { log, failpoint = noFailpoint, onAppend, storeShare } = options;
  const start = performance.now();
  let reportAt = start + REPORT_INTERVAL_MS;
  const { dataKey, keys } = await readKeyring(config, passphrase);
  const store = await openStore(config.paths.store, dataKey, { failpoint, share: storeShare });
  try {
    const ledger = await Ledger.open(
      {
        storage: store,
        ...ledgerSignersOf(config, keys),
        headFile: config.paths.head,
        folder: config.paths.ledger,
        onPublishError: (error) => log?.('warn', 'ledger.publish_failed', { code: codeOf(error) }),
        failpoint,
        onAppend,
      },
      (done, total) => {
        if (performance.now() < reportAt) return;
        reportAt = performance.now() + REPORT_INTERVAL_MS;
        log?.('info', 'ledger.verifying', { done, total });
      },
    );
    log?.('info', 'ledger.verified', { entries: ledger.size, ms: Math.round(performance.now() - start) });
    const close = async (): Promise<void> => {
      try {
        await ledger.close();
        failpoint('stop.drained');
      } finally {
        await store.close();
      }
    };
    const release = async (): Promise<void> => {
      await ledger.release();
      await store.close();
    };
    return { store, ledger, keys, records: () => store.records(), close, release };
  } catch (error) {
    await store.close();
    throw error;
  }
}
