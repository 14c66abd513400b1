/**
 * Reads protobuf bytes by the schema, in one pass, and refuses whatever is not the one canonical encoding: unknown fields, fields out of
 * order or twice, a default value that is written out, an overlong varint, a number beyond 2^53−1, text that is not UTF-8, more elements
 * than the rules allow. What passes is what encoding it again would give. A hostile input costs its own length and no more: an element too
 * many is refused before it is made.
 *
 * What is canonical and breaks the rules of its fields is told by path, every fault at once.
 */
import { utf8Reader } from '../base/mod.ts';
import { WireError } from './error.ts';
import type { FaultList } from './fault-list.ts';
import { absentValue, bytesFault, numberFault, textFault, type ValueFault } from './rules.ts';
import { messageSchema, type Field, type MessageSchema } from './schema.ts';

type Members = Record<string, unknown>;

/**
 * Reads one message; the result is to be used only when `faults` stayed empty.
 * @throws {WireError} WIRE_MALFORMED
 */
export function readMessage(typeName: string, bytes: Uint8Array, faults: FaultList): Members {
  return new Reader(bytes, faults).message(messageSchema(typeName), bytes.length);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #textAt: (start: number, end: number) => string | undefined;
  readonly #faults: FaultList;
  #at = 0;

  constructor(bytes: Uint8Array, faults: FaultList) {
    this.#bytes = bytes;
    this.#textAt = utf8Reader(bytes);
    this.#faults = faults;
  }

  message(schema: MessageSchema, end: number): Members {
    const out: Members = {};
    const { fields } = schema;
    // The place of the field that may come next: those passed over are absent.
    let next = 0;
    let last: Field | undefined;
    let list: unknown[] = [];
    let chosen: Field | undefined;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const id = Math.floor(tag / 8);
      if (last?.id !== id) {
        while (next < fields.length && fields[next]!.id < id) this.#absent(fields[next++]!, out);
        const field = fields[next];
        if (field?.id !== id) throw malformed(this.#unexpected(schema, id));
        next++;
        if (field.oneof !== undefined) {
          if (chosen !== undefined) throw malformed(`${field.name} and ${chosen.name} exclude each other`);
          chosen = field;
        }
        last = field;
        if (field.repeated) out[field.name] = list = [];
      } else if (!last.repeated || last.isVarint) {
        throw malformed(`${last.name} is there twice`);
      }
      if (tag !== last.tag) throw malformed(`wrong wire type for ${last.name}`);
      this.#faults.enter(last.name);
      if (last.isPacked) this.#packed(last, end, list);
      else if (last.repeated) this.#element(last, end, list, out);
      else if (last.oneof === undefined) out[last.name] = this.#value(last, end, out);
      else out[last.oneof] = { type: last.name, value: this.#value(last, end, out) };
      this.#faults.leave();
    }
    while (next < fields.length) this.#absent(fields[next++]!, out);
    return out;
  }

  #unexpected(schema: MessageSchema, id: number): string {
    const field = schema.byId.get(id);
    return field === undefined ? `${schema.name} has no field ${id}` : `${field.name} is out of order`;
  }

  #absent(field: Field, out: Members): void {
    if (field.oneof !== undefined) return;
    if (field.required) {
      this.#faults.enter(field.name);
      this.#faults.add('REQUIRED', field.repeated ? 'needs at least one element' : 'is required');
      this.#faults.leave();
    }
    const value = absentValue(field);
    if (value !== undefined) out[field.name] = value;
  }

  #element(field: Field, end: number, list: unknown[], siblings: Members): void {
    if (list.length >= (field.maxItems ?? 0)) throw malformed(`too many ${field.name}`);
    this.#faults.enter(list.length);
    // A length of zero; an empty message is one all the same.
    const isEmpty = field.kind !== 'message' && this.#at < end && this.#bytes[this.#at] === 0;
    if (isEmpty) {
      this.#at++;
      this.#faults.add('REQUIRED', 'must not be empty');
    }
    list.push(isEmpty ? undefined : this.#value(field, end, siblings));
    this.#faults.leave();
  }

  #packed(field: Field, end: number, list: unknown[]): void {
    const length = this.#varint(end);
    const stop = this.#at + length;
    if (stop > end || length === 0) throw malformed(`${field.name} is empty or runs past its end`);
    while (this.#at < stop) {
      if (list.length >= (field.maxItems ?? 0)) throw malformed(`too many ${field.name}`);
      this.#faults.enter(list.length);
      list.push(this.#number(field, this.#varint(stop)));
      this.#faults.leave();
    }
  }

  #value(field: Field, end: number, siblings: Members): unknown {
    if (field.isVarint) {
      const value = this.#varint(end);
      // Zero is what absence means: written out, it would be a second encoding of the same message.
      if (value === 0 && field.oneof === undefined) throw malformed(`${field.name} is zero and should be absent`);
      return this.#number(field, value);
    }
    const length = this.#varint(end);
    const start = this.#at;
    const stop = start + length;
    if (stop > end) throw malformed(`${field.name} runs past its end`);
    if (field.message !== undefined) return this.message(field.message, stop);
    if (length === 0 && !field.repeated && field.oneof === undefined)
      throw malformed(`${field.name} is empty and should be absent`);
    this.#at = stop;
    if (field.kind === 'string') return this.#text(field, start, stop, siblings);
    const bytes = this.#bytes.subarray(start, stop);
    this.#tell(bytesFault(field, bytes));
    return bytes;
  }

  #text(field: Field, start: number, stop: number, siblings: Members): string {
    const text = this.#textAt(start, stop);
    if (text === undefined) throw malformed(`${field.name} is not UTF-8`);
    this.#tell(textFault(field, text, siblings));
    return text;
  }

  #number(field: Field, value: number): unknown {
    if (field.values !== undefined) {
      const name = field.values.nameOf.get(value);
      if (name === undefined) throw malformed(`${field.name} has no value ${value}`);
      return name;
    }
    if (field.kind === 'bool') {
      if (value > 1) throw malformed(`${field.name} is not a flag`);
      return value === 1;
    }
    if (field.kind === 'uint32' && value > 0xffff_ffff) throw malformed(`${field.name} is beyond 32 bits`);
    this.#tell(numberFault(field, value));
    return value;
  }

  #tell(fault: ValueFault | undefined): void {
    if (fault !== undefined) this.#faults.add(fault.code, fault.message);
  }

  // Arithmetic rather than bit operators: those are 32 bits wide, and the cap is 2^53−1.
  #varint(end: number): number {
    if (this.#at < end) {
      const first = this.#bytes[this.#at]!;
      if (first < 0x80) {
        this.#at++;
        return first;
      }
    }
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

function malformed(detail: string): WireError {
  return new WireError('WIRE_MALFORMED', `Not a canonical encoding: ${detail}.`);
}
