import { parseUtf8, systemClock, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { exportBundle, type BundleSource } from '../audit/mod.ts';
import { cosignaturesOf, discloseMessages, exchangeKeys, type Disclosure } from '../exchange/mod.ts';
import { verifyCosignature } from '../ledger/mod.ts';
import { keysAt, memberByCode, verifyManifest, witnessKeysOf } from '../trust/mod.ts';
import { StaffError, isStaffed } from '../staff/mod.ts';
import type { Store } from '../store/mod.ts';
import { invalidSelection, wantedMessages, wantedPart, type BundleRequest } from './bundle-request.ts';
import type { NodeStorage } from './node-storage.ts';
import { withStoppedCommitter } from './stopped-committer.ts';

/** What a bundle is made with beside its request. */
export interface BundleOptions {
  /** How messages are taken out; a running node has its own way, because only one may append to the ledger. */
  readonly disclose?: (ids: readonly Uuid[]) => Promise<Disclosure[]>;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * A bundle of a node's ledger, or of the part that is asked for, as of its latest checkpoint.
 * @throws {NodeError} NODE_SELECTION_INVALID @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, both before anything is disclosed
 */
export async function bundleOf(
  code: JurisdictionCode,
  parts: Pick<NodeStorage, 'store' | 'ledger'>,
  request: BundleRequest = {},
  { disclose = (ids) => discloseStopped(parts, ids), onProgress }: BundleOptions = {},
): Promise<AsyncGenerator<Uint8Array>> {
  const part = await wantedPart(parts, parts.ledger.size, request);
  if (request.peer !== undefined) await requirePeer(parts.store, code, request.peer);
  const ids = await wantedMessages(parts, part, request.disclose ?? []);
  const disclosed = ids.length === 0 ? [] : await disclose(ids);
  const source = await bundleSource(code, parts);
  return exportBundle(source, { part, disclosed, ...(onProgress === undefined ? {} : { onProgress }) });
}

/** A code that was mistyped would give a bundle in which nothing is, and that verifies. Who has left the federation stays listed. */
async function requirePeer(store: Store, own: JurisdictionCode, peer: string): Promise<void> {
  const newest = verifyManifest((await acceptedManifests(store)).at(-1)?.text ?? '', { selfSigned: true });
  const isPeer = peer !== own && newest.ok && newest.value.manifest.members.some(({ code }) => code === peer);
  if (!isPeer) throw invalidSelection(`“${peer}” is no other member of the federation`);
}

async function discloseStopped(
  { store, ledger }: Pick<NodeStorage, 'store' | 'ledger'>,
  ids: readonly Uuid[],
): Promise<Disclosure[]> {
  if (await isStaffed({ store }))
    throw new StaffError(
      'STAFF_CREDENTIAL_REQUIRED',
      'Staff is registered at this node: messages are disclosed by an auditor, while the node runs.',
    );
  return withStoppedCommitter({ store, ledger }, (committer) =>
    discloseMessages({ store, committer, clock: systemClock }, ids),
  );
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

/** The newest cosignature of each peer, beside the checkpoint that it is about; none that the newest manifest says is not to be believed. */
async function cosignedCheckpoints(
  store: Store,
  ledger: NodeStorage['ledger'],
  manifests: readonly { readonly text: string }[],
): Promise<{ readonly size: number; readonly note: string }[]> {
  const newest = verifyManifest(manifests.at(-1)?.text ?? '', { selfSigned: true });
  const notes = new Map<number, string>();
  for (const { peer, size, signature, time } of newest.ok ? await cosignaturesOf({ store }) : []) {
    const member = newest.ok ? memberByCode(newest.value.manifest, peer) : undefined;
    if (member === undefined || size > ledger.size) continue;
    const head = await ledger.checkpointAt(size);
    const cosigned = verifyCosignature(signature, head.origin, head, keysAt(witnessKeysOf(member), time * 1000));
    if (cosigned.ok) notes.set(size, (notes.get(size) ?? head.note) + cosigned.value.line);
  }
  return [...notes].sort(([a], [b]) => a - b).map(([size, note]) => ({ size, note }));
}
