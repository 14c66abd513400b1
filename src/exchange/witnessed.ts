/** What this node's own cosignatures say of a peer's past. */
import { bytesToBase64url, type JurisdictionCode } from '../base/mod.ts';
import type { ExchangeContext } from './context.ts';
import type { ProvedEntry } from './peer-entry.ts';
import { decodeRecord, keys, parseDecimalKey, type WitnessedHeadRecord } from './record.ts';

/**
 * Whether an entry of a peer's ledger was in it before a time, by what this node itself cosigned: the entry lies under a head cosigned
 * before, and the head that proves it now is one that was shown to continue it. Whoever stole the peer's keys since cannot have put it there.
 */
export async function wasWitnessedBefore(
  context: Pick<ExchangeContext, 'store'>,
  peer: JurisdictionCode,
  { ref, checkpoint }: Pick<ProvedEntry, 'ref' | 'checkpoint'>,
  timeMs: number,
): Promise<boolean> {
  const bytes = await context.store.get(keys.witnessedHead(peer, checkpoint.size));
  const proving = bytes === undefined ? undefined : decodeRecord<WitnessedHeadRecord>(bytes);
  if (proving?.root !== bytesToBase64url(checkpoint.root)) return false;
  if (proving.time < timeMs) return true;
  for await (const [key, record] of context.store.scan(keys.witnessedHeadsOf(peer), { reverse: true })) {
    if (decodeRecord<WitnessedHeadRecord>(record).time < timeMs) return ref.index < parseDecimalKey(key);
  }
  return false;
}
