/** The rules of single values: the same for bytes from a peer and for JSON from a person. */
import type { FaultCode } from './error.ts';
import { formatNamed, formatOf } from './format.ts';
import type { Field } from './schema.ts';

/** What is wrong with one value. */
export interface ValueFault {
  readonly code: FaultCode;
  /** For people. */
  readonly message: string;
}

/** @param siblings the members read before, one of which may name the grammar */
export function textFault(
  field: Field,
  text: string,
  siblings: Readonly<Record<string, unknown>>,
): ValueFault | undefined {
  const limit = field.maxBytes ?? 0;
  // UTF-8 takes one to three bytes for each UTF-16 unit: the exact count is needed only in between.
  if (text.length > limit || (text.length * 3 > limit && new TextEncoder().encode(text).length > limit))
    return { code: 'TOO_LONG', message: `is longer than ${limit} bytes` };
  const { matches, wants } = field.grammar ?? formatOf(chosenFormat(siblings[field.formatFrom!]));
  return matches(text) ? undefined : { code: 'BAD_FORMAT', message: `must be ${wants}` };
}

// An enum that is wrong or absent has its own fault; the value is then only a line.
function chosenFormat(choice: unknown): string {
  return formatNamed(typeof choice === 'string' ? choice.toLowerCase() : '');
}

export function bytesFault(field: Field, bytes: Uint8Array): ValueFault | undefined {
  if (field.exactBytes !== undefined && bytes.length !== field.exactBytes)
    return { code: 'BAD_VALUE', message: `must be ${field.exactBytes} bytes long` };
  if (bytes.length > (field.maxBytes ?? 0))
    return { code: 'TOO_LONG', message: `is longer than ${field.maxBytes} bytes` };
  const isWrong = field.format === 'zeros' && bytes.some((byte) => byte !== 0);
  return isWrong ? { code: 'BAD_VALUE', message: 'must be zeros' } : undefined;
}

/** @param value a whole number */
export function numberFault(field: Field, value: number): ValueFault | undefined {
  const max = field.maxValue ?? (field.kind === 'uint32' ? 0xffff_ffff : Number.MAX_SAFE_INTEGER);
  if (value < 0 || value > max) return { code: 'OUT_OF_RANGE', message: `must be between 0 and ${max}` };
  return value === 0 && field.required ? { code: 'REQUIRED', message: 'must not be 0' } : undefined;
}

/** What a field without a value has: numbers and flags have one, a list has no elements, and the rest is undefined. */
export function absentValue(field: Field): unknown {
  if (field.repeated) return [];
  if (field.kind === 'bool') return false;
  return field.kind === 'uint32' || field.kind === 'uint64' || field.kind === 'int64' ? 0 : undefined;
}
