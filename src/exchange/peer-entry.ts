/**
 * Reads an entry of a peer's ledger that came with its proof: the one way in which the exchange believes what a peer's ledger says.
 */
import { accept, refuse, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import { epochKeys, epochKeysOf, placeInOrder, type Checkpoint } from '../ledger/mod.ts';
import { WireError, parseLedgerEntry, type LedgerEntry, type PeerEntry, type Receipt } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import type { EntryRef } from './record.ts';

/** An entry that is proved to be in its ledger. */
export interface ProvedEntry {
  readonly entry: LedgerEntry;
  readonly ref: EntryRef;
  /** Where the entry stands among those of all epochs of its ledger: what cases are ordered by. */
  readonly place: number;
  readonly checkpoint: Checkpoint;
  /** What this node's own ledger says of it. */
  readonly detail: { readonly type: 'peer_entry'; readonly value: PeerEntry };
}

/**
 * Verifies a receipt, or a sender's entry, against the peer's ledger keys in the manifest.
 * @param options `former`: whether it may be of an epoch that the peer's ledger has left: what was acknowledged then stays acknowledged;
 * `atMs`: when it was taken, if that was before now; the keys of then count. Unix milliseconds.
 * `proved`: an epoch that the peer has proved in this session, and that this node does not follow yet
 */
export function verifyPeerEntry(
  context: Pick<ExchangeContext, 'directory' | 'clock' | 'inclusions'>,
  peer: JurisdictionCode,
  receipt: Receipt,
  {
    former = false,
    atMs,
    proved = 0,
  }: { readonly former?: boolean; readonly atMs?: number; readonly proved?: number | undefined } = {},
): Verdict<ProvedEntry> {
  // A manifest that came into force while the frame was on its way may have ended the membership.
  if (context.directory.member(peer) === undefined) return refuse('NOT_A_MEMBER', `${peer} is no longer a member`);
  const { directory, clock, inclusions } = context;
  const listed = directory.listedLedgerKeys(peer, atMs ?? clock.nowMs());
  const named = former ? epochKeysOf(receipt.proof, listed) : undefined;
  const epoch = Math.min(named?.epoch ?? Infinity, Math.max(directory.epoch(peer), proved));
  const keys = epochKeys(listed, epoch);
  const inclusion = inclusions.verify(receipt.proof, receipt.entry, keys);
  if (!inclusion.ok) return refuse(inclusion.reason, inclusion.detail);
  let entry: LedgerEntry;
  try {
    entry = parseLedgerEntry(receipt.entry);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return refuse('ENTRY_MALFORMED', error.message);
  }
  const { index, leaf, checkpoint } = inclusion.value;
  return accept({
    entry,
    ref: { index, time: entry.time },
    place: placeInOrder(epoch, index),
    checkpoint,
    detail: { type: 'peer_entry', value: { leaf_hash: leaf, checkpoint: checkpoint.note } },
  });
}
