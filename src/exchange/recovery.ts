/**
 * Takes back what a peer holds of entries that this node has lost. The lost entry is this node's own word, under a former origin of its
 * ledger, so it counts as what it says: a message that was received stays received, and is not acknowledged again.
 */
import { accept, bytesToBase64url, equalBytes, refuse, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import { placeInOrder, verifyInclusionProofText } from '../ledger/mod.ts';
import {
  WireError,
  encodeReceipt,
  parseLedgerEntry,
  type GiveBack,
  type LedgerEntry,
  type Receipt,
  type Recovered,
} from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { takeBackArrival } from './evidence-arrival.ts';
import { recordIncident } from './incident.ts';
import { ownLedgerKeysOf } from './own-key.ts';
import { verifyPeerEntry, type ProvedEntry } from './peer-entry.ts';
import type { LostEntry, Plan } from './recovery-entry.ts';
import { planOwn } from './recovery-own.ts';
import { planTheirs } from './recovery-theirs.ts';

/**
 * Takes one lost entry back, unless it is here already.
 * @param proved the epoch of the peer's own that it has begun as well, and proved before
 * @returns refused when the peer has given something that proves nothing, or out of order
 */
export async function takeBack(
  context: ExchangeContext,
  peer: JurisdictionCode,
  given: GiveBack,
  proved?: number,
): Promise<Verdict<undefined>> {
  const lost = verifyLost(context, peer, given.lost);
  if (!lost.ok) return lost;
  const counterpart = verifyPeerEntry(context, peer, given.counterpart, { former: true, proved });
  if (!counterpart.ok) return counterpart;
  const { message_id: id } = lost.value.entry;
  const plan = planOf(lost.value.entry.kind)(context, peer, given, lost.value, counterpart.value);
  if (!plan.ok) return plan;
  const outcome = await context.committer.commit(plan.value, peer);
  if (!outcome.ok) return outcome;
  context.failpoint('recovery.committed');
  if (outcome.value.failure !== undefined) {
    await recordIncident(context, peer, {
      kind: 'RECOVERY_INCOMPLETE',
      detail: `message ${id} was given back, and its case or files could not be brought up to it`,
      exhibits: [bytesToBase64url(encodeReceipt(given.lost))],
    });
  }
  return accept(undefined);
}

/** Whether a receipt proves an entry of this node's own, in an epoch that it has left. */
function verifyLost(context: ExchangeContext, peer: JurisdictionCode, receipt: Receipt): Verdict<LostEntry> {
  const named = ownLedgerKeysOf(context, receipt.proof);
  if (named === undefined || named.epoch >= context.ledger.epoch)
    return refuse('EPOCH_UNKNOWN', 'not of a former epoch');
  const proved = verifyInclusionProofText(receipt.proof, receipt.entry, named.keys, context.verifyCheckpoint);
  if (!proved.ok) return proved;
  const entry = parse(receipt.entry);
  const kind = entry?.kind;
  const isMessage = kind === 'SENT' || kind === 'VOIDED' || kind === 'RECEIVED' || kind === 'REFUSED';
  const isArrival = kind === 'EVIDENCE_COMPLETE' && entry?.detail?.type === 'evidence_arrived';
  if (entry === undefined || !(isMessage || isArrival) || entry.peer !== peer)
    return refuse('ENTRY_UNRELATED', 'not about a message or a file between the two');
  const { leaf, index, checkpoint } = proved.value;
  const detail: Recovered = { kind, leaf_hash: leaf, checkpoint: checkpoint.note };
  return accept({ entry, receipt, detail, place: placeInOrder(named.epoch, index) });
}

function planOf(kind: LedgerEntry['kind']): typeof planTheirs {
  if (kind === 'EVIDENCE_COMPLETE') return planArrived;
  return kind === 'SENT' || kind === 'VOIDED' ? planOwn : planTheirs;
}

/** A file of the peer's that had arrived here. */
function planArrived(
  _context: ExchangeContext,
  peer: JurisdictionCode,
  _given: GiveBack,
  lost: LostEntry,
  { entry }: ProvedEntry,
): Verdict<Plan> {
  const named = entry.detail?.type === 'peer_entry' ? entry.detail.value.leaf_hash : undefined;
  const isAnswer = entry.kind === lost.entry.kind && named !== undefined && equalBytes(named, lost.detail.leaf_hash);
  if (!isAnswer) return refuse('ENTRY_UNRELATED', 'the answer is not to that arrival');
  return accept(async (view) => accept(await takeBackArrival(view, peer, lost)));
}

function parse(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return parseLedgerEntry(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
