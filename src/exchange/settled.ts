/**
 * Whether a node knows what it had sent to a peer. After its ledger has lost entries it does not, until the peer has given back what it
 * holds of them, or has shown that it holds nothing: before that a number might be used twice, and what left might be given up.
 */
import type { JurisdictionCode } from '../base/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { decodeRecord, keys, type SettledRecord } from './record.ts';

interface Reading {
  get(key: string): Promise<Uint8Array | undefined>;
}

/** Whether nothing is open with the peer from before the present epoch of this node's ledger. */
export async function isSettled(
  { ledger }: Pick<ExchangeContext, 'ledger'>,
  store: Reading,
  peer: JurisdictionCode,
): Promise<boolean> {
  if (ledger.epoch === 1) return true;
  const bytes = await store.get(keys.settled(peer));
  return bytes !== undefined && decodeRecord<SettledRecord>(bytes).epoch === ledger.epoch;
}

/** Writes down that it is so, as part of a step. */
export function putSettled({ ledger }: Pick<ExchangeContext, 'ledger'>, view: StepView, peer: JurisdictionCode): void {
  view.putRecord(keys.settled(peer), { epoch: ledger.epoch } satisfies SettledRecord);
}

/** Writes it down once, in a step of its own. */
export async function noteSettled(context: ExchangeContext, peer: JurisdictionCode): Promise<void> {
  if (await isSettled(context, context.store, peer)) return;
  await context.committer.commit((view) => {
    putSettled(context, view, peer);
    return Promise.resolve();
  }, peer);
}
