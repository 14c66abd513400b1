/**
 * Reads LevelDB's files before LevelDB does. It passes over what is damaged without a word: a record of the log with a wrong checksum is
 * skipped, a damaged filter hides keys that are there, a damaged block gives other keys, and the next compaction makes all that look whole.
 * Every byte that can change an answer lies under a checksum, so damage is found here or makes no difference.
 * @see https://github.com/google/leveldb/tree/main/doc log_format.md, table_format.md
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { maskedCrc } from './crc32c.ts';
import { StoreError } from './error.ts';
import { logRecords } from './level-log.ts';

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const UNCOMPRESSED = 0;
const WINDOW_BYTES = 1024 * 1024;

/**
 * Checks every file that the store in this folder is made of; a folder without a store is none of its business.
 * @throws {StoreError} STORE_CORRUPT with the name of the first damaged file
 */
export async function checkLevelFiles(folder: string): Promise<void> {
  try {
    await check(folder);
  } catch {
    // Another process may have the store open and just have removed what was being read. Damage is still there the second time.
    await check(folder);
  }
}

async function check(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes('CURRENT')) {
    if (names.some((name) => /\.(?:ldb|sst|log)$/.test(name))) throw corrupt('CURRENT', 'is missing');
    return;
  }
  const manifest = /^(MANIFEST-[0-9]+)\n$/.exec((await readFile(join(folder, 'CURRENT'))).toString('latin1'))?.[1];
  if (manifest === undefined || !names.includes(manifest)) throw corrupt('CURRENT', 'names no manifest');
  const { tables, firstLog } = liveFiles(manifest, await readFile(join(folder, manifest)));
  const window = Buffer.allocUnsafe(WINDOW_BYTES);
  for (const number of tables) {
    const name = names.find((found) => /\.(?:ldb|sst)$/.test(found) && Number.parseInt(found, 10) === number);
    if (name === undefined) throw corrupt(`table ${number}`, 'is missing');
    const table = new TableFile(name, join(folder, name), window);
    try {
      checkTable(name, table);
    } finally {
      table.close();
    }
  }
  // What is older belongs to a compaction that was interrupted, and is removed unread.
  for (const name of names.filter((found) => found.endsWith('.log') && Number.parseInt(found, 10) >= firstLog)) {
    for (const record of logRecords(await readFile(join(folder, name)))) {
      if (record === 'damaged') throw corrupt(name, 'has a record that does not match its checksum');
    }
  }
}

/** Which tables and logs count, by the edits that a manifest lists. */
function liveFiles(
  name: string,
  manifest: Uint8Array,
): { readonly tables: ReadonlySet<number>; readonly firstLog: number } {
  const tables = new Set<number>();
  let firstLog = 0;
  for (const record of logRecords(manifest)) {
    if (record === 'damaged') throw corrupt(name, 'has a record that does not match its checksum');
    const edit = new Reader(name, record);
    while (!edit.isAtEnd) {
      switch (edit.varint()) {
        case 1: // comparator
          edit.skip(edit.varint());
          break;
        case 2: // number of the first log that is still needed
          firstLog = edit.varint();
          break;
        case 3: // next file number
        case 4: // last sequence number
        case 9: // a former log number, always 0
          edit.varint();
          break;
        case 5: // where to go on compacting: level, key
          edit.varint();
          edit.skip(edit.varint());
          break;
        case 6: // table removed: level, number
          edit.varint();
          tables.delete(edit.varint());
          break;
        case 7: // table added: level, number, size, first key, last key
          edit.varint();
          tables.add(edit.varint());
          edit.varint();
          edit.skip(edit.varint());
          edit.skip(edit.varint());
          break;
        default:
          throw corrupt(name, 'has an edit of an unknown kind');
      }
    }
  }
  return { tables, firstLog };
}

