/** Rules of the request, the decision and the report. */
import type { AssistanceRequest, ExecutionReport, ReviewDecision, SupplementaryRequest } from '../../wire/mod.ts';
import { isCoercive } from '../measure-type.ts';
import { uniqueFaults, type Add } from './rule.ts';

export function requestFaults(request: AssistanceRequest, add: Add): void {
  uniqueFaults(request.measures, 'measures', (measure) => measure.id, 'id', add);
  uniqueFaults(request.assets, 'assets', (asset) => asset.id, 'id', add);
  const coercive = request.measures.find((measure) => isCoercive(measure.type));
  if (coercive !== undefined) {
    const because = `is required because measure ${coercive.id} (${coercive.type}) is coercive (CETS 198 art. 37)`;
    if (request.law_text === undefined) add('law_text', 'REQUIRED', because);
    if (request.domestic_availability === undefined) add('domestic_availability', 'REQUIRED', because);
  }
  if (request.urgency !== 'ROUTINE' && request.urgency_reason === undefined) {
    add('urgency_reason', 'REQUIRED', `is required with urgency ${request.urgency}`);
  }
  if (request.urgency === 'PRIORITY' && request.deadline === undefined) {
    add('deadline', 'REQUIRED', 'is required with urgency PRIORITY');
  }
  if (request.oral !== undefined && request.confirms_oral) {
    add('confirms_oral', 'CONFLICT', 'contradicts oral: a confirmation is in writing');
  }
}

export function supplementFaults({ request }: SupplementaryRequest, add: Add): void {
  requestFaults(request, (path, code, message) => {
    add(`request.${path}`, code, message);
  });
  if (request.confirms_oral)
    add('request.confirms_oral', 'BAD_VALUE', 'belongs into an assistance_request of the same case');
}

export function decisionFaults(decision: ReviewDecision, add: Add): void {
  uniqueFaults(decision.measures, 'measures', (measure) => measure.measure_id, 'measure_id', add);
  const outcomes = new Set(decision.measures.map((measure) => measure.outcome));
  decision.measures.forEach((measure, index) => {
    const path = `measures[${index}]`;
    if (measure.outcome === 'PART') add(`${path}.outcome`, 'BAD_VALUE', 'must be ACCEPT or REFUSE for one measure');
    if (measure.outcome === 'REFUSE' && measure.codes.length === 0 && decision.codes.length === 0) {
      add(`${path}.codes`, 'REQUIRED', 'needs at least one ground of refusal (UNTOC art. 18(23))');
    }
    if (measure.outcome !== 'REFUSE' && measure.codes.length > 0) {
      add(`${path}.codes`, 'CONFLICT', 'are grounds of refusal, but the measure is accepted');
    }
  });
  const expected = outcomes.size > 1 ? 'PART' : [...outcomes][0];
  if (expected !== undefined && expected !== 'PART' && decision.outcome !== expected) {
    add('outcome', 'CONFLICT', `must be ${expected}, as for every measure`);
  }
  if (outcomes.size > 1 && decision.outcome !== 'PART') add('outcome', 'CONFLICT', 'must be PART when measures differ');
  if (decision.outcome !== 'ACCEPT' && decision.reasons === undefined) {
    add('reasons', 'REQUIRED', 'are required with a refusal in full or in part (UNTOC art. 18(23))');
  }
  if (decision.outcome === 'ACCEPT' && decision.codes.length > 0) {
    add('codes', 'CONFLICT', 'are grounds of refusal, but the request is accepted');
  }
}

export function reportFaults(report: ExecutionReport, add: Add): void {
  uniqueFaults(report.measures, 'measures', (measure) => measure.measure_id, 'measure_id', add);
  const reported = new Set(report.measures.map((measure) => measure.measure_id));
  report.measures.forEach((measure, index) => {
    const path = `measures[${index}].impossibility`;
    if (measure.outcome === 'IMPOSSIBLE' && measure.impossibility === undefined) {
      add(path, 'REQUIRED', 'is required with outcome IMPOSSIBLE');
    }
    if (measure.outcome === 'EXECUTED' && measure.impossibility !== undefined) {
      add(path, 'CONFLICT', 'contradicts outcome EXECUTED');
    }
  });
  report.actions.forEach((action, index) => {
    if (!reported.has(action.measure_id)) {
      add(`actions[${index}].measure_id`, 'BAD_VALUE', 'is not one of the measures of this report');
    }
  });
  const outcomes = new Set(report.measures.map((measure) => measure.outcome));
  const expected = outcomes.size > 1 ? 'PARTIAL' : [...outcomes][0];
  if (expected !== undefined && report.outcome !== expected) {
    add('outcome', 'CONFLICT', `must be ${expected}, given the outcomes of the measures`);
  }
}
