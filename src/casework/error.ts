import { RogatoryError } from '../base/mod.ts';
import type { Fault } from '../wire/mod.ts';

/** What can be wrong with a step of casework, or with the data that it rests on. */
export type CaseworkErrorCode =
  /** The step is not allowed in the case's state, or not by this party. */
  | 'CASE_ILLEGAL_STEP'
  /** No such case at this node, or none between these two parties. */
  | 'CASE_UNKNOWN'
  /** The other side has to be consulted first. */
  | 'CASE_CONSULTATION_REQUIRED'
  /** A treaty that applies bars the ground of refusal. */
  | 'CASE_GROUND_BARRED'
  /** The message answers nothing that is open in the case. */
  | 'CASE_NOTHING_TO_ANSWER'
  /** The case cannot be closed yet: originals, a written confirmation or a restraint are outstanding. */
  | 'CASE_OBLIGATIONS_OPEN'
  /** The parent case is not one between the parties that was received and is open. */
  | 'CASE_PARENT_UNKNOWN'
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
