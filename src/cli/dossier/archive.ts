/**
 * A dossier as one file: a zip of stored files without times, so that the same evidence at the same head gives the same bytes.
 *
 *     dossier.html      for people; makes itself out of dossier.json and nothing else
 *     dossier.json      what it says
 *     sha256sums.txt    of the files, as “sha256sum -c” reads it, under the names that “evidence get --case” gives them
 *     bundle.zip        the audit bundle of the node that made it, limited to the case
 *     other/<n>.zip     bundles of the other side that were added
 */
import { bytesToHex, sha256, utf8ToBytes } from '../../base/mod.ts';
import { Archive, ArchiveWriter, bytesAccess, type NamedBundle, type RandomAccess } from '../../audit/mod.ts';
import { safeNames } from '../safe-name.ts';
import type { Dossier } from './data.ts';
import { dossierPage } from './page.ts';

/** A dossier as it was handed in. */
export interface OpenedDossier {
  readonly name: string;
  /** As it is written, and undefined when it cannot be read. */
  readonly text: string | undefined;
  readonly page: string;
  readonly sums: string;
  readonly bundles: readonly NamedBundle[];
  /** SHA-256 of bundle.zip, hexadecimal; undefined when it is not there. */
  readonly bundleDigest: string | undefined;
  /** What bundle.zip says that it is of; empty where it cannot be read. */
  readonly bundleOf: { readonly code: string; readonly checkpoint: string };
  /** Parts that no dossier has, or that stand in the place of another. */
  readonly misplaced: readonly string[];
  /** Parts whose bytes are not those that were packed. */
  readonly damaged: readonly string[];
}

const DATA = 'dossier.json';
const PAGE = 'dossier.html';
const SUMS = 'sha256sums.txt';
const BUNDLE = 'bundle.zip';

/** The bytes of a dossier. @param others bundles of other nodes */
export function packDossier(dossier: Dossier, bundle: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const writer = new ArchiveWriter();
  const parts: (readonly [string, Uint8Array])[] = [
    [PAGE, utf8ToBytes(dossierPage(dossier))],
    [DATA, utf8ToBytes(encodeDossier(dossier))],
    [SUMS, utf8ToBytes(sumsOf(dossier))],
    [BUNDLE, bundle],
    ...others.map((bytes, i) => [otherPath(i + 1), bytes] as const),
  ];
  return Buffer.concat([...parts.flatMap(([path, bytes]) => writer.add(path, bytes)), ...writer.end()]);
}

/** `dossier.json` as it is written. */
export function encodeDossier(dossier: Dossier): string {
  return `${JSON.stringify(dossier, undefined, 1)}\n`;
}

/** Opens a file if it is a dossier; undefined for a bundle, and for anything else. */
export async function openDossier(name: string, access: RandomAccess): Promise<OpenedDossier | undefined> {
  const archive = await Archive.open(access).catch(() => undefined);
  if (archive?.has(DATA) !== true) return undefined;
  const damaged: string[] = [];
  const read = async (path: string): Promise<Uint8Array> => {
    const file = await archive.read(path);
    if (file?.isIntact !== true) damaged.push(path);
    return file?.bytes ?? new Uint8Array();
  };
  const bundles: NamedBundle[] = [];
  let bundleDigest: string | undefined;
  let bundleOf = { code: '', checkpoint: '' };
  for (const path of archive.paths.filter((one) => /^(bundle|other\/[1-9][0-9]*)\.zip$/.test(one))) {
    const bytes = await read(path);
    if (path === BUNDLE) [bundleDigest, bundleOf] = [bytesToHex(sha256(bytes)), await whoseBundle(bytes)];
    bundles.push({ name: `${name}/${path}`, bytes: bytesAccess(bytes) });
  }
  const text = textOf(await read(DATA));
  const [page, sums] = [textOf(await read(PAGE)) ?? '', textOf(await read(SUMS)) ?? ''];
  const rightful = [PAGE, DATA, SUMS, BUNDLE, ...bundles.slice(1).map((_, i) => otherPath(i + 1))];
  const misplaced = archive.paths.filter((path, i) => path !== rightful[i]);
  return { name, text, page, sums, bundles, bundleDigest, bundleOf, misplaced, damaged };
}

/** What a bundle says of itself; the audit finds whether that is so. */
async function whoseBundle(bytes: Uint8Array): Promise<OpenedDossier['bundleOf']> {
  try {
    const archive = await Archive.open(bytesAccess(bytes));
    const read = async (path: string): Promise<string> => textOf((await archive.read(path))?.bytes) ?? '';
    const { code } = JSON.parse(await read('bundle.json')) as { readonly code?: unknown };
    return { code: String(code), checkpoint: await read('checkpoint') };
  } catch {
    return { code: '', checkpoint: '' };
  }
}

function otherPath(number: number): string {
  return `other/${number}.zip`;
}

/** `sha256sums.txt`. */
export function sumsOf({ files }: Dossier): string {
  const here = files.filter(({ status }) => status === 'STORED');
  const names = safeNames(here.map(({ name }) => name));
  return here.map(({ sha256 }, i) => `${sha256}  ${names[i]}\n`).join('');
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
