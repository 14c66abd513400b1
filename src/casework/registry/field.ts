import { bodyTypeName, fieldsOf, type BodyType } from '../../wire/mod.ts';

/** Whether a path such as `assets[].value` leads to a field of a message. */
export function isField(message: BodyType, path: string): boolean {
  let type: string | undefined = bodyTypeName(message);
  for (const part of path.split('.')) {
    const name = part.replace(/\[\]$/, '');
    const row: ReturnType<typeof fieldsOf>[number] | undefined =
      type === undefined ? undefined : fieldsOf(type).find((field) => field.name === name);
    if (row === undefined || (row.repeated !== (part !== name) && part !== name)) return false;
    type = row.type;
  }
  return true;
}
