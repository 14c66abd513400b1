/**
 * This node's own ledger: the append path and its order of persistence.
 *
 * 1. One atomic, synced batch: the entries, the tiles they fill, the new {size, root}, and every state change that belongs to them,
 *    conditional on the head that was read.
 * 2. The checkpoint is signed from that durable record. Ed25519 is deterministic, so signing again after a crash gives the same bytes.
 * 3. The checkpoint is written to the head record outside the store. The store's own head says as much, and is what a start signs again.
 * 4. Tile files follow, whenever.
 * 5. Only now may a receipt leave.
 *
 * Any failure from 1 to 3 leaves the memory of this process behind the disk: the process must end, and the next one starts from disk.
 */
import { equalBytes, noFailpoint, systemFiles } from '../base/mod.ts';
import { MAX_ENTRY_BYTES } from '../wire/mod.ts';
import { signCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { EntryLog } from './entry-log.ts';
import { LedgerError } from './error.ts';
import { leafHash } from './hash.ts';
import { writeHeadFile, type HeadFile } from './head-file.ts';
import type { LedgerOptions, LedgerSigner, LedgerWrites, Receipted } from './ledger-options.ts';
import type { MerkleTiles } from './merkle-tiles.ts';
import { encodeConsistencyProofText, encodeInclusionProofText } from './proof-text.ts';
import { Publisher, type Snapshot } from './publisher.ts';
import { createParts, inEpoch, openParts, partsAfterLoss, type LedgerParts } from './start.ts';
import { encodeEpoch, encodeHead, signerRecord, type EpochRecord } from './stored.ts';
import { ledgerKeys } from './storage.ts';
import type { TileId } from './tile.ts';
import type { VerifierKey } from './verifier-key.ts';

/** An append-only ledger over a store. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #tree: MerkleTiles;
  readonly #entries: EntryLog;
  readonly #publisher: Publisher;
  readonly #head: HeadFile;
  /** Those that it may sign with, as the manifest lists them, and the one that it does, in the present epoch. */
  readonly #signers: LedgerSigner[];
  #signer: LedgerSigner;
  #closing: Promise<void> | undefined;
  readonly #epoch: EpochRecord;
  #checkpoint: Checkpoint;
  /** What the store has of it. */
  #record: Uint8Array;
  #lastTime: number;
  #cosignatures: { readonly size: number; readonly lines: readonly string[] } = { size: -1, lines: [] };

  private constructor({ options, signer, tree, entries, head, checkpoint, lastTime, epoch }: LedgerParts) {
    this.#signers = [options, ...(options.successors ?? [])];
    this.#signer = inEpoch(signer, epoch.number);
    this.#epoch = epoch;
    this.#options = options;
    this.#tree = tree;
    this.#entries = entries;
    this.#head = head;
    this.#checkpoint = checkpoint;
    this.#record = encodeHead(checkpoint.size, checkpoint.root);
    this.#lastTime = lastTime;
    this.#publisher = new Publisher({
      folder: options.folder,
      source: (tile) => this.tile(tile),
      onError: options.onPublishError,
      files: options.files ?? systemFiles,
    });
    this.#publisher.publish(this.#published());
  }

  /**
   * Makes an empty ledger and writes its first signed head.
   * @throws {LedgerError} LEDGER_EXISTS
   */
  static async create(options: LedgerOptions): Promise<Ledger> {
    return new Ledger(await createParts(options));
  }

  /**
   * Opens a ledger after hashing every entry again and comparing the result with the store's record and with the head outside it.
   * @param onProgress told how many of how many entries were hashed
   * @throws {LedgerError} LEDGER_CORRUPT, LEDGER_HEAD_MISSING, LEDGER_HEAD_INVALID, LEDGER_ROLLED_BACK, LEDGER_FORKED, LEDGER_KEY_MISSING
   */
  static async open(options: LedgerOptions, onProgress?: (done: number, total: number) => void): Promise<Ledger> {
    return new Ledger(await openParts(options, onProgress));
  }

  /**
   * Goes on from a store that is known to have lost entries: keeps what it has, and begins an epoch with an entry about it.
   * @param signed the largest head that this ledger is known to have signed; it stays in the record outside the store until the entry is
   * on disk
   * @param entryOf makes the entry, given the epoch's number, the checkpoint of what is kept, and the least time that the entry may have
   * @throws {LedgerError} LEDGER_CORRUPT, LEDGER_KEY_MISSING
   */
  static async beginEpoch(
    options: LedgerOptions,
    signed: { readonly head: Checkpoint; readonly epoch: number } | undefined,
    entryOf: (number: number, kept: Checkpoint, lastTime: number) => Uint8Array,
    writes: LedgerWrites,
  ): Promise<Ledger> {
    const parts = await partsAfterLoss(options, signed);
    const { epoch, checkpoint, lastTime } = parts;
    const ledger = new Ledger(parts);
    await ledger.append([entryOf(epoch.number, checkpoint, lastTime)], {
      ...writes,
      puts: [...writes.puts, [ledgerKeys.epoch, encodeEpoch(epoch)]],
    });
    return ledger;
  }

  /** The key that signs, in the present epoch; its name is the origin. */
  get key(): VerifierKey {
    return this.#signer.key;
  }

  /** Every key that this ledger has or had at hand, as the manifest lists it. */
  get listedKeys(): VerifierKey[] {
    return this.#signers.map(({ key }) => key);
  }

  /** Number of the present epoch. */
  get epoch(): number {
    return this.#epoch.number;
  }

  /** Indices of the entries that began the epochs of this ledger, oldest first; none in the first one. */
  get epochEntries(): readonly number[] {
    const { number, start, before = [] } = this.#epoch;
    return number === 1 ? [] : [...before, start];
  }

  /** Number of entries under the signed checkpoint. */
  get size(): number {
    return this.#checkpoint.size;
  }

  /** The latest signed checkpoint. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /** The time for the next entry: the clock's, but never before that of an entry made earlier. */
  entryTime(nowMs: number): number {
    this.#lastTime = Math.max(this.#lastTime, nowMs);
    return this.#lastTime;
  }

  /**
   * Appends entries together with the writes that belong to them. One call at a time.
   * @param successor signs from this batch on: the batch has the KEY entry that says so
   * @throws {LedgerError} LEDGER_ENTRY_SIZE, and whatever the store throws; after any failure the process must end
   */
  async append(entries: readonly Uint8Array[], writes: LedgerWrites, successor?: LedgerSigner): Promise<void> {
    for (const { length } of entries) {
      if (length === 0 || length > MAX_ENTRY_BYTES)
        throw new LedgerError('LEDGER_ENTRY_SIZE', `An entry has ${length} bytes.`);
    }
    const { storage, failpoint = noFailpoint } = this.#options;
    failpoint('ledger.append.begun');
    const start = performance.now();
    const stored = this.#entries.append(entries);
    const tiles = this.#tree.append(entries.map(leafHash));
    // The tree makes paths from them. Nobody is given one that is not under the checkpoint.
    stored.done();
    const head = { size: this.#tree.size, root: await this.#tree.rootAt() };
    const record = encodeHead(head.size, head.root);
    const storeStart = performance.now();
    await storage.commit({
      expect: { key: ledgerKeys.head, value: this.#record },
      puts: [
        ...writes.puts,
        ...stored.puts,
        ...tiles.map((tile) => [ledgerKeys.tile(tile.level, tile.index), tile.bytes] as const),
        [ledgerKeys.head, record],
        ...(successor === undefined ? [] : [[ledgerKeys.signer, signerRecord(successor)] as const]),
      ],
      deletes: [...writes.deletes, ...stored.deletes],
    });
    const storeMs = performance.now() - storeStart;
    failpoint('ledger.append.committed');
    if (successor !== undefined) {
      if (!this.#signers.some(({ key }) => equalBytes(key.id, successor.key.id))) this.#signers.push(successor);
      this.#signer = inEpoch(successor, this.#epoch.number);
    }
    const checkpoint = signCheckpoint(head, this.#signer.key, this.#signer.sign);
    const headStart = performance.now();
    await this.#head.write(checkpoint.note);
    const end = performance.now();
    failpoint('ledger.append.head-written');
    [this.#checkpoint, this.#record] = [checkpoint, record];
    this.#publisher.publish(this.#published());
    this.#options.onAppend?.({
      entries: entries.length,
      storeMs,
      headMs: end - headStart,
      totalMs: end - start,
    });
  }

  /** The entry's exact bytes. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  async entry(index: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) {
      throw new LedgerError('LEDGER_INDEX_OUT_OF_RANGE', `There is no entry ${index}; the ledger has ${this.size}.`);
    }
    return (await this.#entries.read(index, index + 1))[0]!;
  }

  /**
   * An entry with its inclusion proof.
   * @param size of an earlier tree to prove it in, which has the entry; the latest by default
   * @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE
   */
  async receipt(index: number, size?: number): Promise<Receipted> {
    const entry = await this.entry(index);
    const checkpoint = size === undefined ? this.#checkpoint : await this.checkpointAt(size);
    const path = await this.#tree.inclusionPath(index, checkpoint.size);
    return { entry, proof: encodeInclusionProofText(index, path, checkpoint.note) } as Receipted;
  }

  /** The proof that the ledger continues its earlier head of `oldSize` entries. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  async consistencyProof(oldSize: number): Promise<string> {
    const checkpoint = this.#checkpoint;
    const path = await this.#tree.consistencyPath(oldSize, checkpoint.size);
    return encodeConsistencyProofText(oldSize, path, checkpoint.note);
  }

  /** The latest checkpoint, with the path that proves it a continuation of `oldSize` entries. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  async continuation(oldSize: number): Promise<{ readonly checkpoint: Checkpoint; readonly path: Uint8Array[] }> {
    const checkpoint = this.#checkpoint;
    return { checkpoint, path: await this.#tree.consistencyPath(oldSize, checkpoint.size) };
  }

  /** The checkpoint of an earlier size, signed again by the key that signs now: the same root, and by the same key the same bytes. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  async checkpointAt(size: number): Promise<Checkpoint> {
    if (size === this.size) return this.#checkpoint;
    if (size > this.size)
      throw new LedgerError('LEDGER_INDEX_OUT_OF_RANGE', `There is no checkpoint of ${size} entries.`);
    return signCheckpoint({ size, root: await this.#tree.rootAt(size) }, this.#signer.key, this.#signer.sign);
  }

  /** Publishes witnesses' signature lines with the checkpoint of this size, as long as it is the latest. */
  setCosignatures(size: number, lines: readonly string[]): void {
    this.#cosignatures = { size, lines };
    this.#publisher.publish(this.#published());
  }

  /** Whether a head that somebody holds of this ledger is one of its own past heads. */
  async contains(head: { readonly size: number; readonly root: Uint8Array }): Promise<boolean> {
    return head.size <= this.size && equalBytes(await this.#tree.rootAt(head.size), head.root);
  }

  /**
   * Keeps, outside the store, a head that this ledger has signed and does not contain: no later start serves from this store, whoever is
   * there to say so.
   */
  async refuseFor(head: Checkpoint): Promise<void> {
    await writeHeadFile(this.#options.headFile, head.note, this.#options.files);
  }

  /** Brings the published files up to the latest checkpoint. */
  async publish(): Promise<void> {
    this.#publisher.publish(this.#published());
    await this.#publisher.flush();
  }

  /** Publishes, and brings the head record to disk. Nothing is appended after, and nothing written. */
  async close(): Promise<void> {
    try {
      this.#publisher.publish(this.#published());
      await this.#publisher.close();
    } finally {
      this.#closing ??= this.#head.close();
      await this.#closing;
    }
  }

  /** Lets go of a ledger that was only looked at: its published files stay as they are. */
  async release(): Promise<void> {
    await this.#publisher.abandon();
    this.#closing ??= this.#head.close();
    await this.#closing;
  }

  /** What is published: the checkpoint, and what witnesses signed about that very one. */
  #published(): Snapshot {
    const { size, note } = this.#checkpoint;
    return { size, note: this.#cosignatures.size === size ? note + this.#cosignatures.lines.join('') : note };
  }

  /** Bytes of a tile or entry bundle of the tree, as published. @throws {LedgerError} LEDGER_INDEX_OUT_OF_RANGE */
  async tile({ level, index, width }: TileId): Promise<Uint8Array> {
    return level === 'entries' ? this.#entries.bundleBytes(index, width) : this.#tree.tileBytes(level, index, width);
  }
}
