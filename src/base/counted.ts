/**
 * A number of things as a person reads it: `1 exhibit`, `2 exhibits`, `3 entries`.
 * @param plural of the noun, where it is not the noun and an s
 */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
