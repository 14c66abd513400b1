import { RogatoryError, type KeyWeakness } from '../base/mod.ts';

/** What can be wrong with bytes or JSON that should be one of the wire's types. */
export type WireErrorCode =
  /** Longer than the boundary allows; nothing was decoded. */
  | 'WIRE_TOO_LARGE'
  /** Not the canonical protobuf encoding of the expected type. */
  | 'WIRE_MALFORMED'
  /** Well formed, but fields break their rules; `faults` lists every one. */
  | 'WIRE_FIELDS_INVALID';

/** What is wrong with one field. */
export type FaultCode =
  | 'REQUIRED'
  | 'UNKNOWN_FIELD'
  | 'WRONG_TYPE'
  | 'BAD_FORMAT'
  | 'BAD_VALUE'
  | 'OUT_OF_RANGE'
  | 'TOO_LONG'
  | 'TOO_MANY'
  | 'CONFLICT'
  | KeyWeakness;

/** One thing wrong, at one place. */
export interface Fault {
  /** Such as `measures[0].target.lang`; empty for the document as a whole. */
  readonly path: string;
  readonly code: FaultCode;
  /** For people. */
  readonly message: string;
}

/** Bytes or JSON that are not what they should be. */
export class WireError extends RogatoryError<WireErrorCode> {
  /** Every fault found, in the order of the document. */
  readonly faults: readonly Fault[];

  constructor(code: WireErrorCode, message: string, faults: readonly Fault[] = []) {
    super(code, message);
    this.faults = faults;
  }
}

/** The error that lists several faults, worded for people. */
export function faultsError(faults: readonly Fault[]): WireError {
  const [first] = faults;
  const more = faults.length > 1 ? ` and ${faults.length - 1} more` : '';
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  return new WireError('WIRE_FIELDS_INVALID', `${where}${first?.message ?? 'invalid'}${more}`, faults);
}
