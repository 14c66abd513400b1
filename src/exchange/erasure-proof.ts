/** Another node's word that it has erased: entries of its own ledger, proved like receipts. */
import type { Uuid } from '../base/mod.ts';
import type { Case } from '../casework/mod.ts';
import type { Message } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, type OfferRecord } from './evidence-record.ts';
import { verifyPeerEntry } from './peer-entry.ts';
import { keys, type EntryRef, type MessageRecord } from './record.ts';

/** Which of the messages that were to be erased are, by the peer's ledger. */
export type ProvedErasures = ReadonlyMap<Uuid, EntryRef>;

/**
 * Reads the proofs of an answer; undefined where one proves nothing that was asked for, or where more is claimed than is proved.
 * @param before the case before the answer
 */
export async function provedErasures(
  context: Pick<ExchangeContext, 'clock' | 'code' | 'directory' | 'inclusions'>,
  view: Pick<StepView, 'getRecord'>,
  { header, body }: Message,
  { before, after }: { readonly before: Case | undefined; readonly after: Case },
): Promise<ProvedErasures | undefined> {
  const proved = new Map<Uuid, EntryRef>();
  if (body.type !== 'erasure_answer') return proved;
  const left = new Set(after.obligations.map(({ message_id: id }) => id));
  const settled = before?.obligations.find(({ kind, message_id: id }) => kind === 'ERASURE' && !left.has(id));
  const asked = new Set<string>(settled?.items);
  for (const receipt of body.value.proofs) {
    const verified = verifyPeerEntry(context, header.from, receipt, { former: true });
    if (!verified.ok) return undefined;
    const { entry, ref } = verified.value;
    if (entry.kind === 'ERASED' && entry.peer === context.code && asked.has(entry.message_id!))
      proved.set(entry.message_id as Uuid, ref);
    else if (entry.detail?.type === 'evidence_deleted') {
      const offer = await view.getRecord<OfferRecord>(evidenceKeys.offer(header.from, entry.detail.value.file_id));
      if (offer?.message_ids.some((id) => asked.has(id)) !== true) return undefined;
    } else return undefined;
  }
  return body.value.outcome === 'ERASED' && proved.size !== asked.size ? undefined : proved;
}

/** Notes with each own message that the peer's copy is gone. */
export async function noteErasures(
  view: Pick<StepView, 'getRecord' | 'putRecord'>,
  proved: ProvedErasures,
): Promise<void> {
  for (const [id, peer_erased] of proved) {
    const record = await view.getRecord<MessageRecord>(keys.message(id));
    if (record !== undefined) view.putRecord(keys.message(id), { ...record, peer_erased } satisfies MessageRecord);
  }
}
