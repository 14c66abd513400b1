/** A ledger as it rests: read again from its store, and compared with the head outside it, before anything is signed on top of it. */
import { bytesToHex, equalBytes, parseUtf8, systemFiles, utf8ToBytes } from '../base/mod.ts';
import { parseLedgerEntry } from '../wire/mod.ts';
import { EntryLog } from './entry-log.ts';
import { epochKeysOf } from './epoch.ts';
import { LedgerError } from './error.ts';
import { leafHash } from './hash.ts';
import { newestSignedHead } from './head-file.ts';
import type { LedgerOptions, LedgerSigner } from './ledger-options.ts';
import { MerkleTiles } from './merkle-tiles.ts';
import { isSignedBy } from './note.ts';
import { Rehash } from './rehash.ts';
import { ledgerKeys, type LedgerStorage } from './storage.ts';
import type { ReadTile } from './tree-nodes.ts';

/** Which epoch a ledger is in, and the index of the entry that began it. */
export interface EpochRecord {
  readonly number: number;
  readonly start: number;
  /** Indices of the entries that began the epochs before it which are in this ledger, oldest first. */
  readonly before?: readonly number[];
}

/** Of a ledger that has never lost anything. */
export const FIRST_EPOCH: EpochRecord = { number: 1, start: 0 };

type StoredOptions = Pick<
  LedgerOptions,
  'storage' | 'key' | 'sign' | 'successors' | 'headFile' | 'files' | 'threadFrom'
>;

