/** What a node accepts from its peers. */
import { isIntegerIn, members } from './member-reader.ts';

/** What this node accepts from a peer. */
export interface NodeLimits {
  readonly maxMessageBytes: number;
  readonly maxEvidenceBytes: number;
  /** Most unanswered `Deliver` frames from one peer. */
  readonly credit: number;
  /** Most hit/no-hit queries of one peer in an hour, and identifiers in a day, that are answered. */
  readonly hitQueriesPerHour: number;
  readonly hitIdentifiersPerDay: number;
}

const MAX_MESSAGE_BYTES = 524_288;
const MAX_EVIDENCE_BYTES = 2 ** 40;
const DEFAULT_LIMITS: NodeLimits = {
  maxMessageBytes: MAX_MESSAGE_BYTES,
  maxEvidenceBytes: MAX_EVIDENCE_BYTES,
  credit: 256,
  hitQueriesPerHour: 20,
  hitIdentifiersPerDay: 400,
};

/** Reads `limits`. */
export function parseLimits(json: unknown, faults: string[]): NodeLimits {
  const known = [
    'max_message_bytes',
    'max_evidence_bytes',
    'credit',
    'hit_queries_per_hour',
    'hit_identifiers_per_day',
  ];
  const given = members(json ?? {}, 'limits.', known, faults);
  const read = (name: string, min: number, max: number, fallback: number): number => {
    const value = given[name] ?? fallback;
    if (!isIntegerIn(value, min, max)) faults.push(`limits.${name} must be a whole number from ${min} to ${max}`);
    return value as number;
  };
  return {
    maxMessageBytes: read('max_message_bytes', 4096, MAX_MESSAGE_BYTES, DEFAULT_LIMITS.maxMessageBytes),
    maxEvidenceBytes: read('max_evidence_bytes', 0, Number.MAX_SAFE_INTEGER, DEFAULT_LIMITS.maxEvidenceBytes),
    credit: read('credit', 1, 4096, DEFAULT_LIMITS.credit),
    hitQueriesPerHour: read('hit_queries_per_hour', 0, 10_000, DEFAULT_LIMITS.hitQueriesPerHour),
    hitIdentifiersPerDay: read('hit_identifiers_per_day', 0, 1_000_000, DEFAULT_LIMITS.hitIdentifiersPerDay),
  };
}
