/** Messages of every kind, for tests of the state machines: each body is the template, changed where a row of the table asks for more. */
import { newUuid, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import { TRANSITIONS, draftTemplate, type CaseKind, type Party, type Transition } from '../../src/casework/mod.ts';
import { parseDraft, type Body, type BodyType, type Message } from '../../src/wire/mod.ts';

export const XA = 'XA' as JurisdictionCode;
export const XB = 'XB' as JurisdictionCode;
export const CASE = newUuid(1, new Uint8Array(10));
// Templates have everything due on 31 March 2026.
export const EARLY = Date.UTC(2026, 2, 1);
export const LATE = Date.UTC(2026, 4, 1);

const bodies = new Map<BodyType, Body>();
let made = 0;

/** The template of a body, with members changed. */
export function bodyOf(type: BodyType, change: object = {}): Body {
  const body = bodies.get(type) ?? parseDraft(draftTemplate(type)).body;
  bodies.set(type, body);
  return { type, value: { ...body.value, ...change } } as Body;
}

/** A message in a case between XA and XB. */
export function messageOf(from: string, body: Body, header: Partial<Message['header']> = {}): Message {
  return {
    header: {
      message_id: newUuid(++made, new Uint8Array(10)),
      case_id: CASE,
      from: from as JurisdictionCode,
      to: from === XA ? XB : XA,
      seq: 1,
      recipient_kid: '',
      issued_at: EARLY,
      expires_at: 0,
      manifest_version: 1,
      schema_version: 1,
      ...header,
    },
    body,
  };
}

/** Something that a party can try: who, what, and when it says it was issued. */
export interface Attempt {
  readonly by: Party;
  readonly body: Body;
  readonly issued_at: number;
}

/** Everything that the table of a kind speaks of, in the variants that its guards tell apart. */
export function attemptsOf(kind: CaseKind): readonly Attempt[] {
  const attempts = TRANSITIONS.filter((row) => row.kind === kind).flatMap((row) =>
    variantsOf(row).flatMap((change) =>
      (row.by === 'EITHER' ? (['REQUESTING', 'REQUESTED'] as const) : [row.by]).flatMap((by) =>
        (row.guards?.includes('REPLY_OVERDUE') === true || row.guards?.includes('WITHIN_TERM') === true
          ? [EARLY, LATE]
          : [EARLY]
        ).map((issued_at): Attempt => ({ by, body: bodyOf(row.message, change), issued_at })),
      ),
    ),
  );
  return [...new Map(attempts.map((attempt) => [JSON.stringify(attempt), attempt])).values()];
}

/** The party’s message for an attempt; the requesting side is XB in a team, because the lower code orders it. */
export function attemptMessage(kind: CaseKind, attempt: Attempt, in_reply_to?: Uuid): Message {
  const requesting = kind === 'JOINT_TEAM' ? XB : XA;
  const from = (attempt.by === 'REQUESTING') === (requesting === XA) ? XA : XB;
  return messageOf(from, attempt.body, { issued_at: attempt.issued_at, in_reply_to });
}

const RULES = [{ lang: 'en', text: 'After two years.', translations: [] }];

const VARIANTS: Readonly<Partial<Record<BodyType, (outcome: string | undefined) => readonly object[]>>> = {
  assistance_request: (outcome) => [requestVariant(outcome)],
  supplementary_request: (outcome) => [
    { request: { ...bodyOf('assistance_request').value, ...requestVariant(outcome) } },
  ],
  review_decision: (outcome) => [{ outcome, measures: [{ measure_id: 'm1', outcome, codes: [] }] }],
  execution_report: (outcome) => [{ outcome, measures: [{ measure_id: 'm1', outcome }] }],
  clarification_request: () => [{ round: 1 }, { round: 2 }],
  clarification_reply: () => [{ round: 1 }, { round: 2 }],
  evidence_transfer: () => [{}, { more_to_follow: true }, { items: [{ item_id: 'e1', return_obligation: {} }] }],
  restraint_result: (outcome) => [{ outcome }, { outcome, automatic_lift_rules: RULES }],
  spontaneous_information: () => [{}, { conditions: [{ kind: 'NO_ONWARD' }] }],
};

function variantsOf({ message, outcome }: Transition): readonly object[] {
  return VARIANTS[message]?.(outcome) ?? [outcome === undefined ? {} : { outcome }];
}

function requestVariant(outcome: string | undefined): object {
  const oral = { made_at: EARLY, confirm_by: '2026-03-31' };
  return outcome === 'ORAL' ? { oral } : { confirms_oral: outcome === 'CONFIRMATION' };
}
