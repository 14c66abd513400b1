/** The files of a bundle, each held against what `bundle.json` and the directory of the archive say of it when it is first read. */
import { bytesToHex, equalBytes, parseUtf8, sha256 } from '../base/mod.ts';
import { TILE_WIDTH } from '../ledger/mod.ts';
import { Archive } from './archive.ts';
import { INDEX_PATH, encodeIndex, parseIndex, rightfulPaths, type BundleIndex } from './bundle-layout.ts';
import { AuditError, type Findings } from './error.ts';
import type { RandomAccess } from './random-access.ts';

/** A bundle's files, read one at a time. */
export class BundleFiles {
  readonly index: BundleIndex;
  readonly #archive: Archive;
  readonly #listed: ReadonlyMap<string, string>;
  readonly #checked = new Set<string>([INDEX_PATH]);
  readonly #where: string;
  readonly #findings: Findings;

  private constructor(archive: Archive, index: BundleIndex, where: string, findings: Findings) {
    this.#archive = archive;
    this.index = index;
    this.#listed = new Map(index.files.map(({ path, sha256: digest }) => [path, digest]));
    this.#where = where;
    this.#findings = findings;
  }

  /** @throws {AuditError} AUDIT_NOT_A_BUNDLE */
  static async open(access: RandomAccess, where: string, findings: Findings): Promise<BundleFiles> {
    const archive = await Archive.open(access);
    const file = await archive.read(INDEX_PATH);
    if (file?.isIntact !== true)
      throw new AuditError('AUDIT_NOT_A_BUNDLE', 'The zip has no bundle.json, or not as it was packed.');
    const index = parseIndex(file.bytes);
    // Each 256 entries, or their hashes, are a file: a size that those there cannot hold must not make anyone count that far.
    if (index.size > archive.paths.length * TILE_WIDTH)
      throw new AuditError('AUDIT_NOT_A_BUNDLE', 'bundle.json states an impossible size.');
    const files = new BundleFiles(archive, index, where, findings);
    files.#checkList(file.bytes);
    return files;
  }

  /** Paths in the order of the files. */
  get paths(): readonly string[] {
    return this.#archive.paths;
  }

  /** A file's bytes, as they are; what is wrong with them becomes a finding, once. */
  async read(path: string): Promise<Uint8Array | undefined> {
    const file = await this.#archive.read(path);
    if (file === undefined || this.#checked.has(path)) return file?.bytes;
    this.#checked.add(path);
    if (!file.isIntact) this.#changed(path, 'its bytes or its header are not those that were packed');
    if (this.#listed.get(path) !== bytesToHex(sha256(file.bytes)))
      this.#changed(path, 'its SHA-256 is not the one in bundle.json');
    return file.bytes;
  }

  /** A file's text; empty when it is missing or not UTF-8. */
  async readText(path: string): Promise<string> {
    try {
      return parseUtf8((await this.read(path)) ?? new Uint8Array());
    } catch {
      return '';
    }
  }

  /** Reads what nobody has read. */
  async sweep(): Promise<void> {
    for (const path of this.paths) if (!this.#checked.has(path)) await this.read(path);
  }

  /** `bundle.json` has one spelling, and a bundle has the files that have a place in it, in their order. */
  #checkList(bytes: Uint8Array): void {
    const { files } = this.index;
    const { format, code, origin, size, selection } = this.index;
    const stated = { format, code, origin, size, ...(selection === undefined ? {} : { selection }) };
    const respelled = files.map(({ path, sha256: digest }) => ({ path, sha256: digest }));
    if (!equalBytes(encodeIndex({ ...stated, files: respelled }), bytes))
      this.#changed(INDEX_PATH, 'it is not in its one spelling');
    const there = this.paths;
    const rightful = rightfulPaths(stated, there);
    const isRightful = new Set(rightful);
    const stray = there.filter((path) => !isRightful.has(path));
    for (const path of stray) this.#changed(path, 'it has no place in a bundle');
    if (stray.length === 0 && rightful.join('\n') !== there.join('\n'))
      this.#changed(INDEX_PATH, 'the files are in another order');
    const isThere = new Set(there);
    for (const path of this.#listed.keys()) if (!isThere.has(path)) this.#changed(path, 'it is listed and missing');
    if (files.map(({ path }) => path).join('\n') !== there.filter((path) => path !== INDEX_PATH).join('\n'))
      this.#changed(INDEX_PATH, 'it lists other files');
  }

  #changed(path: string, detail: string): void {
    this.#findings.add('BUNDLE_FILE_CHANGED', `${this.#where}: ${path}`, detail);
  }
}
