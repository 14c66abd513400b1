/**
 * The member that a record itself has under a name. Peers choose the names of measures, items and instruments, and “constructor” keeps
 * every rule of such a name: each object inherits one.
 */
export function ownOf<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
