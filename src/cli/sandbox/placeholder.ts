/** Fills in what a scenario leaves open: times, and ids that a run makes. */
import { createHash } from 'node:crypto';
import { bytesToBase64url } from '../../base/mod.ts';
import { CliError } from '../error.ts';

/** What a step may refer to by name; undefined for what was not told before. */
export type References = (kind: ReferenceKind, name: string) => string | undefined;

/** `file` is the SHA-256 of an exhibit's file, by the file's name. */
export type ReferenceKind = 'case' | 'message' | 'id' | 'file';

const DAY_MS = 24 * 3_600_000;
const REFERENCE = /^\$(case|message|id|file):(.+)$/;
const BLINDED = /^\$blinded:([^:]+):([A-Z]+):(.+)$/;

/**
 * A value with `$now` (Unix milliseconds), `$date`, `$date+N` and `$date-N` (days from today) in place of times, `$case:LABEL` of a case's
 * id, `$message:STEP` of a message's, `$id:NAME` of an id that is made up once for the run, `$file:NAME` of a file's SHA-256. For a hit
 * query, `$salt:NAME` is a salt, and `$blinded:NAME:SCHEME:VALUE` an identifier blinded with it.
 * @throws {CliError} CLI_SCENARIO_INVALID for what was not told before
 */
export function fillPlaceholders(value: unknown, nowMs: number, step: string, references: References): unknown {
  if (Array.isArray(value)) return value.map((item) => fillPlaceholders(item, nowMs, step, references));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, fillPlaceholders(item, nowMs, step, references)]),
    );
  }
  if (typeof value !== 'string' || !value.startsWith('$')) return value;
  if (value === '$now') return nowMs;
  const date = /^\$date([+-][0-9]{1,5})?$/.exec(value);
  if (date !== null) return new Date(nowMs + Number(date[1] ?? 0) * DAY_MS).toISOString().slice(0, 10);
  const salt = /^\$salt:(.+)$/.exec(value);
  if (salt !== null) return bytesToBase64url(saltOf(salt[1]!, references));
  const blinded = BLINDED.exec(value);
  if (blinded !== null) return bytesToBase64url(blind(saltOf(blinded[1]!, references), blinded[2]!, blinded[3]!));
  const reference = REFERENCE.exec(value);
  if (reference === null) return value;
  const found = references(reference[1] as ReferenceKind, reference[2]!);
  if (found === undefined)
    throw new CliError('CLI_SCENARIO_INVALID', `Step “${step}”: ${value} was not told before it.`);
  return found;
}

function saltOf(name: string, references: References): Buffer {
  const id = references('id', `salt ${name}`) ?? name;
  return createHash('sha256').update(id).digest().subarray(0, 16);
}

/** @see proto/mla/v1/spontaneous.proto, HitQuery */
function blind(salt: Uint8Array, scheme: string, value: string): Buffer {
  return createHash('sha256').update(salt).update(`${scheme}\n${value}`).digest();
}
