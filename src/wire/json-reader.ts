/**
 * One walk over the schema turns an untrusted JSON value into a trusted one, and collects every fault on the way by its path. Nothing of
 * the input is kept: the value is built anew, member by member.
 */
import { parseBase64url } from '../base/mod.ts';
import type { FaultCode } from './error.ts';
import type { FaultList } from './fault-list.ts';
import { absentValue, bytesFault, numberFault, textFault, type ValueFault } from './rules.ts';
import { messageSchema, type Field, type MessageSchema } from './schema.ts';

type Members = Readonly<Record<string, unknown>>;

/** Reads one message; the result is to be used only when `faults` stayed empty. */
export function readJson(typeName: string, input: unknown, faults: FaultList): Record<string, unknown> {
  return new JsonReader(faults).message(messageSchema(typeName), input);
}

class JsonReader {
  readonly #faults: FaultList;

  constructor(faults: FaultList) {
    this.#faults = faults;
  }

  message(schema: MessageSchema, input: unknown): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    if (!isMembers(input)) {
      this.#fault('WRONG_TYPE', 'must be an object');
      return out;
    }
    for (const name of Object.keys(input)) {
      if (schema.byName.has(name)) continue;
      this.#faults.enter(name.slice(0, 60));
      this.#fault('UNKNOWN_FIELD', 'is not a field here');
      this.#faults.leave();
    }
    for (const field of schema.plain) {
      this.#faults.enter(field.name);
      const value = this.#field(field, memberOf(input, field), out);
      this.#faults.leave();
      if (value !== undefined) out[field.name] = value;
    }
    if (schema.oneofs.size > 0) this.#oneofs(schema, input, out);
    return out;
  }

  // The input has few members and a oneof may have many: the walk is over the former.
  #oneofs(schema: MessageSchema, input: Members, out: Record<string, unknown>): void {
    const present = Object.keys(input)
      .map((name) => schema.byName.get(name))
      .filter((field) => field?.oneof !== undefined && !isAbsent(field, input[field.name])) as Field[];
    for (const field of present) {
      const name = field.oneof!;
      if (out[name] !== undefined) {
        const names = present.filter(({ oneof }) => oneof === name).map((member) => member.name);
        this.#fault('CONFLICT', `can have only one of ${names.join(', ')}`);
        continue;
      }
      this.#faults.enter(field.name);
      out[name] = { type: field.name, value: this.#single(field, input[field.name], out) };
      this.#faults.leave();
    }
  }

  #field(field: Field, raw: unknown, siblings: Members): unknown {
    if (field.repeated) return this.#list(field, raw, siblings);
    if (!isAbsent(field, raw)) return this.#single(field, raw, siblings);
    if (field.required) this.#fault('REQUIRED', 'is required');
    return absentValue(field);
  }

  #list(field: Field, raw: unknown, siblings: Members): readonly unknown[] {
    const items = raw ?? [];
    if (!Array.isArray(items)) {
      this.#fault('WRONG_TYPE', 'must be a list');
      return [];
    }
    if (field.required && items.length === 0) this.#fault('REQUIRED', 'needs at least one element');
    if (items.length > (field.maxItems ?? 0)) {
      this.#fault('TOO_MANY', `has ${items.length} elements; at most ${field.maxItems} are allowed`);
      return [];
    }
    return items.map((item, index) => {
      this.#faults.enter(index);
      const isThere = !isAbsent(field, item);
      if (!isThere) this.#fault('REQUIRED', 'must not be empty');
      const value = isThere ? this.#single(field, item, siblings) : undefined;
      this.#faults.leave();
      return value;
    });
  }

  #single(field: Field, raw: unknown, siblings: Members): unknown {
    switch (field.kind) {
      case 'message':
        return this.message(field.message!, raw);
      case 'string':
        return this.#string(field, raw, siblings);
      case 'bytes':
        return this.#bytes(field, raw);
      case 'enum':
        return this.#enum(field, raw);
      case 'bool':
        if (typeof raw !== 'boolean') this.#fault('WRONG_TYPE', 'must be true or false');
        return raw;
      case 'uint32':
      case 'uint64':
      case 'int64':
        return this.#integer(field, raw);
      default:
        return field.kind satisfies never;
    }
  }

  #string(field: Field, raw: unknown, siblings: Members): unknown {
    if (typeof raw === 'string') this.#tell(textFault(field, raw, siblings));
    else this.#fault('WRONG_TYPE', 'must be text');
    return raw;
  }

  #bytes(field: Field, raw: unknown): unknown {
    const bytes = raw instanceof Uint8Array ? raw : typeof raw === 'string' ? tryBase64url(raw) : undefined;
    if (bytes === undefined) {
      this.#fault('WRONG_TYPE', 'must be bytes in base64url');
      return raw;
    }
    this.#tell(bytesFault(field, bytes));
    return bytes;
  }

  #enum(field: Field, raw: unknown): unknown {
    const schema = field.values!;
    if (typeof raw === 'string' && schema.numberOf.has(raw)) return raw;
    const known = [...schema.numberOf.keys()];
    const choice = known.length > 12 ? `${known.slice(0, 12).join(', ')}, …` : known.join(', ');
    this.#fault('BAD_VALUE', `must be one of ${choice}`);
    return undefined;
  }

  #integer(field: Field, raw: unknown): unknown {
    // Every int64 of this schema is a time: people write those as text.
    const value = field.kind === 'int64' && typeof raw === 'string' ? Date.parse(raw) : raw;
    if (typeof value !== 'number' || !Number.isInteger(value))
      this.#fault('WRONG_TYPE', field.kind === 'int64' ? 'must be a time' : 'must be a whole number');
    else this.#tell(numberFault(field, value));
    return value;
  }

  #tell(fault: ValueFault | undefined): void {
    if (fault !== undefined) this.#fault(fault.code, fault.message);
  }

  #fault(code: FaultCode, message: string): void {
    this.#faults.add(code, message);
  }
}

function isMembers(input: unknown): input is Members {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && !(input instanceof Uint8Array);
}

// Own members only: JSON must not reach Object.prototype.
function memberOf(input: Members, field: Field): unknown {
  return Object.hasOwn(input, field.name) ? input[field.name] : undefined;
}

function isAbsent(field: Field, raw: unknown): boolean {
  if (raw === undefined || raw === null) return true;
  if (field.oneof !== undefined) return false;
  switch (field.kind) {
    case 'string':
      return raw === '';
    case 'bytes':
      return raw === '' || (raw instanceof Uint8Array && raw.length === 0);
    case 'enum':
      return raw === 0;
    case 'bool':
    case 'uint32':
    case 'uint64':
    case 'int64':
    case 'message':
      return false;
    default:
      return field.kind satisfies never;
  }
}

function tryBase64url(text: string): Uint8Array | undefined {
  try {
    return parseBase64url(text);
  } catch {
    return undefined;
  }
}
