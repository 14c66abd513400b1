/**
 * A backup: everything of a node that cannot be made again, as of one moment, in one file. The external head is not in it, because it is
 * what tells an old backup from the newest state. Values of the store and private keys stay encrypted as they rest.
 *
 *     backup.json                   {"format":"rogatory-backup/v1","code"}
 *     node.json, manifest….json, keys/…   files of the node's folder
 *     store/<n>                     records: (u32 big-endian length ‖ key ‖ u32 length ‖ value)*, in the order of the keys
 */
import { access, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Archive, ArchiveWriter, type RandomAccess } from '../audit/mod.ts';
import { concatBytes, makeFolder, parseUtf8, replaceFile, shellWord, uint32ToBytes, utf8ToBytes } from '../base/mod.ts';
import { loadNodeConfig, nodePaths, type NodeConfig, type NodePaths } from '../config/mod.ts';
import { openLevelStore, type Put } from '../store/mod.ts';
import { NodeError } from './error.ts';
import { aloneIn } from './folder-lock.ts';

const FORMAT = 'rogatory-backup/v1';
const INDEX = 'backup.json';
// Large enough that a store of gigabytes is some thousands of files, small enough to be nothing in memory.
const CHUNK_BYTES = 1024 * 1024;
// Names that a backup may put into a folder: no path, and nothing that leads out of it.
const PUBLIC_FILE = /^((node|manifest(-[0-9]+)?)\.json|keys\/[a-z0-9-]+\.pem)$/;
const SECRET_FILE = /^keys\/[a-z0-9-]+\.(key|json)$/;
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/**
 * The bytes of a backup, in order.
 * @param records every record of the store as it rests, of one moment
 */
export async function* backupOf(
  { code, paths }: Pick<NodeConfig, 'code' | 'paths'>,
  records: AsyncIterable<Put>,
): AsyncGenerator<Uint8Array> {
  const writer = new ArchiveWriter();
  yield* writer.add(INDEX, utf8ToBytes(`${JSON.stringify({ format: FORMAT, code })}\n`));
  // The store first: whatever a file of the folder says was so when the records were taken, or later.
  let chunk: Uint8Array[] = [];
  let [bytes, count] = [0, 0];
  for await (const [key, value] of records) {
    const name = utf8ToBytes(key);
    chunk.push(uint32ToBytes(name.length), name, uint32ToBytes(value.length), value);
    bytes += name.length + value.length;
    if (bytes < CHUNK_BYTES) continue;
    yield* writer.add(`store/${count++}`, concatBytes(...chunk));
    [chunk, bytes] = [[], 0];
  }
  if (chunk.length > 0) yield* writer.add(`store/${count}`, concatBytes(...chunk));
  for (const name of await folderFiles(paths.dir)) yield* writer.add(name, await readFile(join(paths.dir, name)));
  yield* writer.end();
}

/**
 * Puts a backup into a node's folder that has no store. Files that are there already are newer, and stay; so does `head`, which alone
 * knows whether the backup is the newest state.
 * @throws {NodeError} NODE_BACKUP_INVALID, NODE_EXISTS, NODE_FOLDER_BUSY
 */
export async function restoreBackup(file: RandomAccess, dir: string): Promise<void> {
  const paths = nodePaths(dir);
  await requireNoStore(paths);
  const opened = await openBackup(file);
  // Two at once would write into one unfinished store, and the first to end would call it whole.
  await aloneIn(dir, () => putBack(opened, paths));
}

async function requireNoStore({ store }: NodePaths): Promise<void> {
  if (await isThere(store))
    throw new NodeError(
      'NODE_EXISTS',
      `${store} is there already. Move it away first: mv ${shellWord(store)} ${shellWord(`${store}.old`)}`,
    );
}

async function putBack({ archive, code }: OpenBackup, paths: NodePaths): Promise<void> {
  await requireNoStore(paths);
  await requireSameNode(paths.config, code);
  makeFolder(paths.keys, 0o700);
  for (const name of archive.paths) {
    const isOpen = PUBLIC_FILE.test(name);
    const path = join(paths.dir, name);
    if ((!isOpen && !SECRET_FILE.test(name)) || (await isThere(path))) continue;
    await replaceFile(path, await readWhole(archive, name), isOpen ? PUBLIC_MODE : SECRET_MODE);
  }
  // Under another name until it is whole: half a store must not be taken for one.
  const unfinished = `${paths.store}.restoring`;
  await rm(unfinished, { recursive: true, force: true });
  const store = await openLevelStore(unfinished);
  try {
    for (let n = 0; archive.has(`store/${n}`); n++) {
      await store.commit({ puts: parseRecords(await readWhole(archive, `store/${n}`)) });
    }
  } finally {
    await store.close();
  }
  await rename(unfinished, paths.store);
}

/** The keys that are there stay: another node's records would rest under none of them, and its keys be left among them. */
async function requireSameNode(config: string, code: unknown): Promise<void> {
  if (!(await isThere(config))) return;
  const there = loadNodeConfig(config, {}).code;
  if (there === code) return;
  throw new NodeError(
    'NODE_EXISTS',
    `${dirname(config)} is the folder of ${there}, and the backup is of ${String(code)}.`,
  );
}

interface OpenBackup {
  readonly archive: Archive;
  /** Of the node that it is a backup of, as it says. */
  readonly code: unknown;
}

async function openBackup(file: RandomAccess): Promise<OpenBackup> {
  try {
    const archive = await Archive.open(file);
    const { format, code } = JSON.parse(parseUtf8(await readWhole(archive, INDEX))) as {
      readonly format?: unknown;
      readonly code?: unknown;
    };
    if (format !== FORMAT) throw new TypeError('another format');
    // All of it before any of it is put back.
    for (const path of archive.paths) await readWhole(archive, path);
    return { archive, code };
  } catch (cause) {
    if (cause instanceof NodeError) throw cause;
    throw new NodeError('NODE_BACKUP_INVALID', 'The file is not a backup, or not a whole one.', { cause });
  }
}

async function readWhole(archive: Archive, path: string): Promise<Uint8Array> {
  const found = await archive.read(path);
  if (found?.isIntact === true) return found.bytes;
  throw new NodeError('NODE_BACKUP_INVALID', `${path} of the backup is missing or was changed.`);
}

function parseRecords(bytes: Uint8Array): Put[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const next = (): Uint8Array => {
    const length = at + 4 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 4 + length > bytes.length)
      throw new NodeError('NODE_BACKUP_INVALID', 'Records of the backup are cut short.');
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  const records: Put[] = [];
  while (at < bytes.length) records.push([parseUtf8(next()), next()]);
  return records;
}

/** Node files by their names in the backup. */
async function folderFiles(dir: string): Promise<string[]> {
  const keys = (await readdir(join(dir, 'keys'))).map((name) => `keys/${name}`);
  const names = [...(await readdir(dir)), ...keys];
  return names.filter((name) => PUBLIC_FILE.test(name) || SECRET_FILE.test(name)).sort();
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
