/** Reads members of `node.json`, and collects every fault, so that an operator can mend the file in one go. */

/** The members of an object; none but the known ones. @param prefix what to call it in faults, with a dot at its end */
export function members(
  json: unknown,
  prefix: string,
  known: readonly string[],
  faults: string[],
): Record<string, unknown> {
  if (!isObject(json)) {
    faults.push(`${prefix.slice(0, -1) || 'the configuration'} must be an object`);
    return {};
  }
  for (const name of Object.keys(json)) if (!known.includes(name)) faults.push(`${prefix}${name} is not known`);
  return json;
}

/** Whether it is an object of JSON, neither a list nor null. */
export function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Whether it is a whole number in a range, both ends included. */
export function isIntegerIn(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
}
