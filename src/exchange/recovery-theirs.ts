/** Takes back that this node had answered a message of a peer's. */
import { accept, refuse, utf8ToBytes, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import { encodeReceipt, type Deliver, type GiveBack, type LedgerEntry } from '../wire/mod.ts';
import { putStep, stepPeer } from './case-record.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { planContent } from './delivered-content.ts';
import { isAbout } from './inbox.ts';
import { openBound, type BoundDelivery } from './opening.ts';
import type { ProvedEntry } from './peer-entry.ts';
import { noteCheckpoint } from './peer-head.ts';
import { NEW_PEER, keys, type MessageRecord, type PeerRecord } from './record.ts';
import { COPY, appendRecovered, isSameMessage, recordOf, type LostEntry, type Plan } from './recovery-entry.ts';

/** A message of the peer's that this node had answered. */
export function planTheirs(
  context: ExchangeContext,
  peer: JurisdictionCode,
  { counterpart, sealed }: GiveBack,
  lost: LostEntry,
  proved: ProvedEntry,
): Verdict<Plan> {
  const { entry } = lost;
  const deliver: Deliver = {
    from: peer,
    to: context.code,
    message_id: entry.message_id!,
    seq: entry.seq,
    sealed,
    sent: counterpart,
  };
  if (!isAbout(context, deliver, proved) || !isSameMessage(entry, proved.entry))
    return refuse('ENTRY_UNRELATED', 'the delivery is not what was answered');
  const opened = sealed === undefined ? undefined : openBound(context, deliver, proved.entry);
  const bound = opened?.ok === true ? opened.value : undefined;
  return accept(async (view) => {
    const known = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
    if (entry.seq <= known.received_seq) return accept(COPY);
    if (entry.seq !== known.received_seq + 1) return refuse('SEQUENCE_GAP', `${entry.seq} after ${known.received_seq}`);
    const ref = appendRecovered(view, lost);
    const record: MessageRecord = {
      ...recordOf(entry, peer, bound?.message),
      direction: 'IN',
      status: statusOfTheirs(entry),
      sent: proved.ref,
      answer: ref,
      reason: entry.reason,
    };
    const id = record.message_id;
    view.putRecord(keys.message(id), record);
    view.put(keys.arrived(peer, entry.seq), utf8ToBytes(id));
    view.put(keys.counterpart(ref.index), encodeReceipt(counterpart));
    if (bound !== undefined) view.put(keys.signed(id), utf8ToBytes(bound.jws));
    else if (sealed !== undefined) view.put(keys.sealed(id), utf8ToBytes(sealed));
    view.putRecord(keys.peer(peer), noteCheckpoint({ ...known, received_seq: entry.seq }, proved.checkpoint));
    if (record.status !== 'RECEIVED') return accept({ isNew: true });
    return accept({ isNew: true, failure: await applyTheirs(context, view, bound, proved, lost) });
  });
}

function statusOfTheirs({ kind, reason }: LedgerEntry): MessageRecord['status'] {
  if (kind === 'RECEIVED') return reason === undefined ? 'RECEIVED' : 'VOIDED';
  return reason === 'SIGNING_KEY_REVOKED' ? 'QUARANTINED' : 'REFUSED';
}

async function applyTheirs(
  context: ExchangeContext,
  view: StepView,
  bound: BoundDelivery | undefined,
  proved: ProvedEntry,
  lost: LostEntry,
): Promise<unknown> {
  if (bound === undefined) return new Error('it does not open any more');
  try {
    const step = await stepPeer(context, view, bound.message, proved.place);
    if (!step.ok) return step;
    await putStep(context, view, step.value, { message_id: bound.message.header.message_id, place: lost.place });
    await planContent(context, view, bound);
    return undefined;
  } catch (failure) {
    return failure;
  }
}
