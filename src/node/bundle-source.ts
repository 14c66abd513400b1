import { parseUtf8, type JurisdictionCode } from '../base/mod.ts';
import type { BundleSource } from '../audit/mod.ts';
import { exchangeKeys } from '../exchange/mod.ts';
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
    // A manifest that came into force in between would be in the ledger and not in the bundle.
    if ((await acceptedManifests(store)).length !== manifests.length) continue;
    return {
      code,
      checkpoint,
      tile: (tile) => ledger.tile(tile),
      manifests,
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