/** What a store holds of a ledger, hashed again. @throws {LedgerError} LEDGER_CORRUPT, LEDGER_KEY_MISSING */
export async function readStored(
  options: StoredOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<{
  readonly record: Uint8Array;
  readonly head: { readonly size: number; readonly root: Uint8Array };
  readonly tree: MerkleTiles;
  readonly log: EntryLog;
  /** Time of the last entry; 0 without any. */
  readonly lastTime: number;
  readonly epoch: EpochRecord;
  /** Whoever signs now. */
  readonly signer: LedgerSigner;
}> {
  const { storage } = options;
  const [record, epochBytes, signerBytes, checkpointBytes] = await storage.getMany([
    ledgerKeys.head,
    ledgerKeys.epoch,
    ledgerKeys.signer,
    ledgerKeys.checkpoint,
  ]);
  if (record === undefined)
    throw new LedgerError(
      'LEDGER_CORRUPT',
      'The store has no ledger: it is empty, or another folder’s. Next: put the newest copy of the store back, or the newest backup with “rogatory restore”.',
    );
  const { size, root: recorded } = decodeHead(record);
  // Read from once it is open: until then nothing asks for what is in it.
  const opened: { log?: EntryLog } = {};
  const tree = storedTree(storage, () => opened.log!);
  const log = await rehashed(options, size, tree, onProgress);
  opened.log = log;
  const root = await tree.rootAt();
  if (bytesToHex(root) !== recorded) {
    throw new LedgerError('LEDGER_CORRUPT', `The ${size} entries of the ledger do not hash to its recorded root.`);
  }
  const epoch = epochBytes === undefined ? FIRST_EPOCH : (JSON.parse(parseUtf8(epochBytes)) as EpochRecord);
  const last = size === 0 ? undefined : (await log.views(size - 1, size))[0];
  const lastTime = last === undefined ? 0 : parseLedgerEntry(last).time;
  const signer =
    signerBytes === undefined ? (signerOfNote(options, checkpointBytes) ?? options) : signerOf(options, signerBytes);
  return { record, head: { size, root }, tree, log, lastTime, epoch, signer };
}

/** Reads every entry into a tree. @throws {LedgerError} LEDGER_CORRUPT */
async function rehashed(
  { storage, threadFrom }: StoredOptions,
  size: number,
  tree: MerkleTiles,
  onProgress?: (done: number, total: number) => void,
): Promise<EntryLog> {
  const rehash = new Rehash(tree, size, threadFrom);
  try {
    const log = await EntryLog.open(storage, size, async (parts, count) => {
      await rehash.add(parts, count);
      onProgress?.(tree.size, size);
    });
    await rehash.end();
    return log;
  } finally {
    await rehash.close();
  }
}

/** @throws {LedgerError} LEDGER_KEY_MISSING */
function signerOf(options: StoredOptions, record: Uint8Array): LedgerSigner {
  const found = signersOf(options).find((signer) => equalBytes(signerRecord(signer), record));
  if (found !== undefined) return found;
  throw new LedgerError(
    'LEDGER_KEY_MISSING',
    `The ledger is signed by the key with id ${parseUtf8(record)}, which this node does not hold.`,
  );
}

/** A token gives its keys in whichever order: the first that this ledger had is the one that has signed its checkpoint, of whichever epoch. */
function signerOfNote(options: StoredOptions, checkpoint: Uint8Array | undefined): LedgerSigner | undefined {
  const note = checkpoint === undefined ? '' : parseUtf8(checkpoint);
  return signersOf(options).find(({ key }) => epochKeysOf(note, [key])?.keys.some((named) => isSignedBy(note, named)));
}

function signersOf(options: StoredOptions): LedgerSigner[] {
  return [options, ...(options.successors ?? [])];
}

/** The record of who signs: the id of a key as the manifest lists it, the same in every epoch. */
export function signerRecord({ key }: LedgerSigner): Uint8Array {
  return utf8ToBytes(bytesToHex(key.id));
}

/**
 * Compares a store's tree with the head outside it.
 * @throws {LedgerError} LEDGER_HEAD_MISSING, LEDGER_HEAD_INVALID, LEDGER_ROLLED_BACK, LEDGER_FORKED
 */
export async function checkExternalHead(options: StoredOptions, tree: MerkleTiles, epoch: number): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = await (options.files ?? systemFiles).readFile(options.headFile);
  } catch (cause) {
    throw new LedgerError(
      'LEDGER_HEAD_MISSING',
      `The record of the last signed head, ${options.headFile}, cannot be read, so a rollback could not be noticed. ` +
        'Next: put it back, or ask every peer for the newest head of this node that it has seen (“rogatory ledger seen”), and give the largest to “rogatory restore --head”.',
      { cause },
    );
  }
  const keys = signersOf(options).map(({ key }) => key);
  const newest = newestSignedHead(bytes, keys);
  if (!newest.ok) {
    throw new LedgerError(
      'LEDGER_HEAD_INVALID',
      `${options.headFile} has no head signed by a key of this ledger: ${newest.detail}. Next: ask every peer for the newest head of ` +
        'this node that it has seen (“rogatory ledger seen”), and give the largest to “rogatory restore --head”.',
    );
  }
  if (newest.value.epoch > epoch) {
    throw new LedgerError(
      'LEDGER_ROLLED_BACK',
      `This node has signed in epoch ${newest.value.epoch} of its ledger, but its store is of epoch ${epoch}: an old copy of the store was put ` +
        'back. Next: put the newest copy of the store back, or the newest backup with “rogatory restore”.',
    );
  }
  // The store is on disk before the head: a crash between the two has left the head of the epoch before, which the new one has named.
  if (newest.value.epoch < epoch) return;
  const { size, root } = newest.value.head;
  if (size > tree.size) {
    throw new LedgerError(
      'LEDGER_ROLLED_BACK',
      `This node has signed a ledger of ${size} entries, but its store holds ${tree.size}: an old copy of the store was put back. ` +
        'Serving it would sign a second history. Next: put the newest copy of the store back, or the newest backup with “rogatory restore”.',
    );
  }
  if (!equalBytes(await tree.rootAt(size), root)) {
    throw new LedgerError(
      'LEDGER_FORKED',
      `This node has signed another history of its first ${size} entries than its store holds. Put the right store back.`,
    );
  }
}

/** A tree whose full tiles are read from a store, and its leaves from the log of entries. */
export function storedTree(storage: LedgerStorage, log: () => EntryLog): MerkleTiles {
  const readTile: ReadTile = async (level, index) => {
    const bytes = await storage.get(ledgerKeys.tile(level, index));
    if (bytes === undefined)
      throw new LedgerError('LEDGER_CORRUPT', `Tile ${level}/${index} is missing from the store.`);
    return bytes;
  };
  return new MerkleTiles(readTile, {
    readLeaves: async (start, end) => (await log().views(start, end)).map(leafHash),
  });
}

/** The record of an epoch after the first. */
export function encodeEpoch(epoch: EpochRecord): Uint8Array {
  return utf8ToBytes(JSON.stringify(epoch));
}

/** The record that every batch is conditional on. */
export function encodeHead(size: number, root: Uint8Array): Uint8Array {
  return utf8ToBytes(JSON.stringify({ size, root: bytesToHex(root) }));
}

function decodeHead(bytes: Uint8Array): { readonly size: number; readonly root: string } {
  return JSON.parse(parseUtf8(bytes)) as { size: number; root: string };
}
