import { maskedCrc } from './crc32c.ts';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const SECTOR_BYTES = 512;

const [FULL, FIRST, LAST] = [1, 2, 4];

/**
 * The records of a LevelDB log or manifest, in order; `damaged` for one that something has changed. What a power cut leaves is no damage:
 * a record that the end of the file cuts short, and sectors that were never written, which are zeros. Whether anything that counts was
 * lost that way is for the ledger to say.
 */
export function* logRecords(log: Uint8Array): Generator<Uint8Array | 'damaged'> {
  let fragments: Uint8Array[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= log.length) {
    const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES;
    if (blockEnd - at < HEADER_BYTES) {
      at = blockEnd;
      continue;
    }
    const header = new DataView(log.buffer, log.byteOffset + at, HEADER_BYTES);
    const [checksum, length, type] = [header.getUint32(0, true), header.getUint16(4, true), log[at + 6]!];
    const end = at + HEADER_BYTES + length;
    if (end > log.length && end <= blockEnd) {
      if (isMisread(log, at, checksum, length)) yield 'damaged';
      return;
    }
    const isWhole = end <= blockEnd && maskedCrc(log.subarray(at + 6, end)) === checksum;
    if (!isWhole) {
      fragments = [];
      if (!hasUnwrittenSector(log, at, Math.min(end, blockEnd, log.length))) yield 'damaged';
      at = blockEnd;
      continue;
    }
    if (type === FULL || type === FIRST) fragments = [];
    fragments.push(log.subarray(at + HEADER_BYTES, end));
    if (type === FULL || type === LAST) yield fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments);
    at = end;
  }
}

/** Whether a record only seems cut short: its checksum, which is not about its length, fits it with one bit of the length changed. */
function isMisread(log: Uint8Array, at: number, checksum: number, length: number): boolean {
  return Array.from({ length: 16 }, (_, bit) => at + HEADER_BYTES + (length ^ (1 << bit))).some(
    (end) => end <= log.length && maskedCrc(log.subarray(at + 6, end)) === checksum,
  );
}

/** Whether nothing but zeros stands in the part of some sector that lies between two places; a header of zeros is such a part. */
function hasUnwrittenSector(log: Uint8Array, start: number, end: number): boolean {
  if (log.subarray(start, start + HEADER_BYTES).every((byte) => byte === 0)) return true;
  for (let sector = Math.ceil(start / SECTOR_BYTES) * SECTOR_BYTES; sector < end; sector += SECTOR_BYTES) {
    if (log.subarray(sector, Math.min(sector + SECTOR_BYTES, end)).every((byte) => byte === 0)) return true;
  }
  return false;
}
