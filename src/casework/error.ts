import { RogatoryError } from '../base/mod.ts';
import type { Fault } from '../wire/mod.ts';

/** What can be wrong with a step of casework, or with the data that it rests on. */
export type CaseworkErrorCode =
  /** The step is not allowed in the case's state, or not by this party. */
  | 'CASE_ILLEGAL_STEP'
  /** No such case at this node, or none between these two parties. */
  | 'CASE_UNKNOWN'
  /** Files of the treaty registry break their rules; `faults` lists every one. */
  | 'CASE_REGISTRY_INVALID';

/** A step that the own side may not take. A peer's is a verdict instead. */
export class CaseworkError extends RogatoryError<CaseworkErrorCode> {}

/** Data of the treaty registry that cannot be used. */
export class RegistryError extends RogatoryError<CaseworkErrorCode> {
  /** Every fault found, file by file. */
  readonly faults: readonly Fault[];

  constructor(code: CaseworkErrorCode, message: string, faults: readonly Fault[]) {
    super(code, message);
    this.faults = faults;
  }
}
