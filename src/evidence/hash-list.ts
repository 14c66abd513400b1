/** Lists of digests as forensic tools write them: coreutils, BSD, hashdeep, BagIt. */
import { EvidenceError } from './error.ts';

/** Digests that tools list; all but the SHA-2 family are kept as they were supplied. */
export type ListedAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** One file of a list. */
export interface ListedFile {
  /** As the list names it, with its folders. */
  readonly path: string;
  /** Bytes, where the list tells. */
  readonly size?: number;
  /** Hexadecimal, lower case, by algorithm. */
  readonly digests: Readonly<Partial<Record<ListedAlgorithm, string>>>;
}

/** A list, and the form in which it was written. */
export interface HashList {
  readonly format: 'checksums' | 'bsd' | 'hashdeep' | 'bagit';
  readonly files: readonly ListedFile[];
}

const BY_LENGTH: Readonly<Record<number, ListedAlgorithm>> = {
  32: 'md5',
  40: 'sha1',
  64: 'sha256',
  96: 'sha384',
  128: 'sha512',
};
const COREUTILS = /^(\\?)([0-9a-fA-F]{32,128}) [ *](.+)$/;
const BSD = /^([A-Z0-9]+) \((.+)\) = ([0-9a-fA-F]{32,128})$/;
// BagIt wants any whitespace between, and percent-encodes line ends and the percent sign. RFC 8493 §2.1.3
const BAGIT = /^([0-9a-fA-F]{32,128})[ \t]+\*?(.+)$/;
const BAGIT_NAME = /^(tag)?manifest-(md5|sha1|sha256|sha384|sha512)\.txt$/;
const HASHDEEP_HEAD = '%%%% HASHDEEP-1.0';

/**
 * Reads a list.
 * @param fileName of the list: a BagIt manifest is known by it
 * @throws {EvidenceError} EVIDENCE_LIST_MALFORMED, with the line
 */
export function parseHashList(text: string, fileName = ''): HashList {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const list = BAGIT_NAME.test(fileName)
    ? parseBagIt(lines)
    : lines[0] === HASHDEEP_HEAD
      ? parseHashdeep(lines)
      : parseChecksums(lines);
  if (list.files.length === 0) throw malformed('it lists no file');
  return list;
}

function parseChecksums(lines: readonly string[]): HashList {
  const files: ListedFile[] = [];
  let format: HashList['format'] = 'checksums';
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const bsd = BSD.exec(line);
    if (bsd !== null) {
      const [, name = '', path = '', digest = ''] = bsd;
      if (BY_LENGTH[digest.length] !== name.toLowerCase())
        throw malformed(`line ${index + 1} has no digest of ${name}`);
      format = 'bsd';
      files.push({ path, digests: digestOf(digest, index) });
      continue;
    }
    const plain = COREUTILS.exec(line);
    if (plain === null) throw malformed(`line ${index + 1} is no digest and name`);
    const [, escaped, digest = '', path = ''] = plain;
    files.push({ path: escaped === '' ? path : unescaped(path), digests: digestOf(digest, index) });
  }
  return { format, files };
}

function parseBagIt(lines: readonly string[]): HashList {
  const files: ListedFile[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const found = BAGIT.exec(line);
    if (found === null) throw malformed(`line ${index + 1} is no digest and path`);
    const [, digest = '', path = ''] = found;
    const plain = path
      .replaceAll(/%0[aA]/g, '\n')
      .replaceAll(/%0[dD]/g, '\r')
      .replaceAll('%25', '%');
    files.push({ path: plain.replace(/^data\//, ''), digests: digestOf(digest, index) });
  }
  return { format: 'bagit', files };
}

function parseHashdeep(lines: readonly string[]): HashList {
  const columns = (lines[1] ?? '').replace(/^%%%% /, '').split(',');
  const isKnown = columns[0] === 'size' && columns.at(-1) === 'filename' && (lines[1] ?? '').startsWith('%%%% ');
  if (!isKnown) throw malformed('its second line does not name the columns');
  const files: ListedFile[] = [];
  for (const [index, line] of lines.entries()) {
    if (index < 2 || line === '' || line.startsWith('##')) continue;
    const cells = line.split(',');
    if (cells.length < columns.length || !/^\d{1,15}$/.test(cells[0]!))
      throw malformed(`line ${index + 1} has not its columns`);
    const digests: Partial<Record<ListedAlgorithm, string>> = {};
    for (const [column, name] of columns.slice(1, -1).entries()) {
      const digest = cells[column + 1]!;
      const algorithm = BY_LENGTH[digest.length];
      // Tiger and Whirlpool are columns that hashdeep knows and nobody decides by.
      if (algorithm !== name || !/^[0-9a-fA-F]+$/.test(digest)) continue;
      digests[algorithm] = digest.toLowerCase();
    }
    if (Object.keys(digests).length === 0) throw malformed(`line ${index + 1} has no digest`);
    // A name may have commas; it is the last column.
    files.push({ path: cells.slice(columns.length - 1).join(','), size: Number(cells[0]), digests });
  }
  return { format: 'hashdeep', files };
}

function digestOf(hex: string, index: number): ListedFile['digests'] {
  const algorithm = BY_LENGTH[hex.length];
  if (algorithm === undefined) throw malformed(`line ${index + 1} has a digest of an unknown length`);
  return { [algorithm]: hex.toLowerCase() };
}

// What GNU coreutils escapes in a name: line feed, carriage return and the backslash.
function unescaped(path: string): string {
  return path.replaceAll(/\\([nr\\])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\'));
}

function malformed(detail: string): EvidenceError {
  return new EvidenceError('EVIDENCE_LIST_MALFORMED', `The list of digests cannot be read: ${detail}.`);
}
