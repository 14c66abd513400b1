// Names that mean a device, and ends that are dropped, on systems where the files may be taken next.
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
// A file system takes 255 bytes; what keeps names apart, and what marks a part of a file, has to find room.
const MAX_BYTES = 200;
const MAX_EXTENSION = 16;

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
    .replace(/^[.\s-]+/, '')
    .replace(/[.\s]+$/, '');
  const short = shortened(plain);
  if (short === '' || short.toUpperCase() === 'SHA256SUMS') return `file-${short}`.replace(/-$/, '');
  return DEVICE.test(short) ? `_${short}` : short;
}

/** As much of a name as has room, and its extension: people and programs go by it. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const extension = /\.[\p{L}\p{N}]+$/u.exec(name)?.[0] ?? '';
  const kept = extension.length <= MAX_EXTENSION ? extension : '';
  let stem = '';
  for (const character of name) {
    if (Buffer.byteLength(stem + character + kept) > MAX_BYTES) break;
    stem += character;
  }
  return stem.replace(/[.\s]+$/, '') + kept;
}
