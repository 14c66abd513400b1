/**
 * The Padmé size of a length: at least as long, at most 12 % longer, and one of so few values that a length says little.
 * @param length bytes
 * @see Nikitin et al., “Reducing Metadata Leakage from Encrypted Files and Communication with PURBs”, PETS 2019, §4.3
 */
export function padmeSize(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - mantissaBits);
  return Math.ceil(length / step) * step;
}
