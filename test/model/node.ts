import { codeOf, type Clock, type JurisdictionCode } from '../../src/base/mod.ts';
import type { NodeConfig } from '../../src/config/mod.ts';
import { Exchange } from '../../src/exchange/mod.ts';
import { Ledger, newestHead, type LedgerOptions } from '../../src/ledger/mod.ts';
import { ledgerKeyOf, witnessKeyOf } from '../../src/node/keyring.ts';
import type { Batch, Store } from '../../src/store/mod.ts';
import type { KeyProvider, VerifiedManifest } from '../../src/trust/mod.ts';
import { Fuse, MemoryDisk } from '../kit/memory-disk.ts';
import type { Random } from '../kit/random.ts';
import type { ModelTime } from './time.ts';

/** A fault planted on purpose, to see that the model finds it. */
export type Plant = 'ACKNOWLEDGES_BEFORE_COMMIT' | 'FORGETS_NUMBERS' | 'SIGNS_A_SECOND_HISTORY' | 'BACKS_UP_ITS_HEAD';

/** Who a node is; the same for every schedule. */
export interface Identity {
  readonly code: JurisdictionCode;
  readonly config: NodeConfig;
  readonly keys: KeyProvider;
  readonly manifest: VerifiedManifest;
}

/** One process of a node. */
interface Life {
  readonly fuse: Fuse;
  readonly exchange: Exchange;
  readonly ledger: Ledger;
}

const HEAD = '/node/head';

/** A node whose disk and time are the model's, and whose ledger, committer and exchange are the real ones. */
export class ModelNode {
  readonly identity: Identity;
  readonly clock: Clock;
  offsetMs = 0;
  readonly #time: ModelTime;
  readonly #plant: Plant | undefined;
  readonly #haste: Random | undefined;
  readonly #onSigned: (body: Uint8Array) => void;
  readonly #onDeath: () => void;
  #disk = new MemoryDisk();
  #old: Batch | undefined;
  #oldHead: Uint8Array | undefined;
  #life: Life | undefined;
  /** What the process died of, if not of its disk. */
  failure: unknown;
  /** Operations of the disk, to see whether anything is still going on. */
  activity = 0;

  constructor(options: {
    readonly identity: Identity;
    readonly time: ModelTime;
    readonly plant: Plant | undefined;
    /** Decides how long each read of the disk takes, and how long a witness is left in peace; without it no time, and the usual. */
    readonly haste: Random | undefined;
    /** Told of everything that the ledger's key signs. */
    readonly onSigned: (body: Uint8Array) => void;
    readonly onDeath: () => void;
  }) {
    this.identity = options.identity;
    this.#time = options.time;
    this.#plant = options.plant;
    this.#haste = options.haste;
    this.#onSigned = options.onSigned;
    this.#onDeath = options.onDeath;
    this.clock = options.time.clockOf(() => this.offsetMs);
  }

  get code(): JurisdictionCode {
    return this.identity.code;
  }

  /** The running process; undefined while there is none. */
  get life(): Life | undefined {
    return this.#life;
  }

