/** What a check can say of a draft. */
export type FindingCode =
  /** A field breaks the rules of the schema or of the state machine. */
  | 'FIELD_INVALID'
  /** The refusal rests on a ground that the instrument bars. */
  | 'BARRED_REFUSAL'
  /** The instrument is not in the registry. */
  | 'UNKNOWN_INSTRUMENT'
  /** The instrument is not in force on the day, or does not bind both. */
  | 'NOT_IN_FORCE'
  | 'NOT_PARTY'
  | 'PARTY_NOT_RECORDED'
  | 'NOT_PARTY_YET'
  | 'PARTY_NO_MORE'
  | 'PARENT_NOT_BINDING'
  /** Another instrument has taken its place between the two. */
  | 'DISPLACED'
  /** An article that is relied on is suspended or reserved. */
  | 'ARTICLE_NOT_APPLIED'
  /** None of the instruments covers a measure, or the offences. */
  | 'MEASURE_NOT_COVERED'
  | 'OUT_OF_SCOPE'
  | 'PENALTY_TOO_LOW'
  /** Something that the instrument asks for is not there. */
  | 'MISSING_CONTENT'
  /** The requested state is likely to refuse, on the ground named. */
  | 'LIKELY_REFUSAL'
  | 'LANGUAGE_NOT_ACCEPTED'
  | 'MACHINE_TRANSLATION'
  | 'DEADLINE_PASSED'
  | 'DEADLINE_TOO_SOON';

/** One thing that a person should look at before the message leaves. */
export interface Finding {
  /** ERROR: the node refuses it. ADVICE: the registry's word; a person decides. */
  readonly severity: 'ERROR' | 'ADVICE';
  /** Of the field, such as `assistance_request.measures[0].type`. */
  readonly path: string;
  readonly code: FindingCode;
  /** For people. */
  readonly message: string;
  /** Where the rule stands; absent for a rule of the program. */
  readonly source?: string;
  /** Whether a person has compared the rule with the text. */
  readonly confirmed: boolean;
}

/** A ground on which the requested state may refuse by the instrument, without anything that makes it likely. */
export interface PossibleGround {
  readonly code: string;
  readonly effect: 'MANDATORY' | 'DISCRETIONARY';
  readonly instrument: string;
  readonly article: string;
  readonly text?: string;
  readonly source: string;
  readonly confirmed: boolean;
}

/** A finding that a person decides upon. */
export function advice(
  path: string,
  code: FindingCode,
  message: string,
  rule?: { readonly source: string; readonly confirmed: boolean },
): Finding {
  const { source, confirmed = true } = rule ?? {};
  return { severity: 'ADVICE', path, code, message, ...(source === undefined ? {} : { source }), confirmed };
}
