import type { MeasureType } from '../wire/mod.ts';

/**
 * Measures that are carried out by compulsion or intrude on rights without consent. A request for one must carry the text of the law
 * and say that the measure could be taken at home (CETS 198 art. 37(1)(e), (f)).
 */
const COERCIVE: ReadonlySet<MeasureType> = new Set<MeasureType>([
  'SEARCH_SEIZE_FREEZE',
  'ASSET_RECOVERY',
  'PRISONER_TRANSFER_IN',
  'PRISONER_TRANSFER_OUT',
  'BANK_MONITOR',
  'STORED_DATA',
  'TRAFFIC_RT',
  'INTERCEPT',
  'COVERT',
  'RESTITUTION',
  'PROVISIONAL',
]);

/** Whether a measure is coercive. */
export function isCoercive(type: MeasureType): boolean {
  return COERCIVE.has(type);
}