/** Every block of a table against its checksum, and the blocks against the file: they fill it without a gap. */
function checkTable(name: string, file: TableFile): void {
  const footerAt = file.size - FOOTER_BYTES;
  if (footerAt < 0 || Buffer.compare(file.read(footerAt, FOOTER_BYTES).subarray(-MAGIC.length), MAGIC) !== 0)
    throw corrupt(name, 'has no footer');
  const footer = new Reader(name, file.read(footerAt, FOOTER_BYTES));
  const [metaindex, index] = [footer.handle(), footer.handle()];
  const blocks = [metaindex, index];
  for (const listing of [metaindex, index]) {
    const block = checkedBlock(name, file, listing);
    // A compressed listing is of a table that an older version wrote; its own checksum holds at least.
    if (block === undefined) return;
    blocks.push(...handlesIn(name, block));
  }
  let end = 0;
  for (const block of blocks.sort((a, b) => a.offset - b.offset)) {
    checkedBlock(name, file, block);
    if (block.offset !== end) throw corrupt(name, 'has a gap between its blocks');
    end = block.offset + block.size + TRAILER_BYTES;
  }
  if (end !== footerAt) throw corrupt(name, 'has a gap before its footer');
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** @returns undefined for a block that is compressed */
function checkedBlock(name: string, file: TableFile, { offset, size }: Handle): Uint8Array | undefined {
  if (offset + size + TRAILER_BYTES > file.size) throw corrupt(name, 'has a block beyond its end');
  const block = file.read(offset, size + TRAILER_BYTES);
  if (maskedCrc(block.subarray(0, size + 1)) !== block.readUInt32LE(size + 1))
    throw corrupt(name, 'has a block that does not match its checksum');
  return block[size] === UNCOMPRESSED ? block.subarray(0, size) : undefined;
}

/** A table read through a window, the same for all of them: together they are as large as the store. */
class TableFile {
  readonly size: number;
  readonly #name: string;
  readonly #descriptor: number;
  readonly #window: Buffer;
  #start = 0;
  #end = 0;

  constructor(name: string, path: string, window: Buffer) {
    this.#name = name;
    this.#window = window;
    this.#descriptor = openSync(path, 'r');
    this.size = fstatSync(this.#descriptor).size;
  }

  /** Bytes that are good until the next are read, unless they are more than the window holds. */
  read(offset: number, length: number): Buffer {
    if (length > this.#window.length) return this.#fill(Buffer.allocUnsafe(length), offset);
    if (offset < this.#start || offset + length > this.#end) {
      const filled = this.#fill(this.#window.subarray(0, Math.min(this.#window.length, this.size - offset)), offset);
      [this.#start, this.#end] = [offset, offset + filled.length];
    }
    return this.#window.subarray(offset - this.#start, offset - this.#start + length);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #fill(bytes: Buffer, offset: number): Buffer {
    for (let at = 0; at < bytes.length;) {
      const count = readSync(this.#descriptor, bytes, at, bytes.length - at, offset + at);
      if (count === 0) throw corrupt(this.#name, 'became shorter while it was read');
      at += count;
    }
    return bytes;
  }
}

/** The handles that an index or metaindex block lists; its keys are of no interest. */
function handlesIn(name: string, block: Uint8Array): Handle[] {
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true);
  const entries = new Reader(name, block.subarray(0, block.length - 4 * (restarts + 1)));
  const handles: Handle[] = [];
  while (!entries.isAtEnd) {
    entries.varint();
    const keyBytes = entries.varint();
    entries.varint();
    entries.skip(keyBytes);
    handles.push(entries.handle());
  }
  return handles;
}

class Reader {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(name: string, bytes: Uint8Array) {
    this.#name = name;
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw corrupt(this.#name, 'ends in the middle of a number');
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() };
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }
}

function corrupt(name: string, what: string): StoreError {
  return new StoreError('STORE_CORRUPT', `The store was damaged on disk: ${name} ${what}. Restore the newest backup.`);
}
