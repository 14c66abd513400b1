/** What a sender's conditions and labels forbid its recipient to do with a message: handing it to somebody who is not a party. */
import type { Message, WithheldRule } from '../wire/mod.ts';
import type { Case } from './case.ts';

/**
 * Why a received message must not be handed on; undefined where nothing forbids it, or where its sender has consented since. A condition
 * counts until its last day, a date of retention from the day after.
 * @param current the message's case, where there is one
 * @see UNTOC art. 18(5), 18(19)–(20); Budapest art. 28(2); 1959 Convention AP-II art. 26
 */
export function onwardLimit(
  { header, body }: Message,
  current: Pick<Case, 'steps'> | undefined,
  nowMs: number,
): WithheldRule | undefined {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const { value } = body;
  const protection = 'data_protection' in value ? value.data_protection : undefined;
  if (protection !== undefined && today > protection.retain_until) return 'RETENTION_ENDED';
  const conditions = 'conditions' in value ? value.conditions : [];
  if (conditions.some(({ kind, until }) => kind === 'EXPIRY' && until !== undefined && today > until)) return 'EXPIRED';
  const consented = current?.steps.some(
    ({ by, type, outcome, issued_at: at }) => by === header.from && at >= header.issued_at && isConsent(type, outcome),
  );
  if (consented === true) return undefined;
  const inForce = conditions.filter(({ until }) => until === undefined || today <= until).map(({ kind }) => kind);
  if (inForce.includes('NO_ONWARD')) return 'NO_ONWARD';
  if (inForce.includes('CONFIDENTIAL')) return 'CONFIDENTIAL';
  if (protection?.onward_needs_consent === true) return 'CONSENT_NEEDED';
  return 'handling' in value && value.handling?.tlp === 'RED' ? 'HANDLING_RED' : undefined;
}

function isConsent(type: string, outcome: string | undefined): boolean {
  return (
    (type === 'use_consent_decision' && outcome === 'GRANT') || (type === 'jit_use_consent' && outcome === 'GRANTED')
  );
}
