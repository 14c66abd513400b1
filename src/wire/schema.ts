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
  readonly type?: string;
  /** Name of the oneof that the field belongs to. */
  readonly oneof?: string;
  /** Named grammar of a string or bytes field. */
  readonly format?: string;
  readonly maxBytes?: number;
  readonly exactBytes?: number;
  readonly maxItems?: number;
  readonly maxValue?: number;
  /** The sibling enum field whose value names the grammar instead of `format`. */
  readonly formatFrom?: string;
}

/** A message type prepared for parsing. */
export interface MessageSchema {
  readonly name: string;
  /** In ascending order of field number. */
  readonly fields: readonly FieldRow[];
  /** Those that are in no oneof. */
  readonly plain: readonly FieldRow[];
  readonly byId: ReadonlyMap<number, FieldRow>;
  readonly byName: ReadonlyMap<string, FieldRow>;
  /** Names of the oneofs, each with its members by name. */
  readonly oneofs: ReadonlyMap<string, readonly FieldRow[]>;
}

/** An enum type prepared for parsing; zero, “unspecified”, is never a value. */
export interface EnumSchema {
  readonly name: string;
  readonly nameOf: ReadonlyMap<number, string>;
  readonly numberOf: ReadonlyMap<string, number>;
}

const messages = new Map(Object.entries(FIELDS).map(([name, fields]) => [name, prepareMessage(name, fields)]));
const enums = new Map(Object.entries(ENUMS).map(([name, values]) => [name, prepareEnum(name, values)]));

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

function prepareMessage(name: string, fields: readonly FieldRow[]): MessageSchema {
  const oneofs = new Map<string, FieldRow[]>();
  for (const field of fields) {
    if (field.oneof === undefined) continue;
    const members = oneofs.get(field.oneof) ?? [];
    members.push(field);
    oneofs.set(field.oneof, members);
  }
  return {
    name,
    fields,
    plain: fields.filter((field) => field.oneof === undefined),
    byId: new Map(fields.map((field) => [field.id, field])),
    byName: new Map(fields.map((field) => [field.name, field])),
    oneofs,
  };
}

function prepareEnum(name: string, values: Readonly<Record<string, number>>): EnumSchema {
  const pairs = Object.entries(values);
  return { name, nameOf: new Map(pairs.map(([text, number]) => [number, text])), numberOf: new Map(pairs) };
}
