/**
 * Walks protobuf bytes by the schema before anything is decoded, and refuses whatever is not the one canonical encoding: unknown
 * fields, fields out of order or twice, a default value that is written out, an overlong varint, a number beyond 2^53−1, text that is
 * not UTF-8, more elements than the rules allow. What passes is what encoding it again would give. It allocates nothing, so a hostile
 * input costs its own length and no more.
 */
import { isUtf8 } from '../base/mod.ts';
import { WireError } from './error.ts';
import { enumSchema, messageSchema, type FieldRow, type MessageSchema } from './schema.ts';

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const MAX_FIELD_NUMBER = 536_870_911;

/**
 * Checks that the bytes are the canonical encoding of one message of the schema.
 * @throws {WireError} WIRE_MALFORMED
 */
export function scanCanonical(typeName: string, bytes: Uint8Array): void {
  new Scanner(bytes).message(messageSchema(typeName), bytes.length);
}

class Scanner {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  message(schema: MessageSchema, end: number): void {
    let lastId = 0;
    let count = 0;
    let chosen: FieldRow | undefined;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const id = Math.floor(tag / 8);
      const field = id <= MAX_FIELD_NUMBER ? schema.byId.get(id) : undefined;
      if (field === undefined) throw malformed(`${schema.name} has no field ${id}`);
      const packed = field.repeated && wireTypeOf(field) === VARINT;
      if (tag % 8 !== (packed ? LENGTH_DELIMITED : wireTypeOf(field)))
        throw malformed(`wrong wire type for ${field.name}`);
      if (id < lastId) throw malformed(`${field.name} is out of order`);
      count = id === lastId ? count + 1 : 1;
      if (count > 1 && (!field.repeated || packed)) throw malformed(`${field.name} is there twice`);
      if (field.repeated && count > (field.maxItems ?? 0)) throw malformed(`too many ${field.name}`);
      if (field.oneof !== undefined) {
        if (chosen !== undefined) throw malformed(`${field.name} and ${chosen.name} exclude each other`);
        chosen = field;
      }
      lastId = id;
      if (packed) this.#packed(field, end);
      else this.#value(field, end);
    }
  }

  #value(field: FieldRow, end: number): void {
    if (wireTypeOf(field) === VARINT) {
      const value = this.#varint(end);
      // Zero is what absence means: written out, it would be a second encoding of the same message.
      if (value === 0 && field.oneof === undefined) throw malformed(`${field.name} is zero and should be absent`);
      checkNumber(field, value);
      return;
    }
    const length = this.#varint(end);
    const stop = this.#at + length;
    if (stop > end) throw malformed(`${field.name} runs past its end`);
    if (field.kind === 'message') {
      this.message(messageSchema(field.type!), stop);
    } else if (field.kind === 'string' && !this.#isText(stop)) {
      throw malformed(`${field.name} is not UTF-8`);
    } else if (length === 0 && !field.repeated && field.oneof === undefined) {
      throw malformed(`${field.name} is empty and should be absent`);
    }
    this.#at = stop;
  }

  // Most text is ASCII, and short: a look at it costs less than asking.
  #isText(stop: number): boolean {
    for (let at = this.#at; at < stop; at++)
      if (this.#bytes[at]! > 0x7f) return isUtf8(this.#bytes.subarray(this.#at, stop));
    return true;
  }

  #packed(field: FieldRow, end: number): void {
    const length = this.#varint(end);
    const stop = this.#at + length;
    if (stop > end || length === 0) throw malformed(`${field.name} is empty or runs past its end`);
    for (let count = 1; this.#at < stop; count++) {
      if (count > (field.maxItems ?? 0)) throw malformed(`too many ${field.name}`);
      checkNumber(field, this.#varint(stop));
    }
  }

  // Arithmetic rather than bit operators: those are 32 bits wide, and the cap is 2^53−1.
  #varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let length = 1; ; length++) {
      if (this.#at >= end) throw malformed('a number runs past its end');
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw malformed('a number is beyond 2^53−1');
      if (byte < 0x80) {
        if (byte === 0 && length > 1) throw malformed('a number is longer than it needs to be');
        return value;
      }
      if (length === 8) throw malformed('a number is beyond 2^53−1');
      scale *= 128;
    }
  }
}

function wireTypeOf(field: FieldRow): number {
  return field.kind === 'string' || field.kind === 'bytes' || field.kind === 'message' ? LENGTH_DELIMITED : VARINT;
}

function checkNumber(field: FieldRow, value: number): void {
  if (field.kind === 'uint32' && value > 0xffff_ffff) throw malformed(`${field.name} is beyond 32 bits`);
  if (field.kind === 'bool' && value > 1) throw malformed(`${field.name} is not a flag`);
  if (field.kind === 'enum' && !enumSchema(field.type!).nameOf.has(value))
    throw malformed(`${field.name} has no value ${value}`);
}

function malformed(detail: string): WireError {
  return new WireError('WIRE_MALFORMED', `Not a canonical encoding: ${detail}.`);
}
