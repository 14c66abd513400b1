/** Reads fields of a trusted value by the paths that registry rules use. */
import { fieldsOf, type Text } from '../../wire/mod.ts';

/** A value and where it stands. */
export interface At<T> {
  readonly path: string;
  readonly value: T;
}

/**
 * Where a field is missing: nowhere if it is there. `assets[].value` asks for at least one asset, and the value of each.
 * @returns paths such as `assets` or `assets[1].value`
 */
export function missingAt(value: unknown, field: string): string[] {
  return missing(value, field.split('.'), '');
}

/** Every text in free words, with its path. */
export function textsOf(type: string, value: unknown, path: string): At<Text>[] {
  if (type === 'Text') return [{ path, value: value as Text }];
  return fieldsOf(type).flatMap((field) => {
    if (field.kind !== 'message') return [];
    const inner = (value as Readonly<Record<string, unknown>>)[field.name];
    if (inner === undefined) return [];
    const at = path === '' ? field.name : `${path}.${field.name}`;
    if (!field.repeated) return textsOf(field.type!, inner, at);
    return (inner as readonly unknown[]).flatMap((item, index) => textsOf(field.type!, item, `${at}[${index}]`));
  });
}

function missing(value: unknown, parts: readonly string[], path: string): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return isEmpty(value) ? [path] : [];
  const name = part.replace(/\[\]$/, '');
  const member = (value as Readonly<Record<string, unknown>>)[name];
  const at = path === '' ? name : `${path}.${name}`;
  if (isEmpty(member)) return [at];
  if (part === name) return missing(member, rest, at);
  return (member as readonly unknown[]).flatMap((item, index) => missing(item, rest, `${at}[${index}]`));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0);
}
