/** Free text on one line: somebody else wrote it, and a line feed in it would begin what passes for a line of this program's. */
export function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** Free text on lines of its own, further in than what is around it. */
export function indentedLines(text: string, indent: string): string[] {
  return text.split(/\r\n?|[\n\u2028\u2029]/).map((line) => `${indent}${line}`);
}
