import { bytesToHex, sha256, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import {
  encodeProtobuf,
  type Body,
  type BodyType,
  type ConditionKind,
  type MeasureType,
  type Message,
  type Money,
  type Proceeding,
  type RefusalCode,
  type TeamTerms,
  type Urgency,
  type UsePurpose,
} from '../wire/mod.ts';

/** What the state machine needs to know of one message: kept in the case, so that a case can be folded again. */
export interface CaseStep {
  readonly message_id: Uuid;
  readonly by: JurisdictionCode;
  readonly type: BodyType;
  /** Index of the entry about the message in the ledger that orders the case; absent until its receipt is held. */
  readonly index?: number | undefined;
  /** Unix milliseconds. */
  readonly issued_at: number;
  readonly in_reply_to?: Uuid | undefined;
  readonly outcome?: string | undefined;
  /** The measures that the message speaks of, with the outcome stated for each. */
  readonly measures: readonly { readonly id: string; readonly outcome?: string | undefined }[];
  readonly said?: Statement | undefined;
}

/** Particulars that guards, clocks and statistics look at; each only where the message has it. */
export interface Statement {
  readonly round?: number;
  /** The date after which the sender may go on without an answer. */
  readonly reply_by?: string;
  readonly conditions?: readonly { readonly kind: ConditionKind; readonly until?: string | undefined }[];
  readonly items?: readonly string[];
  /** Items that have to be returned. */
  readonly originals?: readonly string[];
  /** The day by which an original is to be back, where it has one of its own. */
  readonly originals_due?: Readonly<Record<string, string>>;
  readonly return_by?: string;
  readonly more_to_follow?: boolean;
  /** What consent is asked for or given, and the state that it is about. */
  readonly purpose?: UsePurpose;
  readonly onward_to?: JurisdictionCode;
  /** The message that a team's consent is about. */
  readonly contribution_id?: Uuid;
  /** The proceeding that a request is for. */
  readonly proceeding?: string;
  /** SHA-256 of a team's terms. */
  readonly terms?: string;
  readonly until?: string;
  /** Rules under which a restraint ends by itself were stated. */
  readonly has_rules?: boolean;
  readonly parent_id?: Uuid;
  readonly investigation_id?: Uuid;
  /** Instruments relied on, as the registry names them. */
  readonly instruments?: readonly string[];
  /** Kinds of measures that are asked for. */
  readonly types?: readonly MeasureType[];
  /** ICCS codes. */
  readonly offences?: readonly string[];
  readonly urgency?: Urgency;
  /** The day by which the requesting state needs it. */
  readonly deadline?: string;
  /** Grounds of a refusal. */
  readonly codes?: readonly RefusalCode[];
  /** What was found, restrained, confiscated or transferred. */
  readonly amounts?: readonly Money[];
  /** What became of information that was given unasked. */
  readonly use?: string;
}

/**
 * What the state machine needs of a message.
 * @param index of the entry about it in the ledger that orders the case, where that is known already
 */
export function caseStepOf({ header, body }: Message, index?: number): CaseStep {
  return {
    message_id: header.message_id,
    by: header.from,
    type: body.type,
    issued_at: header.issued_at,
    in_reply_to: header.in_reply_to,
    outcome: outcomeOf(body),
    measures: measuresOf(body),
    said: statementOf(body),
    index,
  };
}

/** The outcome that a message states, and of a request, how it is made. */
export function outcomeOf(body: Body): string | undefined {
  if (body.type === 'assistance_request') return requestKind(body.value);
  if (body.type === 'supplementary_request') return requestKind(body.value.request);
  return 'outcome' in body.value ? body.value.outcome : undefined;
}

function requestKind(request: { readonly oral?: unknown; readonly confirms_oral: boolean }): string {
  if (request.confirms_oral) return 'CONFIRMATION';
  return request.oral === undefined ? 'WRITTEN' : 'ORAL';
}

function measuresOf({ type, value }: Body): CaseStep['measures'] {
  if (type === 'assistance_request') return value.measures.map(({ id }) => ({ id }));
  if (type === 'supplementary_request') return value.request.measures.map(({ id }) => ({ id }));
  if (type === 'measure_substitution') return value.substitutions.map(({ measure_id }) => ({ id: measure_id }));
  if (type === 'review_decision' || type === 'execution_report') {
    return value.measures.map(({ measure_id, outcome }) => ({ id: measure_id, outcome }));
  }
  return 'measure_ids' in value ? value.measure_ids.map((id) => ({ id })) : [];
}

// Members are read where a body has them, so that a new kind of message takes part by having the same fields.
function statementOf({ type, value }: Body): Statement | undefined {
  const request = type === 'supplementary_request' ? value.request : value;
  const terms = 'terms' in value ? value.terms : undefined;
  return compact({
    round: 'round' in value ? value.round : undefined,
    reply_by: replyBy({ type, value } as Body),
    return_by: type === 'evidence_transfer' ? value.return_by : undefined,
    conditions:
      'conditions' in value && value.conditions.length > 0
        ? value.conditions.map(({ kind, until }) => ({ kind, until }))
        : undefined,
    items: itemsOf({ type, value } as Body),
    originals: type === 'evidence_transfer' ? originalsOf(value) : undefined,
    originals_due: type === 'evidence_transfer' ? originalsDue(value) : undefined,
    more_to_follow: type === 'evidence_transfer' ? value.more_to_follow : undefined,
    purpose: type === 'use_consent_request' || type === 'jit_use_consent' ? value.purpose : undefined,
    onward_to: 'onward_to' in value ? (value.onward_to as JurisdictionCode | undefined) : undefined,
    contribution_id: 'contribution_id' in value ? (value.contribution_id as Uuid) : undefined,
    proceeding: 'measures' in request && 'proceeding' in request ? proceedingOf(request.proceeding) : undefined,
    terms: terms === undefined ? undefined : termsDigest(terms),
    until: terms?.until ?? ('until' in value ? value.until : undefined),
    has_rules: type === 'restraint_result' ? value.automatic_lift_rules.length > 0 : undefined,
    parent_id: 'parent_id' in value ? (value.parent_id as Uuid | undefined) : undefined,
    investigation_id: investigationOf(terms, request),
    instruments: 'legal_basis' in request ? request.legal_basis.map(({ instrument }) => instrument) : undefined,
    types: 'facts' in request && 'measures' in request ? request.measures.map((measure) => measure.type) : undefined,
    offences:
      'offences' in request && request.offences.length > 0 ? request.offences.map(({ iccs }) => iccs) : undefined,
    urgency: 'urgency' in request ? request.urgency : undefined,
    deadline: 'deadline' in request ? request.deadline?.date : undefined,
    codes: type === 'review_decision' || type.endsWith('_result') ? groundsOf({ type, value } as Body) : undefined,
    amounts: amountsOf({ type, value } as Body),
    use: type === 'feedback_on_use' ? value.use : undefined,
  });
}

// A written confirmation is due as any answer is.
function replyBy({ type, value }: Body): string | undefined {
  const request = type === 'supplementary_request' ? value.request : value;
  if ('oral' in request) return request.oral?.confirm_by;
  return 'reply_by' in value ? value.reply_by : undefined;
}

function itemsOf({ type, value }: Body): readonly string[] | undefined {
  if (type === 'evidence_transfer' || type === 'evidence_receipt') return value.items.map(({ item_id }) => item_id);
  if (type === 'return_of_originals' || type === 'return_waiver') return value.item_ids;
  if (type === 'use_consent_request' && value.item_ids.length > 0) return value.item_ids;
  if (type === 'erasure_request') return value.message_ids;
  return undefined;
}

function originalsOf(transfer: Extract<Body, { type: 'evidence_transfer' }>['value']): readonly string[] | undefined {
  if (transfer.return_waived) return undefined;
  const owed = transfer.items.filter(({ return_obligation: owes }) => owes !== undefined);
  return owed.length > 0 ? owed.map(({ item_id }) => item_id) : undefined;
}

/** Originals that have a day of their own. */
function originalsDue({
  items,
  return_waived,
}: Extract<Body, { type: 'evidence_transfer' }>['value']): Statement['originals_due'] {
  if (return_waived) return undefined;
  const own = items.flatMap(({ item_id: id, return_obligation: owed }) =>
    owed?.return_by === undefined ? [] : [[id, owed.return_by] as const],
  );
  return own.length > 0 ? Object.fromEntries(own) : undefined;
}

/** What tells one proceeding from another: whose it is, and what it is called there. */
export function proceedingOf({ type, ref }: Proceeding): string {
  return `${type} ${ref}`;
}

function investigationOf(terms: TeamTerms | undefined, request: object): Uuid | undefined {
  const id = terms?.investigation_id ?? ('investigation_id' in request ? request.investigation_id : undefined);
  return id as Uuid | undefined;
}

/** The grounds that a message names, refusal by refusal: those of the whole, and those of each measure. */
export function groundListsOf({ value }: Body): readonly (readonly RefusalCode[])[] {
  const ofMeasures =
    'measures' in value ? value.measures.map((measure) => ('codes' in measure ? measure.codes : [])) : [];
  return ['codes' in value ? value.codes : [], ...ofMeasures].filter((codes) => codes.length > 0);
}

/** Every ground that a message names, for the whole or for a measure. */
function groundsOf(body: Body): readonly RefusalCode[] | undefined {
  const grounds = [...new Set(groundListsOf(body).flat())];
  return grounds.length > 0 ? grounds : undefined;
}

function amountsOf({ type, value }: Body): readonly Money[] | undefined {
  if (type === 'asset_trace_result') return value.asset?.value && [value.asset.value];
  if (type === 'restraint_result') return value.value && [value.value];
  if (type === 'confiscation_result') return value.amount && [value.amount];
  if (type === 'transfer_confirmation') return value.amounts.map(({ amount }) => amount);
  return undefined;
}

function termsDigest(terms: TeamTerms): string {
  return bytesToHex(sha256(encodeProtobuf('TeamTerms', terms)));
}

function compact(statement: { readonly [M in keyof Statement]: Statement[M] | undefined }): Statement | undefined {
  let said: Record<string, unknown> | undefined;
  for (const name of Object.keys(statement) as (keyof Statement)[])
    if (statement[name] !== undefined) (said ??= {})[name] = statement[name];
  return said;
}
