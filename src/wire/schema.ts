import { formatOf, type Format } from './format.ts';
import { ENUMS, FIELDS } from './generated/table.ts';

/** The protobuf types this schema uses. */
export type FieldKind = 'uint32' | 'uint64' | 'int64' | 'bool' | 'string' | 'bytes' | 'enum' | 'message';

/** One field of a message type, with its rules, as `scripts/generate.mjs` writes it from the `.proto` files. */
export interface FieldRow {
  readonly id: number;
  readonly name: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  readonly required: boolean;
  /** Name of the message or enum type. */
  readonly type?: string | undefined;
  /** Name of the oneof that the field belongs to. */
  readonly oneof?: string | undefined;
  /** Named grammar of a string or bytes field. */
  readonly format?: string | undefined;
  readonly maxBytes?: number | undefined;
  readonly exactBytes?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly maxValue?: number | undefined;
  /** The sibling enum field whose value names the grammar instead of `format`. */
  readonly formatFrom?: string | undefined;
}

/** A field prepared for reading and writing. Each has every member, so that to the engine all are of one shape. */
export interface Field extends FieldRow {
  /** What stands before its value: field number and wire type. */
  readonly tag: number;
  /** Its values travel as varints. */
  readonly isVarint: boolean;
  /** All its values travel behind one tag. */
  readonly isPacked: boolean;
  /** Of a message. */
  readonly message: MessageSchema | undefined;
  /** Of an enum. */
  readonly values: EnumSchema | undefined;
  /** Of a string, unless a sibling chooses it. */
  readonly grammar: Format | undefined;
}

/** Neighbours, by field number, of one oneof: at most one of them is there. */
export interface Alternatives {
  readonly oneof: string;
  readonly byName: ReadonlyMap<string, Field>;
}

/** A message type prepared for reading and writing. */
export interface MessageSchema {
  readonly name: string;
  /** In ascending order of field number. */
  readonly fields: readonly Field[];
  /** Those that are in no oneof. */
  readonly plain: readonly Field[];
  /** What to write, in the order of field numbers. */
  readonly parts: readonly (Field | Alternatives)[];
  readonly byId: ReadonlyMap<number, Field>;
  readonly byName: ReadonlyMap<string, Field>;
  /** Names of the oneofs, each with its members by name. */
  readonly oneofs: ReadonlyMap<string, readonly Field[]>;
}

/** An enum type prepared for reading and writing; zero, “unspecified”, is never a value. */
export interface EnumSchema {
  readonly name: string;
  readonly nameOf: ReadonlyMap<number, string>;
  readonly numberOf: ReadonlyMap<string, number>;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const enums = new Map(Object.entries(ENUMS).map(([name, values]) => [name, prepareEnum(name, values)]));
// A type is prepared before the first that has it as a member: none contains itself.
const messages = new Map<string, MessageSchema>();
for (const name of Object.keys(FIELDS)) prepareMessage(name);

/** @throws {TypeError} for a name that is not in the schema, which is a programmer's mistake */
export function messageSchema(name: string): MessageSchema {
  const schema = messages.get(name);
  if (schema === undefined) throw new TypeError(`no message type ${name}`);
  return schema;
}

/** @throws {TypeError} for a name that is not in the schema, which is a programmer's mistake */
export function enumSchema(name: string): EnumSchema {
  const schema = enums.get(name);
  if (schema === undefined) throw new TypeError(`no enum type ${name}`);
  return schema;
}

function prepareMessage(name: string): MessageSchema {
  const known = messages.get(name);
  if (known !== undefined) return known;
  const fields = FIELDS[name]!.map(prepareField);
  const oneofs = new Map<string, Field[]>();
  for (const field of fields) {
    if (field.oneof === undefined) continue;
    const members = oneofs.get(field.oneof) ?? [];
    members.push(field);
    oneofs.set(field.oneof, members);
  }
  const schema: MessageSchema = {
    name,
    fields,
    plain: fields.filter((field) => field.oneof === undefined),
    parts: partsOf(fields),
    byId: new Map(fields.map((field) => [field.id, field])),
    byName: new Map(fields.map((field) => [field.name, field])),
    oneofs,
  };
  messages.set(name, schema);
  return schema;
}

// Member by member, and the same in every one: out of what is spread, the engine makes a shape for each.
function prepareField(row: FieldRow): Field {
  const {
    id,
    name,
    kind,
    repeated,
    required,
    type,
    oneof,
    format,
    maxBytes,
    exactBytes,
    maxItems,
    maxValue,
    formatFrom,
  } = row;
  const isVarint = kind !== 'string' && kind !== 'bytes' && kind !== 'message';
  const isPacked = repeated && isVarint;
  return {
    id,
    name,
    kind,
    repeated,
    required,
    type,
    oneof,
    format,
    maxBytes,
    exactBytes,
    maxItems,
    maxValue,
    formatFrom,
    tag: id * 8 + (isVarint && !isPacked ? VARINT : LENGTH_DELIMITED),
    isVarint,
    isPacked,
    message: kind === 'message' ? prepareMessage(type!) : undefined,
    values: kind === 'enum' ? enumSchema(type!) : undefined,
    grammar: kind === 'string' && formatFrom === undefined ? formatOf(format!) : undefined,
  };
}

function partsOf(fields: readonly Field[]): (Field | Alternatives)[] {
  const parts: (Field | Alternatives)[] = [];
  let group: Map<string, Field> | undefined;
  let last: string | undefined;
  for (const field of fields) {
    if (field.oneof === undefined) parts.push(field);
    else {
      if (group === undefined || field.oneof !== last) parts.push({ oneof: field.oneof, byName: (group = new Map()) });
      group.set(field.name, field);
    }
    last = field.oneof;
  }
  return parts;
}

function prepareEnum(name: string, values: Readonly<Record<string, number>>): EnumSchema {
  const pairs = Object.entries(values);
  return { name, nameOf: new Map(pairs.map(([text, number]) => [number, text])), numberOf: new Map(pairs) };
}
