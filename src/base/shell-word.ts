/**
 * `word`, a path or another argument, as one word of a command that is printed to be typed into a POSIX shell (IEEE 1003.1, Shell Command
 * Language, 2.2 Quoting); what no shell would split or expand stays as it is. A path that would be taken for an option is named by its folder.
 */
export function shellWord(word: string): string {
  const safe = word.startsWith('-') ? `./${word}` : word;
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", String.raw`'\''`)}'`;
}
