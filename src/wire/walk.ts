/**
 * One walk over the schema turns an untrusted object, decoded from protobuf or read from JSON, into a trusted value, and collects
 * every fault on the way by its path. Nothing of the input is kept: the value is built anew, member by member.
 */
import { parseBase64url } from '../base/mod.ts';
import type { Fault, FaultCode } from './error.ts';
import { formatNamed, formatOf } from './format.ts';
import { enumSchema, messageSchema, type FieldRow, type MessageSchema } from './schema.ts';

/** Where the object comes from: protobuf has default values for what is absent, JSON has nothing. */
export type Source = 'protobuf' | 'json';

type Members = Readonly<Record<string, unknown>>;

// A faulty document can be faulty everywhere; a person needs a screenful, and a peer must not make us build more.
const MAX_FAULTS = 100;

/** Walks one message; the result is to be used only when `faults` stayed empty. */
export function walkMessage(
  typeName: string,
  source: Source,
  input: unknown,
  faults: Fault[],
): Record<string, unknown> {
  return new Walk(source, faults).message(typeName, input);
}

class Walk {
  readonly #source: Source;
  readonly #faults: Fault[];
  // Where the walk stands: a path is made of it only where there is a fault to tell.
  readonly #trail: (string | number)[] = [];

  constructor(source: Source, faults: Fault[]) {
    this.#source = source;
    this.#faults = faults;
  }

  message(typeName: string, input: unknown): Record<string, unknown> {
    const schema = messageSchema(typeName);
    const out: Record<string, unknown> = {};
    if (!isMembers(input)) {
      this.#fault('WRONG_TYPE', 'must be an object');
      return out;
    }
    if (this.#source === 'json') {
      for (const name of Object.keys(input)) {
        if (schema.byName.has(name)) continue;
        this.#trail.push(name.slice(0, 60));
        this.#fault('UNKNOWN_FIELD', 'is not a field here');
        this.#trail.pop();
      }
    }
    for (const field of schema.plain) {
      const row = field.formatFrom === undefined ? field : withFormat(field, out[field.formatFrom]);
      this.#trail.push(field.name);
      const value = this.#field(row, memberOf(input, field));
      this.#trail.pop();
      if (value !== undefined) out[field.name] = value;
    }
    if (schema.oneofs.size > 0) this.#oneofs(schema, input, out);
    return out;
  }

  // The input has few members and a oneof may have many: the walk is over the former.
  #oneofs(schema: MessageSchema, input: Members, out: Record<string, unknown>): void {
    const present = Object.keys(input)
      .map((name) => schema.byName.get(name))
      .filter((field) => field?.oneof !== undefined && !isAbsent(field, input[field.name])) as FieldRow[];
    for (const field of present) {
      const name = field.oneof!;
      if (out[name] !== undefined) {
        const names = present.filter(({ oneof }) => oneof === name).map((member) => member.name);
        this.#fault('CONFLICT', `can have only one of ${names.join(', ')}`);
        continue;
      }
      this.#trail.push(field.name);
      out[name] = { type: field.name, value: this.#single(field, input[field.name]) };
      this.#trail.pop();
    }
  }

