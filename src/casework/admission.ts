/**
 * What is asked of a step beyond its own case, when it is sent and when it arrives: its parent, its children, the other members of its
 * team, the grounds that treaties bar, whether it answers anew. It decides whether a step is taken at all; the fold over the steps taken
 * needs none of it.
 */
import { accept, refuse, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import type { Message, RefusalCode } from '../wire/mod.ts';
import { partyOf, type Case } from './case.ts';
import type { StepRefusal } from './folded.ts';
import { isRestrained } from './guard.ts';
import type { ObligationKind } from './state.ts';
import { groundListsOf, outcomeOf, type CaseStep } from './step.ts';
import { kindOpenedBy, rowsFor } from './transition.ts';

/** Which grounds the instruments relied on do not allow: the treaty registry answers. */
export type RefusalRules = (question: {
  readonly instruments: readonly string[];
  readonly requesting: JurisdictionCode;
  readonly requested: JurisdictionCode;
  /** All grounds that are named for the same refusal. */
  readonly codes: readonly RefusalCode[];
  /** Unix milliseconds at which the message was issued. */
  readonly issued_at: number;
}) => readonly BarredGround[];

/** A ground that may not be relied on, and what says so. */
export interface BarredGround {
  readonly code: RefusalCode;
  /** Such as “UNTOC art. 18(8)”. */
  readonly source: string;
}

/** Without a registry no ground is barred. */
export const NO_REFUSAL_RULES: RefusalRules = () => [];

/** Other cases that a step has to do with. */
export interface Related {
  readonly parent: Case | undefined;
  readonly children: readonly Case[];
  /** This node's cases with the other members of the team, where it sends to one of them. */
  readonly team: readonly (Case | undefined)[];
}

/** Which other cases to look at for a message. */
export function relatedTo({ header, body }: Message): {
  readonly parent: Uuid | undefined;
  readonly children: boolean;
  readonly team: readonly JurisdictionCode[];
} {
  const { type, value } = body;
  return {
    parent: 'parent_id' in value ? (value.parent_id as Uuid | undefined) : undefined,
    children: type === 'close_case',
    team:
      type === 'jit_contribution' ? (value.audience.filter((code) => code !== header.to) as JurisdictionCode[]) : [],
  };
}

/**
 * @param current the case before the step, undefined if the step opens it
 * @param isOwn whether this node sends it: only the sender knows the whole team
 */
export function verifyAdmission(
  current: Case | undefined,
  message: Message,
  related: Related,
  rules: RefusalRules,
  isOwn: boolean,
): Verdict<undefined, StepRefusal> {
  const { body, header } = message;
  if (
    (current === undefined || current.state === 'UNOPENED') &&
    needsParent(message) &&
    !isOpenParent(related.parent, message)
  ) {
    return refuse('PARENT_UNKNOWN', `A ${body.type} needs the id of a received, open case between the same parties.`);
  }
  const restrained = body.type === 'close_case' ? related.children.find(isRestrained) : undefined;
  if (restrained !== undefined) {
    return refuse(
      'OBLIGATIONS_OPEN',
      `The restraint of case ${restrained.case_id} is live: it has to be lifted or used first.`,
    );
  }
  if (isOwn && related.team.some((pair) => pair?.state !== 'ACTIVE')) {
    return refuse('ILLEGAL_STEP', 'Not every member of the team has signed and been signed to.');
  }
  if (body.type === 'erasure_request') {
    const own = new Set<string>(
      (current?.steps ?? []).filter(({ by }) => by === header.from).map((step) => step.message_id),
    );
    const other = body.value.message_ids.find((id) => !own.has(id));
    if (other !== undefined)
      return refuse(
        'ILLEGAL_STEP',
        `Message ${other} is none of ${header.from}’s in this case: erasure is asked of what one has sent.`,
      );
  }
  if (current !== undefined && isAnsweredAlready(current, message))
    return refuse('NOTHING_TO_ANSWER', `Message ${header.in_reply_to!} was answered by ${header.from} already.`);
  // A ground that may not stand alone is alone where it is the only one of a measure, whatever the others are refused on.
  for (const codes of current === undefined ? [] : groundListsOf(body)) {
    const { instruments, requesting, requested } = current!;
    const [barred] = rules({ instruments, requesting, requested, codes, issued_at: header.issued_at });
    if (barred !== undefined)
      return refuse('GROUND_BARRED', `${barred.code} is not a ground of refusal here: ${barred.source}.`);
  }
  return accept(undefined);
}

function needsParent({ body }: Message): boolean {
  const kind = kindOpenedBy(body.type);
  return (
    kind !== undefined && rowsFor(kind, body.type, 'REQUESTING').some((row) => row.guards?.includes('PARENT_RECEIVED'))
  );
}

// What is answered by other means than the id: by its round, and by its items.
const KNOWN_OTHERWISE: ReadonlySet<ObligationKind | undefined> = new Set([
  undefined,
  'CLARIFICATION_REPLY',
  'EVIDENCE_RECEIPT',
]);

// The fold takes an answer that fits no open question as one to the oldest: a second consent to one use would be consent to another.
function isAnsweredAlready({ kind, requesting, steps }: Case, { header, body }: Message): boolean {
  const rows = rowsFor(kind, body.type, partyOf({ requesting }, header.from));
  const answers = ({ outcome }: Pick<CaseStep, 'outcome'>): boolean =>
    rows.some((row) => !KNOWN_OTHERWISE.has(row.settles) && (row.outcome ?? outcome) === outcome);
  return (
    header.in_reply_to !== undefined &&
    answers({ outcome: outcomeOf(body) }) &&
    steps.some(
      (step) =>
        step.by === header.from &&
        step.type === body.type &&
        step.in_reply_to === header.in_reply_to &&
        step.message_id !== header.message_id &&
        answers(step),
    )
  );
}

function isOpenParent(parent: Case | undefined, { header }: Message): boolean {
  if (parent === undefined || parent.state === 'CLOSED') return false;
  if (parent.kind !== 'REQUEST') return true;
  return partyOf(parent, header.from) === 'REQUESTING' && parent.state !== 'SENT' && parent.state !== 'PRECONSULT';
}
