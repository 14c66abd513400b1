/** What the steps of a case amount to so far, as plain data: it is stored, compared between nodes, and shown. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import type { BodyType, ConditionKind, UsePurpose } from '../wire/mod.ts';
import type { Obligation } from './obligation.ts';
import type { CaseKind, CaseState, Party } from './state.ts';

/** A condition that binds a party's use of what it has. */
export interface BoundCondition {
  readonly kind: ConditionKind;
  readonly until?: string | undefined;
  readonly binds: Party;
  /** The message that states it in full. */
  readonly message_id: Uuid;
}

/** Leave to use what one side gave otherwise than agreed: for one purpose, and nothing beyond it. */
export interface Consent {
  /** The message that gives it. */
  readonly message_id: Uuid;
  readonly by: Party;
  readonly purpose: UsePurpose;
  readonly onward_to?: JurisdictionCode | undefined;
  /** The items that it is about; all where absent. */
  readonly items?: readonly string[] | undefined;
  /** The one message that it is about, in a team. */
  readonly about?: Uuid | undefined;
  /** Unix milliseconds: what comes later is not covered. */
  readonly at: number;
  /** Its last day. */
  readonly until?: string | undefined;
}

/** Where a measure goes back to, and what it waits for. */
export interface Held {
  readonly state: CaseState;
  readonly due?: string | undefined;
  readonly round?: number | undefined;
}

/** What a sequence of steps amounts to. */
export interface Folded {
  readonly kind: CaseKind;
  readonly state: CaseState;
  /** The state of each measure, by its id; empty where the case moves as a whole. */
  readonly measures: Readonly<Record<string, CaseState>>;
  /** By measure, or by the empty text for the case as a whole: what came before an interruption, the latest last. */
  readonly held: Readonly<Record<string, readonly Held[]>>;
  readonly obligations: readonly Obligation[];
  readonly conditions: readonly BoundCondition[];
  /** Absent while none was given. */
  readonly consents?: readonly Consent[] | undefined;
  /** Rounds of clarification so far. */
  readonly rounds: number;
  /** Who has sent what both have to send. */
  readonly marks: Readonly<Partial<Record<BodyType, readonly Party[]>>>;
  readonly parent_id?: Uuid | undefined;
  readonly investigation_id?: Uuid | undefined;
  /** Instruments relied on, as the registry names them. */
  readonly instruments: readonly string[];
  /** SHA-256 of a team's terms. */
  readonly terms?: string | undefined;
  /** Last day of a team or a restraint. */
  readonly until?: string | undefined;
  /** The rules under which the restraint ends by itself were stated. */
  readonly has_rules?: boolean | undefined;
}

/** Why a step cannot be taken. */
export type StepRefusal =
  | 'ILLEGAL_STEP'
  | 'CASE_UNKNOWN'
  | 'CONSULTATION_REQUIRED'
  | 'GROUND_BARRED'
  | 'NOTHING_TO_ANSWER'
  | 'OBLIGATIONS_OPEN'
  | 'PARENT_UNKNOWN';
