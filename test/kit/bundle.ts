import { bytesAccess, exportBundle, type ExportOptions } from '../../src/audit/mod.ts';
import { Archive } from '../../src/audit/archive.ts';
import { ArchiveWriter } from '../../src/audit/archive-writer.ts';
import { encodeIndex, type BundleIndex } from '../../src/audit/bundle-layout.ts';
import { bytesToHex, concatBytes, sha256, type Uuid } from '../../src/base/mod.ts';
import { MerkleTiles, encodeEntryBundle, leafHash, TILE_WIDTH } from '../../src/ledger/mod.ts';
import { bundleOf, type BundleRequest, type Node } from '../../src/node/mod.ts';
import { encodeReceipt, type Receipt } from '../../src/wire/mod.ts';
import type { Puppet } from './puppet.ts';

/** Everything that a stream gives, in one piece. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return concatBytes(...all);
}

/** A node’s bundle. */
export async function exportedBundle(node: Node, request: BundleRequest = {}): Promise<Uint8Array> {
  // As the local interface does: a running node's ledger is written by its exchange alone.
  const disclose = (ids: readonly Uuid[]): ReturnType<Node['exchange']['protection']['disclose']> =>
    node.exchange.protection.disclose(ids);
  return collect(await bundleOf(node.config.code, node.storage, request, { disclose }));
}

/** The files of a bundle, by path. */
export async function bundleFiles(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const archive = await Archive.open(bytesAccess(bytes));
  const files = new Map<string, Uint8Array>();
  for (const path of archive.paths) files.set(path, (await archive.read(path))!.bytes.slice());
  return files;
}

/** A zip of files in their order. */
export function packFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const writer = new ArchiveWriter();
  const parts = [...files].flatMap(([path, bytes]) => writer.add(path, bytes));
  return new Uint8Array(Buffer.concat([...parts, ...writer.end()]));
}

/** Rebuilds a bundle with other files, its index made to fit: what somebody would do who has the tool and not the keys. */
export async function rebuildBundle(
  bytes: Uint8Array,
  change: (files: Map<string, Uint8Array>) => void,
  changeIndex: (index: BundleIndex) => BundleIndex = (index) => index,
): Promise<Uint8Array> {
  const files = await bundleFiles(bytes);
  const index = JSON.parse(Buffer.from(files.get('bundle.json')!).toString()) as BundleIndex;
  files.delete('bundle.json');
  change(files);
  const listed = [...files].map(([path, content]) => ({ path, sha256: bytesToHex(sha256(content)) }));
  files.set('bundle.json', encodeIndex(changeIndex({ ...index, files: listed })));
  return packFiles(files);
}

/** The bundle of a member under a test's control. @param proofs of peers' entries, by the index of the entry that speaks of them */
export async function puppetBundle(
  puppet: Puppet,
  proofs: ReadonlyMap<number, Receipt> = new Map(),
  options: ExportOptions = {},
): Promise<Uint8Array> {
  const { manifest, text } = puppet.manifest;
  const tree = new MerkleTiles(() => Promise.reject(new Error('a puppet has no full tile')));
  tree.append(puppet.entries.map(leafHash));
  return collect(
    exportBundle(
      {
        code: puppet.code,
        checkpoint: (await puppet.checkpoint()).note,
        tile: async ({ level, index, width }) =>
          level === 'entries'
            ? encodeEntryBundle(puppet.entries.slice(index * TILE_WIDTH, index * TILE_WIDTH + width))
            : tree.tileBytes(level, index, width),
        cosigned: [],
        manifests: [{ version: manifest.version, text }],
        proofs: (indices) =>
          Promise.resolve(
            indices.map((index) => {
              const proof = proofs.get(index);
              return proof && encodeReceipt(proof);
            }),
          ),
      },
      options,
    ),
  );
}
