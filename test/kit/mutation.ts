/** Every text that differs from this one in one character: changed, left out or doubled. */
export function* textMutations(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    yield text.slice(0, i) + (char === 'A' ? 'B' : 'A') + text.slice(i + 1);
    yield text.slice(0, i) + text.slice(i + 1);
    yield text.slice(0, i) + char + text.slice(i);
  }
  yield `${text}\n`;
  yield ` ${text}`;
}

/** Every byte string that differs from this one in one bit. */
export function* bitFlips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length * 8; i++) {
    const flipped = bytes.slice();
    flipped[Math.floor(i / 8)]! ^= 1 << (i % 8);
    yield flipped;
  }
}
