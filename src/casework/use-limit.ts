/**
 * What a sender's conditions and labels forbid its recipient to do with what it was sent, until the sender consents to that very use.
 * Labels are rules of thumb and conditions are binding; the first in this order that forbids a use is named.
 */
import type { JurisdictionCode } from '../base/mod.ts';
import type { Body, BodyType, DataProtection, Handling, Message, WithheldPurpose, WithheldRule } from '../wire/mod.ts';
import { partyOf, type Case } from './case.ts';
import type { BoundCondition, Consent } from './folded.ts';

/** What somebody wants to do with a message, or with the files and items that came with it. */
export interface IntendedUse {
  readonly purpose: WithheldPurpose;
  /** With FORWARD, the state that would get it. */
  readonly onward_to?: JurisdictionCode | undefined;
  /** The items concerned, where it is not about all of the message. */
  readonly items?: readonly string[] | undefined;
}

/** As much of a case as limits depend on. */
export type LimitedCase = Pick<Case, 'requesting' | 'conditions' | 'consents' | 'steps'>;

interface Condition {
  readonly kind: BoundCondition['kind'];
  readonly until?: string | undefined;
}

// Uses that take a message beyond the authority that it was sent to.
const HANDED_ON: readonly WithheldPurpose[] = ['DISCLOSURE', 'FORWARD'];
const OTHER_USE: readonly WithheldPurpose[] = ['FORWARD', 'OTHER_PROCEEDING'];
const BEYOND_AUTHORITY: readonly WithheldPurpose[] = ['DISCLOSURE', 'FORWARD', 'AGENCY'];
const BEYOND_RECIPIENT: readonly WithheldPurpose[] = ['DISCLOSURE', 'FORWARD', 'AGENCY', 'COURT', 'EXPORT'];

/**
 * What each condition of a sender forbids without its consent. Where an authority uses what it got in the proceeding that it was given
 * for, before its court and by the agencies that execute, only time and labels stand in the way.
 * @see UNTOC art. 18(19)–(20); Budapest art. 28(2); 1959 Convention AP-II art. 26; Directive (EU) 2016/680 art. 9, 35
 */
const FORBIDS: readonly (readonly [BoundCondition['kind'] & WithheldRule, readonly WithheldPurpose[]])[] = [
  ['NO_ONWARD', BEYOND_AUTHORITY],
  ['CONFIDENTIAL', HANDED_ON],
  ['USE_LIMIT', OTHER_USE],
  ['SPECIALTY', OTHER_USE],
];

/** What labels forbid: TLP 2.0 of FIRST, and the handling codes of Europol. What H3 allows, only a person can read. */
const LABELS: Readonly<Record<string, readonly [WithheldRule, readonly WithheldPurpose[]]>> = {
  RED: ['HANDLING_RED', BEYOND_RECIPIENT],
  AMBER_STRICT: ['HANDLING_AMBER_STRICT', BEYOND_AUTHORITY],
  AMBER: ['HANDLING_AMBER', HANDED_ON],
  H1: ['HANDLING_H1', ['COURT']],
  H2: ['HANDLING_H2', BEYOND_AUTHORITY],
  H3: ['HANDLING_H3', [...BEYOND_AUTHORITY, 'COURT', 'OTHER_PROCEEDING']],
};

// Messages that bring what a condition of the case is about. An acknowledgement under such a case is nobody's secret.
const FURNISHING: ReadonlySet<BodyType> = new Set<BodyType>([
  'evidence_transfer',
  'execution_report',
  'asset_trace_result',
  'restraint_result',
  'management_report',
  'spontaneous_information',
  'alert',
  'hit_answer',
  'jit_contribution',
]);

// Messages whose conditions are about all that comes after them.
const AGREES: ReadonlySet<BodyType> = new Set<BodyType>([
  'conditions_offer',
  'conditions_preflight',
  'review_decision',
]);

