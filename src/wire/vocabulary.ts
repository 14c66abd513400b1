/** The words of the schema, for what is written about messages: registry rules, code lists, forms. */
import { ENUMS, FIELDS } from './generated/table.ts';
import type { BodyType } from './message.ts';
import type { FieldRow } from './schema.ts';

/** Names of every kind of message, in the order of the schema. */
export const BODY_TYPES: readonly [BodyType, ...BodyType[]] = FIELDS['Message']!.filter(
  ({ oneof }) => oneof === 'body',
).map(({ name }) => name) as [BodyType, ...BodyType[]];

/**
 * Values of an enum by name, without “unspecified”.
 * @param name as generated, such as `MeasureType` or `AssetKind`
 * @throws {TypeError} for a name that is not in the schema
 */
export function enumNames<T extends string>(name: string): readonly [T, ...T[]] {
  const values = ENUMS[name];
  if (values === undefined) throw new TypeError(`no enum type ${name}`);
  return Object.keys(values) as [T, ...T[]];
}

/**
 * Fields of a message type, in the order of their numbers.
 * @throws {TypeError} for a name that is not in the schema
 */
export function fieldsOf(type: string): readonly FieldRow[] {
  const fields = FIELDS[type];
  if (fields === undefined) throw new TypeError(`no message type ${type}`);
  return fields;
}

/** The message type of a body. */
export function bodyTypeName(body: BodyType): string {
  return FIELDS['Message']!.find(({ name }) => name === body)!.type!;
}
