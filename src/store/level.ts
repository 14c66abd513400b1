import { Level } from 'level';
import { StoreError, diskReason } from './error.ts';
import { checkExpected } from './expected.ts';
import { checkLevelFiles } from './level-files.ts';
import type { Batch, Put, ScanOptions, Store } from './store.ts';

type Database = Level<string, Uint8Array>;

// LevelDB maps every table that it has open into memory, where what was once read of it stays: the size of a table times their number is
// what that comes to. There are as few as it knows to do with; of smaller ones it would write, flush and delete more while it merges.
const TABLE_BYTES = 2 * 1024 * 1024;
const OPEN_FILES = 74;
// What gathers in memory before it becomes a table: the more, the less often is the same merged again. Twice as much is there at times.
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;

/**
 * Opens a LevelDB store after checking every byte of its files. It is never repaired: LevelDB's repair drops records without a word, and
 * the ledger's own check is what decides whether a store is whole.
 * @throws {StoreError} STORE_CORRUPT, STORE_LOCKED, STORE_UNREADABLE
 */
export async function openLevelStore(folder: string): Promise<Store> {
  await checkLevelFiles(folder);
  // Sealed values do not compress, and the check reads the listings of uncompressed tables.
  const options = {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    compression: false,
    maxFileSize: TABLE_BYTES,
    writeBufferSize: WRITE_BUFFER_BYTES,
    maxOpenFiles: OPEN_FILES,
  } as const;
  const database: Database = new Level<string, Uint8Array>(folder, options);
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (cause instanceof Error && (cause as { code?: unknown }).code === 'LEVEL_LOCKED') {
      throw new StoreError('STORE_LOCKED', `Another process has the store ${folder} open.`, { cause });
    }
    throw new StoreError('STORE_UNREADABLE', `The store ${folder} cannot be opened${diskReason(cause)}.`, { cause });
  }
  return new LevelStore(database);
}

class LevelStore implements Store {
  readonly #database: Database;
  #committing: Promise<unknown> = Promise.resolve();

  constructor(database: Database) {
    this.#database = database;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    // A synchronous read of a hot value costs a tenth of an asynchronous one.
    return reading(() => plainBytes(this.#database.getSync(key)));
  }

  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return reading(async () => (await this.#database.getMany([...keys])).map(plainBytes));
  }

  async *scan(prefix: string, { limit = -1, reverse = false }: ScanOptions = {}): AsyncIterable<Put> {
    // Keys are ASCII, so nothing with the prefix sorts after this.
    const range = { gte: prefix, lt: `${prefix}\u00ff`, limit, reverse };
    try {
      for await (const [key, value] of this.#database.iterator(range)) yield [key, plainBytes(value)!];
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  // One process owns a LevelDB folder, so comparing and writing in turn is as good as a conditional write.
  async commit(batch: Batch): Promise<void> {
    const turn = this.#committing.then(() => this.#commit(batch));
    this.#committing = turn.catch(() => undefined);
    return turn;
  }

  async #commit({ expect, puts, deletes = [], durable = true }: Batch): Promise<void> {
    if (expect !== undefined) checkExpected(expect, await this.get(expect.key));
    const batch = this.#database.batch();
    for (const key of deletes) batch.del(key);
    for (const [key, value] of puts) batch.put(key, value);
    try {
      await batch.write({ sync: durable } as object);
    } catch (cause) {
      throw new StoreError('STORE_WRITE_FAILED', `The store could not be written${diskReason(cause)}.`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#committing;
    await this.#database.close();
  }
}

/** What LevelDB cannot read was cut or changed on disk. */
async function reading<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): StoreError {
  return new StoreError('STORE_CORRUPT', 'A part of the store cannot be read: a file of it was cut or changed.', {
    cause,
  });
}

// LevelDB's binding gives Buffers, whose `slice` shares memory where a Uint8Array's copies.
function plainBytes(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
