import { parseUtf8, type JurisdictionCode } from '../base/mod.ts';
import type { BundleSource } from '../audit/mod.ts';
import { cosignaturesOf, exchangeKeys } from '../exchange/mod.ts';
import { cosignatureLine } from '../ledger/mod.ts';
import { memberByCode, verifyManifest } from '../trust/mod.ts';
import type { Store } from '../store/mod.ts';
import type { NodeStorage } from './node.ts';

/** What a node hands to its auditors, as of its latest checkpoint. */
export async function bundleSource(
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
      proof: (index) => store.get(exchangeKeys.peerProof(index)),
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
