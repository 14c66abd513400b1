// Names that mean a device, and ends that are dropped, on systems where the files may be taken next.
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
const MAX_LENGTH = 120;

/**
 * Names for files whose own names somebody else chose: one for each, different from all others even where case does not count, and
 * without anything that a file system or a shell could take for something else.
 */
export function safeNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const harmless = harmlessName(name);
    const dot = harmless.lastIndexOf('.');
    const [stem, extension] = dot > 0 ? [harmless.slice(0, dot), harmless.slice(dot)] : [harmless, ''];
    let candidate = harmless;
    for (let n = 2; taken.has(candidate.toLowerCase()); n++) candidate = `${stem}-${n}${extension}`;
    taken.add(candidate.toLowerCase());
    return candidate;
  });
}

function harmlessName(name: string): string {
  const plain = name
    .normalize('NFKC')
    .replaceAll(/[^\p{L}\p{N}._ -]/gu, '_')
    .slice(0, MAX_LENGTH)
    .replace(/^[.\s-]+/, '')
    .replace(/[.\s]+$/, '');
  if (plain === '' || plain.toUpperCase() === 'SHA256SUMS') return `file-${plain}`.replace(/-$/, '');
  return DEVICE.test(plain) ? `_${plain}` : plain;
}