/** What a message says of the personal data in it. */
export function protectionOf({ type, value }: Body): DataProtection | undefined {
  const said = type === 'supplementary_request' ? value.request : value;
  return 'data_protection' in said ? said.data_protection : undefined;
}

/**
 * Whether a message is marked for the people alone who are named as its readers, whoever else is cleared for all that their authority has.
 * @see TLP 2.0 of FIRST, TLP:RED
 */
export function isForNamedReaders(body: Body): boolean {
  return handlingOf(body)?.tlp === 'RED';
}

function handlingOf({ type, value }: Body): Handling | undefined {
  const said = type === 'supplementary_request' ? value.request : value;
  return 'handling' in said ? said.handling : undefined;
}

/** Whether messages of this type bring information or evidence. */
export function isFurnishing(type: BodyType): boolean {
  return FURNISHING.has(type);
}

/**
 * Why a received message must not be used so; undefined where nothing forbids it, or where its sender has consented since to that purpose,
 * that recipient and those items. A condition counts until its last day, a date of retention from the day after.
 * @param current the message's case, where there is one
 */
export function useLimit(
  message: Message,
  current: LimitedCase | undefined,
  use: IntendedUse,
  nowMs: number,
): WithheldRule | undefined {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const { header, body } = message;
  const protection = protectionOf(body);
  if (protection !== undefined && today > protection.retain_until) return 'RETENTION_ENDED';
  const conditions = conditionsOn(message, current, use);
  const isOver = ({ kind, until }: Condition): boolean => kind === 'EXPIRY' && until !== undefined && today > until;
  if (conditions.some(isOver)) return 'EXPIRED';
  const isCovered = current?.consents?.some(
    (consent) => consent.by === partyOf(current, header.from) && covers(consent, message, use, today),
  );
  if (isCovered === true) return undefined;
  const { purpose } = use;
  const bound = new Set(
    conditions.filter(({ until }) => until === undefined || today <= until).map(({ kind }) => kind),
  );
  const forbidden = FORBIDS.find(([kind, purposes]) => bound.has(kind) && purposes.includes(purpose));
  if (forbidden !== undefined) return forbidden[0];
  if (protection?.onward_needs_consent === true && HANDED_ON.includes(purpose)) return 'CONSENT_NEEDED';
  const handling = handlingOf(body);
  const labels = [handling?.tlp, ...(handling?.europol_codes ?? [])].map((label) => LABELS[label ?? '']);
  return labels.find((label) => label?.[1].includes(purpose))?.[0];
}

/** Conditions of the message itself, of the items in question, and those that were agreed on for whatever the case would bring. */
function conditionsOn(
  { header, body }: Message,
  current: LimitedCase | undefined,
  { items: wanted }: IntendedUse,
): readonly Condition[] {
  const { value, type } = body;
  const own = 'conditions' in value ? value.conditions : [];
  const described = type === 'evidence_transfer' || type === 'jit_contribution' ? value.items : [];
  const ofItems = described
    .filter(({ item_id: id }) => wanted === undefined || wanted.includes(id))
    .flatMap(({ conditions }) => conditions);
  if (current === undefined || !isFurnishing(type)) return [...own, ...ofItems];
  const agreed = new Set(current.steps.filter((step) => AGREES.has(step.type)).map((step) => step.message_id));
  const party = partyOf(current, header.to);
  const ofCase = current.conditions.filter(({ binds, message_id: id }) => binds === party && agreed.has(id));
  return [...own, ...ofItems, ...ofCase];
}

function covers(consent: Consent, { header }: Message, use: IntendedUse, today: string): boolean {
  const { purpose, onward_to: onwardTo, items, about, at, until } = consent;
  return (
    purpose === use.purpose &&
    onwardTo === use.onward_to &&
    (items === undefined || use.items?.every((item) => items.includes(item)) === true) &&
    (about === undefined || about === header.message_id) &&
    at >= header.issued_at &&
    (until === undefined || today <= until)
  );
}
