import { bytesToHex, isoTime, sha256, type JurisdictionCode } from '../base/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { decodeRecord, encodeRecord, keys } from './record.ts';

/** What contradicted what. The record is kept whole; the ledger holds its digest. */
export interface IncidentEvidence {
  readonly kind:
    | 'FORKED_LEDGER'
    | 'ROLLED_BACK_LEDGER'
    | 'RESTARTED_LEDGER'
    | 'RECOVERY_INCOMPLETE'
    | 'CONTRADICTORY_DELIVERY'
    | 'CONTRADICTORY_RECEIPT'
    | 'INVALID_RECEIPT'
    | 'NOT_PROCESSABLE'
    | 'EVIDENCE_MISMATCH'
    | 'CUSTODY_CONTRADICTION';
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

/** Lets one incident of each kind through a minute, for each peer. */
export class IncidentPace {
  readonly #last = new Map<string, number>();

  /** @param nowMs of a clock that never jumps: a wall clock set back would silence every incident until it caught up */
  admits(peer: JurisdictionCode, kind: IncidentEvidence['kind'], nowMs: number): boolean {
    const id = `${peer}/${kind}`;
    if (nowMs - (this.#last.get(id) ?? -Infinity) < MIN_INTERVAL_MS) return false;
    this.#last.set(id, nowMs);
    return true;
  }
}

/** An incident that a step has written down. */
export interface NotedIncident {
  readonly peer: JurisdictionCode;
  readonly detail: string;
  readonly noticedAtMs: number;
  readonly index: number;
}

/** Records a contradiction by a peer: the evidence in the store, its digest in the ledger, in one batch. */
export async function recordIncident(
  context: ExchangeContext,
  peer: JurisdictionCode,
  evidence: IncidentEvidence,
): Promise<void> {
  if (!context.incidentPace.admits(peer, evidence.kind, context.timers.monotonicMs())) return;
  const noted = await context.committer.commit(
    (view) => Promise.resolve(planIncident(context, view, peer, evidence)),
    peer,
  );
  tellIncidents(context, [noted]);
}

/** The same within a step that is under way, for what must not be known without being recorded. Tell of it when the step is durable. */
export function planIncident(
  { clock }: Pick<ExchangeContext, 'clock'>,
  view: StepView,
  peer: JurisdictionCode,
  evidence: IncidentEvidence,
): NotedIncident {
  const nowMs = clock.nowMs();
  const record = encodeRecord({ peer, noticed_at: isoTime(nowMs), ...evidence });
  const digest = sha256(record);
  view.put(keys.incident(bytesToHex(digest)), record);
  const { index } = view.append({ kind: 'INCIDENT', peer, seq: 0, detail: { type: 'incident', value: { digest } } });
  return { peer, detail: evidence.detail, noticedAtMs: nowMs, index };
}

/** Tells whoever listens. */
export function tellIncidents({ emit }: Pick<ExchangeContext, 'emit'>, noted: readonly NotedIncident[]): void {
  for (const { peer, detail, noticedAtMs, index } of noted)
    emit({ kind: 'INCIDENT', time: noticedAtMs, peer, detail, index });
}

/** Every incident that this node has recorded. */
export async function listIncidents(context: Pick<ExchangeContext, 'store'>): Promise<IncidentRecord[]> {
  const incidents: IncidentRecord[] = [];
  for await (const [, bytes] of context.store.scan('incident/')) incidents.push(decodeRecord<IncidentRecord>(bytes));
  return incidents.sort((a, b) => (a.noticed_at < b.noticed_at ? -1 : 1));
}
