import type { FaultCode } from '../../wire/mod.ts';

/** Notes one fault; the path is within the body. */
export type Add = (path: string, code: FaultCode, message: string) => void;

/** A member that an outcome asks for. */
export function needed(value: unknown, path: string, because: string, add: Add): void {
  const isMissing = value === undefined || value === 0 || (Array.isArray(value) && value.length === 0);
  if (isMissing) add(path, 'REQUIRED', `is required with ${because}`);
}

/** Each element of a list has an id of its own. */
export function uniqueFaults<T>(
  items: readonly T[],
  list: string,
  idOf: (item: T) => string,
  name: string,
  add: Add,
): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const id = idOf(item);
    if (seen.has(id)) add(`${list}[${index}].${name}`, 'CONFLICT', `“${id}” is there twice`);
    seen.add(id);
  });
}
