/** What a message brings besides its step of the case: files, exhibits, and how long it may be kept. */
import type { ExchangeContext } from './context.ts';
import type { StepView } from './committer.ts';
import { carriedBy } from './evidence-content.ts';
import { planItems, planReceivedAgain, planReturned, type Contradiction } from './evidence-handover.ts';
import { planArrivals } from './evidence-steps.ts';
import type { NotedIncident } from './incident.ts';
import type { OpenedDelivery } from './opening.ts';
import { planRetention } from './retention.ts';

/** What is found about the exhibits of a message while it is applied. */
export interface Findings {
  /** What contradicts what is known of them here; to be recorded. */
  readonly contradictions: readonly Contradiction[];
  /** What was recorded in the same step. */
  readonly incidents: readonly NotedIncident[];
}

export const NO_FINDINGS: Findings = { contradictions: [], incidents: [] };

/** Files that the message announces, exhibits that it describes or returns, and how long it may be kept are noted in the same step. */
export async function planContent(
  context: ExchangeContext,
  view: StepView,
  { message }: OpenedDelivery,
): Promise<Findings> {
  const { header, body } = message;
  const { message_id, case_id, from: peer } = header;
  planRetention(view, message, context.code);
  if (body.type === 'return_of_originals')
    return { ...NO_FINDINGS, contradictions: await planReturned(context, view, case_id, body.value.custody) };
  const { files, items } = carriedBy(body);
  const about = { peer, case_id };
  const contradictions = await planItems(context, view, about, items);
  if (files.length > 0) {
    const acceptance = context.evidence?.acceptance ?? { maxBytes: 0 };
    await planArrivals(view, { ...about, message_id, files }, acceptance, context.clock.nowMs());
  }
  return { contradictions, incidents: await planReceivedAgain(context, view, about, items) };
}
