import { parseUtf8, type JurisdictionCode } from '../base/mod.ts';
import { exportBundle, type BundleSource } from '../audit/mod.ts';
import { cosignaturesOf, exchangeKeys } from '../exchange/mod.ts';
import { cosignatureLine, parseCheckpointNote } from '../ledger/mod.ts';
import { memberByCode, verifyManifest } from '../trust/mod.ts';
import type { Store } from '../store/mod.ts';
import { wantedPart, type BundleRequest } from './bundle-request.ts';
import type { NodeStorage } from './node.ts';

/**
 * A bundle of a node's ledger, or of the part that is asked for, as of its latest checkpoint.
 * @throws {NodeError} NODE_SELECTION_INVALID before the first byte
 */
export async function bundleOf(
  code: JurisdictionCode,
  parts: Pick<NodeStorage, 'store' | 'ledger'>,
  request: BundleRequest = {},
  onProgress?: (done: number, total: number) => void,
): Promise<AsyncGenerator<Uint8Array>> {
  const source = await bundleSource(code, parts);
  const part = await wantedPart(parts, parseCheckpointNote(source.checkpoint).size, request);
  return exportBundle(source, { part, ...(onProgress === undefined ? {} : { onProgress }) });
}

async function bundleSource(
  code: JurisdictionCode,
  { store, ledger }: Pick<NodeStorage, 'store' | 'ledger'>,
): Promise<BundleSource> {
  for (;;) {
    const manifests = await acceptedManifests(store);
    const checkpoint = ledger.checkpoint.note;
    const cosigned = await cosignedCheckpoints(store, ledger, manifests);
    // A manifest that came into force in between would be in the ledger and not in the bundle.
    if ((await acceptedManifests(store)).length !== manifests.length) continue;
    return {
      code,
      checkpoint,
      tile: (tile) => ledger.tile(tile),
      manifests,
      cosigned,
      proofs: (indices) => store.getMany(indices.map(exchangeKeys.peerProof)),
    };
  }
}

async function acceptedManifests(store: Store): Promise<{ readonly version: number; readonly text: string }[]> {
  const manifests: { readonly version: number; readonly text: string }[] = [];
  for await (const [key, bytes] of store.scan('manifest/')) {
    manifests.push({ version: Number(key.slice('manifest/'.length)), text: parseUtf8(bytes) });
  }
  return manifests;
}

/** The newest cosignature of each peer, beside the checkpoint that it is about. */
async function cosignedCheckpoints(
  store: Store,
  ledger: NodeStorage['ledger'],
  manifests: readonly { readonly text: string }[],
): Promise<{ readonly size: number; readonly note: string }[]> {
  const newest = verifyManifest(manifests.at(-1)?.text ?? '', { selfSigned: true });
  const notes = new Map<number, string>();
  for (const { peer, size, signature } of newest.ok ? await cosignaturesOf({ store }) : []) {
    const name = newest.ok ? memberByCode(newest.value.manifest, peer)?.witness.name : undefined;
    if (name === undefined || size > ledger.size) continue;
    notes.set(size, (notes.get(size) ?? (await ledger.checkpointAt(size)).note) + cosignatureLine(name, signature));
  }
  return [...notes].sort(([a], [b]) => a - b).map(([size, note]) => ({ size, note }));
}