  async create(): Promise<void> {
    await Ledger.create(this.#ledgerOptions(new Fuse(Infinity, 'before')));
    await this.start(new Fuse(Infinity, 'before'));
    await this.#life!.exchange.recordManifest(this.identity.manifest);
  }

  /** Starts a process. @param fuse after how many operations its disk fails it */
  async start(fuse: Fuse): Promise<void> {
    if (this.#life !== undefined) return;
    const { code, manifest, keys, config } = this.identity;
    const process = { isDead: false };
    const token = {};
    const timers = this.#time.timersOf(token);
    const options = this.#ledgerOptions(fuse, process, timers);
    let ledger: Ledger;
    try {
      ledger = await Ledger.open(options);
    } catch (error) {
      if (!fuse.hasBlown) this.failure = error;
      return;
    }
    const exchange = new Exchange({
      code,
      store: options.storage as Store,
      ledger,
      manifest,
      signKey: () => ({ kid: keys.sign[0]!.kid, sign: (message) => keys.sign[0]!.sign(message) }),
      decryptKey: (kid) => keys.encrypt.find((key) => key.kid === kid),
      limits: { max_message_bytes: 524_288, max_evidence_bytes: 0, credit: 4 },
      clock: this.clock,
      timers,
      witnessIntervalMs: this.#haste?.pick([0, 0, 10_000]),
      witness: () => ({
        key: witnessKeyOf(config, keys.witness[0]!),
        sign: (message) => keys.witness[0]!.sign(message),
      }),
      onFatal: (error) => {
        if (process.isDead) return;
        if (!fuse.hasBlown && codeOf(error) !== 'EXCHANGE_STOPPED') this.failure = error;
        this.kill();
      },
    });
    this.#endLife = () => {
      process.isDead = true;
      this.#time.end(token);
    };
    this.#life = { fuse, exchange, ledger };
  }

  #endLife: () => void = () => undefined;

  /** The process is gone, and nothing of it happens any more. */
  kill(): void {
    if (this.#life === undefined) return;
    this.#life = undefined;
    this.#endLife();
    this.#onDeath();
  }

  /** Kills it, and forgets what its disk had not flushed. */
  async cutPower(random: Random): Promise<void> {
    this.kill();
    await this.#disk.cutPower(random);
  }

  /** Copies the store, as a backup does; the head stays where it is. */
  async backUp(): Promise<void> {
    const { store, files } = this.#disk.mount(new Fuse(Infinity, 'before'));
    const puts: (readonly [string, Uint8Array])[] = [];
    for await (const put of store.scan('')) puts.push(put);
    this.#old = { puts };
    this.#oldHead = await files.readFile(HEAD);
  }

  /**
   * Puts the backup where the store was and starts. The node has to refuse if it has signed more since.
   * @returns false when it did not
   */
  async refusesBackup(): Promise<boolean> {
    if (this.#old === undefined || this.#oldHead === undefined) return true;
    const now = this.#disk.mount(new Fuse(Infinity, 'before'));
    const head = await now.files.readFile(HEAD);
    // A power cut may have made the record forget its last moment: what it does not know any more, a peer has to notice.
    if (newestHead(head)!.size <= sizeOf(this.#old)) return true;
    const before = this.#disk;
    this.kill();
    const restored = new MemoryDisk();
    const disk = restored.mount(new Fuse(Infinity, 'before'));
    await disk.store.commit(this.#old);
    // A head that is part of the backup is the mistake: nothing outside the store remembers then what was signed.
    const isPlanted = this.#plant === 'BACKS_UP_ITS_HEAD';
    await writeHead(disk.files, isPlanted ? this.#oldHead : head);
    this.#disk = restored;
    if (isPlanted) return true;
    const refused = await Ledger.open(this.#ledgerOptions(new Fuse(Infinity, 'before'))).then(
      () => false,
      (error: unknown) => codeOf(error) === 'LEDGER_ROLLED_BACK',
    );
    this.#disk = before;
    return refused;
  }

  #ledgerOptions(fuse: Fuse, process = { isDead: false }, timers = this.#time.timersOf({})): LedgerOptions {
    const { config, keys } = this.identity;
    const { store, files } = this.#disk.mount(fuse);
    // Published files are written whenever, and nothing depends on them: their disk is another.
    const published = new MemoryDisk().mount(new Fuse(Infinity, 'before')).files;
    const on = (path: string): typeof files => (path.startsWith('/published') ? published : files);
    return {
      storage: this.#planted(this.#watched(store, process)),
      key: ledgerKeyOf(config, keys.ledger[0]!),
      sign: (message) => {
        this.#onSigned(message);
        return keys.ledger[0]!.sign(message);
      },
      headFile: HEAD,
      folder: '/published',
      onPublishError: () => undefined,
      timers,
      files: {
        mkdir: (path, how) => on(path).mkdir(path, how),
        open: (path, flags, mode) => on(path).open(path, flags, mode),
        readFile: (path) => on(path).readFile(path),
        holds: (path, bytes) => on(path).holds(path, bytes),
        readdir: (path) => on(path).readdir(path),
        rename: (from, to) => on(from).rename(from, to),
        unlink: (path) => on(path).unlink(path),
        rm: (path, how) => on(path).rm(path, how),
      },
    };
  }

  // A process that was killed may still have something to say in its memory; it reaches the disk no more.
  #watched(store: Store, process: { readonly isDead: boolean }): Store {
    return {
      ...store,
      get: async (key) => {
        const turns = this.#haste?.below(4) === 0 ? this.#haste.below(12) : 0;
        for (let turn = 0; turn < turns; turn++) {
          this.activity++;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return store.get(key);
      },
      commit: (batch) => {
        this.activity++;
        return process.isDead ? new Promise(() => undefined) : store.commit(batch);
      },
    };
  }

  #planted(store: Store): Store {
    switch (this.#plant) {
      case 'ACKNOWLEDGES_BEFORE_COMMIT':
        return { ...store, commit: (batch) => store.commit({ ...batch, durable: false }) };
      case 'FORGETS_NUMBERS':
        return {
          ...store,
          commit: (batch) =>
            store.commit({
              ...batch,
              puts: batch.puts.map(([key, value]) =>
                key.startsWith('peer/')
                  ? [
                      key,
                      Buffer.from(
                        Buffer.from(value)
                          .toString()
                          .replace(/"received_seq":\d+/, '"received_seq":0'),
                      ),
                    ]
                  : [key, value],
              ),
            }),
        };
      case 'SIGNS_A_SECOND_HISTORY':
        // Signs whether or not the write has failed; the next process, which has nothing of it, signs something else at that size.
        return { ...store, commit: (batch) => store.commit(batch).catch(() => undefined) };
      case 'BACKS_UP_ITS_HEAD':
      case undefined:
        return store;
      default:
        return this.#plant satisfies never;
    }
  }
}

async function writeHead(files: ReturnType<MemoryDisk['mount']>['files'], head: Uint8Array): Promise<void> {
  await files.mkdir('/node', { recursive: true });
  const file = await files.open(HEAD, 'wx', 0o644);
  await file.writeFile(head);
  await file.sync();
  const folder = await files.open('/node', 'r');
  await folder.sync();
}

/** Of the ledger in a copy of a store. */
function sizeOf({ puts }: Batch): number {
  const [, head] = puts.find(([key]) => key === 'ledger/head')!;
  return (JSON.parse(Buffer.from(head).toString()) as { readonly size: number }).size;
}
