import { bytesToHex, isoTime, sha256, type JurisdictionCode } from '../base/mod.ts';
import type { ExchangeContext } from './context.ts';
import { decodeRecord, encodeRecord, keys } from './record.ts';

/** What contradicted what. The record is kept whole; the ledger holds its digest. */
export interface IncidentEvidence {
  readonly kind:
    'FORKED_LEDGER' | 'ROLLED_BACK_LEDGER' | 'CONTRADICTORY_DELIVERY' | 'CONTRADICTORY_RECEIPT' | 'INVALID_RECEIPT';
  readonly detail: string;
  /** Signed notes, receipts and deliveries as they came, in text. */
  readonly exhibits: readonly string[];
}

/** An incident as it is kept. */
export interface IncidentRecord extends IncidentEvidence {
  readonly peer: JurisdictionCode;
  /** ISO 8601. */
  readonly noticed_at: string;
}

// A peer that misbehaves on purpose must not be able to fill this node's ledger.
const MIN_INTERVAL_MS = 60_000;
const lastByContext = new WeakMap<ExchangeContext, Map<string, number>>();

/** Records a contradiction by a peer: the evidence in the store, its digest in the ledger, in one batch. */
export async function recordIncident(
  context: ExchangeContext,
  peer: JurisdictionCode,
  evidence: IncidentEvidence,
): Promise<void> {
  const nowMs = context.clock.nowMs();
  const last = lastByContext.get(context) ?? new Map<string, number>();
  lastByContext.set(context, last);
  const id = `${peer}/${evidence.kind}`;
  if (nowMs - (last.get(id) ?? -Infinity) < MIN_INTERVAL_MS) return;
  last.set(id, nowMs);
  const record = encodeRecord({ peer, noticed_at: isoTime(nowMs), ...evidence });
  const digest = sha256(record);
  const index = await context.committer.commit((view) => {
    view.put(keys.incident(bytesToHex(digest)), record);
    const ref = view.append({ kind: 'INCIDENT', peer, seq: 0, detail: { type: 'incident', value: { digest } } });
    return Promise.resolve(ref.index);
  });
  context.emit({ kind: 'INCIDENT', time: nowMs, peer, detail: evidence.detail, index });
}

/** Every incident that this node has recorded. */
export async function listIncidents(context: Pick<ExchangeContext, 'store'>): Promise<IncidentRecord[]> {
  const incidents: IncidentRecord[] = [];
  for await (const [, bytes] of context.store.scan('incident/')) incidents.push(decodeRecord<IncidentRecord>(bytes));
  return incidents.sort((a, b) => (a.noticed_at < b.noticed_at ? -1 : 1));
}
