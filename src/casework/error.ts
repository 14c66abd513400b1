import { RogatoryError } from '../base/mod.ts';

/** What can be wrong with a step of casework. */
export type CaseworkErrorCode =
  /** The step is not allowed in the case's state, or not by this party. */
  | 'CASE_ILLEGAL_STEP'
  /** No such case at this node, or none between these two parties. */
  | 'CASE_UNKNOWN';

/** A step that the own side may not take. A peer's is a verdict instead. */
export class CaseworkError extends RogatoryError<CaseworkErrorCode> {}