  #field(field: FieldRow, raw: unknown): unknown {
    if (field.repeated) return this.#list(field, raw);
    if (isAbsent(field, raw)) {
      if (field.required) this.#fault('REQUIRED', 'is required');
      return absentValue(field);
    }
    return this.#single(field, raw);
  }

  #list(field: FieldRow, raw: unknown): readonly unknown[] {
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
      this.#trail.push(index);
      const isThere = !isAbsent(field, item);
      if (!isThere) this.#fault('REQUIRED', 'must not be empty');
      const value = isThere ? this.#single(field, item) : undefined;
      this.#trail.pop();
      return value;
    });
  }

  #single(field: FieldRow, raw: unknown): unknown {
    switch (field.kind) {
      case 'message':
        return this.message(field.type!, raw);
      case 'string':
        return this.#string(field, raw);
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

  #string(field: FieldRow, raw: unknown): unknown {
    if (typeof raw !== 'string') {
      this.#fault('WRONG_TYPE', 'must be text');
      return raw;
    }
    const limit = field.maxBytes ?? 0;
    // UTF-8 takes one to three bytes for each UTF-16 unit: the exact count is needed only in between.
    if (raw.length > limit || (raw.length * 3 > limit && new TextEncoder().encode(raw).length > limit)) {
      this.#fault('TOO_LONG', `is longer than ${limit} bytes`);
      return raw;
    }
    const format = formatOf(field.format!);
    if (!format.matches(raw)) this.#fault('BAD_FORMAT', `must be ${format.wants}`);
    return raw;
  }

  #bytes(field: FieldRow, raw: unknown): unknown {
    let bytes: Uint8Array | undefined;
    if (raw instanceof Uint8Array) bytes = raw;
    else if (this.#source === 'json' && typeof raw === 'string') bytes = tryBase64url(raw);
    if (bytes === undefined) {
      this.#fault('WRONG_TYPE', 'must be bytes in base64url');
      return raw;
    }
    if (field.exactBytes !== undefined && bytes.length !== field.exactBytes) {
      this.#fault('BAD_VALUE', `must be ${field.exactBytes} bytes long`);
    } else if (bytes.length > (field.maxBytes ?? 0)) {
      this.#fault('TOO_LONG', `is longer than ${field.maxBytes} bytes`);
    }
    if (field.format === 'zeros' && bytes.some((byte) => byte !== 0)) this.#fault('BAD_VALUE', 'must be zeros');
    return bytes;
  }

  #enum(field: FieldRow, raw: unknown): unknown {
    const schema = enumSchema(field.type!);
    const name = this.#source === 'json' ? raw : schema.nameOf.get(raw as number);
    if (typeof name === 'string' && schema.numberOf.has(name)) return name;
    const known = [...schema.numberOf.keys()];
    const choice = known.length > 12 ? `${known.slice(0, 12).join(', ')}, …` : known.join(', ');
    this.#fault('BAD_VALUE', `must be one of ${choice}`);
    return undefined;
  }

  #integer(field: FieldRow, raw: unknown): unknown {
    // Every int64 of this schema is a time: people write those as text.
    const value = this.#source === 'json' && field.kind === 'int64' && typeof raw === 'string' ? Date.parse(raw) : raw;
    const max = field.maxValue ?? (field.kind === 'uint32' ? 0xffff_ffff : Number.MAX_SAFE_INTEGER);
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      this.#fault('WRONG_TYPE', field.kind === 'int64' ? 'must be a time' : 'must be a whole number');
    } else if (value < 0 || value > max) {
      this.#fault('OUT_OF_RANGE', `must be between 0 and ${max}`);
    } else if (value === 0 && field.required) {
      this.#fault('REQUIRED', 'must not be 0');
    }
    return value;
  }

  #fault(code: FaultCode, message: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push({ path: pathOf(this.#trail), code, message });
  }
}

function isMembers(input: unknown): input is Members {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && !(input instanceof Uint8Array);
}

// Own members only: protobufjs keeps defaults on the prototype, and JSON must not reach Object.prototype.
function memberOf(input: Members, field: FieldRow): unknown {
  return Object.hasOwn(input, field.name) ? input[field.name] : undefined;
}

// An enum that is wrong or absent has its own fault; the value is then only a line.
function withFormat(field: FieldRow, choice: unknown): FieldRow {
  return { ...field, format: formatNamed(typeof choice === 'string' ? choice.toLowerCase() : '') };
}

function isAbsent(field: FieldRow, raw: unknown): boolean {
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

// Numbers and flags have a value when they are absent; the rest is undefined.
function absentValue(field: FieldRow): unknown {
  if (field.kind === 'bool') return false;
  return field.kind === 'uint32' || field.kind === 'uint64' || field.kind === 'int64' ? 0 : undefined;
}

function tryBase64url(text: string): Uint8Array | undefined {
  try {
    return parseBase64url(text);
  } catch {
    return undefined;
  }
}

function pathOf(trail: readonly (string | number)[]): string {
  return trail.reduce<string>((path, step) => {
    if (typeof step === 'number') return `${path}[${step}]`;
    return path === '' ? step : `${path}.${step}`;
  }, '');
}
